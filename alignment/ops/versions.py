"""Rule sets in versions: draft → published → retired. What ran under a version keeps it, since none is ever edited.

An app has a concrete model for each kind of rules (scoring, routing, profiles …) and calls the verbs below with it.
`scope` keeps rule sets of one kind apart (one for each pool, say); blank where there is one alone. `audience` is whom a
published version is for, blank for everybody: a pilot for one team stands beside the version of the rest.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Max, Q
from django.db.models.functions import Now

from alignment.ops import audit
from alignment.people.models import User


class VersionState(models.TextChoices):
    """A draft can be changed; a published version counts; a retired one did."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    RETIRED = "retired", "Retired"


class RuleSetVersion(models.Model):
    """One version of a set of rules. Published rows stand as they are: `published_stands` makes the trigger for it.

    `number` counts the versions of a scope. `revision` counts the changes of a draft, so that two people who edit it do
    not overwrite each other.
    """

    id = models.AutoField(primary_key=True)
    scope = models.CharField(max_length=40, blank=True, default="")
    audience = models.CharField(max_length=40, blank=True, default="", help_text="Blank: for everybody.")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=VersionState, default=VersionState.DRAFT)
    body = models.JSONField()
    note = models.CharField(max_length=500, blank=True, help_text="What changed, and why.")
    revision = models.PositiveIntegerField(default=1)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    published_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    restored_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        abstract = True
        ordering = ["scope", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "number"], name="%(class)s_number_unique"),
            models.UniqueConstraint(
                fields=["scope", "audience"], condition=Q(state="published"), name="%(class)s_one_published"
            ),
            models.UniqueConstraint(fields=["scope"], condition=Q(state="draft"), name="%(class)s_one_draft"),
            models.CheckConstraint(
                condition=Q(state="draft", published_at=None, retired_at=None)
                | Q(state="published", published_at__isnull=False, retired_at=None)
                | Q(state="retired", published_at__isnull=False, retired_at__isnull=False),
                name="%(class)s_state_dated",
            ),
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"

    @property
    def is_draft(self) -> bool:
        """Whether it can still be changed."""
        return self.state == VersionState.DRAFT

    @classmethod
    def published(cls, scope: str = "", audience: str = "") -> Self | None:
        """The version that counts; None before the first was published."""
        return cls._default_manager.filter(scope=scope, audience=audience, state=VersionState.PUBLISHED).first()

    @classmethod
    def draft(cls, scope: str = "") -> Self | None:
        """The draft, if somebody began one."""
        return cls._default_manager.filter(scope=scope, state=VersionState.DRAFT).select_related("author").first()


Version = TypeVar("Version", bound=RuleSetVersion)


class StaleDraftError(Exception):
    """The draft was changed, published or discarded by somebody else first: `current` is what stands now, if any."""

    def __init__(self, current: RuleSetVersion | None) -> None:
        who = f" by {current.author}" if current and current.author else ""
        state = "changed" if current and current.is_draft else "published or discarded"
        super().__init__(f"Meanwhile this draft was {state}{who}. Look at it before you save yours.")
        self.current = current


class DraftStandsError(Exception):
    """Somebody's draft would be lost."""

    def __init__(self, standing: RuleSetVersion) -> None:
        by = f" by {standing.author}" if standing.author else ""
        super().__init__(f"A draft{by} stands already: publish or discard it first.")


@transaction.atomic
def begin(model: type[Version], *, by: User | None, scope: str = "", body: Any = None, empty: Any = None) -> Version:
    """The draft of this scope: the one that stands, else a new one from `body`, or from what is published.

    Where nothing was published yet, it begins with `empty`.
    """
    _lock(model, scope)
    standing = model.draft(scope)
    if standing is not None:
        return standing
    if body is None:
        published = model.published(scope)
        body = _editable(published.body) if published else (empty or {})
    return _create(model, scope, body=body, author=by)


@transaction.atomic
def change(draft: Version, *, body: Any, by: User | None, note: str | None = None) -> Version:
    """Store another body under the draft. `draft` is as its editor saw it; raises StaleDraftError where it moved on."""
    values: dict[str, Any] = {"body": body, "author": by, "revision": draft.revision + 1, "changed_at": Now()}
    if note is not None:
        values["note"] = note
    elif (restored := draft.restored_from) and draft.note in _notes(restored):
        values["note"] = _note(restored, body)
    rows = type(draft)._default_manager.filter(pk=draft.pk, state=VersionState.DRAFT, revision=draft.revision)
    if not rows.update(**values):
        raise StaleDraftError(type(draft)._default_manager.filter(pk=draft.pk).select_related("author").first())
    draft.refresh_from_db()
    return draft


@transaction.atomic
def publish(
    draft: Version,
    *,
    by: User | None,
    check: Callable[[Any], Any],
    note: str = "",
    audience: str = "",
    choices: Mapping[str, Any] | None = None,
) -> Version:
    """Let the draft count from now on; the version before it, of the same audience, is retired.

    `check` returns the body as it is to be stored, or raises ValidationError where it cannot count. `choices` are
    further columns of the model that are decided at this moment. Raises StaleDraftError where the draft moved on.
    """
    model = type(draft)
    _lock(model, draft.scope)
    body = check(draft.body)
    model._default_manager.filter(scope=draft.scope, audience=audience, state=VersionState.PUBLISHED).update(
        state=VersionState.RETIRED, retired_at=Now()
    )
    rows = model._default_manager.filter(pk=draft.pk, state=VersionState.DRAFT, revision=draft.revision)
    published = rows.update(
        state=VersionState.PUBLISHED, body=body, audience=audience, note=note or draft.note,
        published_by=by, published_at=Now(), **(choices or {}),
    )  # fmt: skip
    if not published:
        raise StaleDraftError(model._default_manager.filter(pk=draft.pk).select_related("author").first())
    draft.refresh_from_db()
    _audit(draft, "published", by, {"audience": audience})
    return draft


@transaction.atomic
def retire(version: Version, *, by: User | None) -> bool:
    """Let a published version count no longer, without a successor (a pilot that ends). False if it did not count."""
    rows = type(version)._default_manager.filter(pk=version.pk, state=VersionState.PUBLISHED)
    retired = bool(rows.update(state=VersionState.RETIRED, retired_at=Now()))
    if retired:
        _audit(version, "retired", by, {"audience": version.audience})
    return retired


@transaction.atomic
def restore(version: Version, *, by: User | None) -> Version:
    """A draft with the rules of an earlier version. Raises DraftStandsError where there is a draft already."""
    model = type(version)
    _lock(model, version.scope)
    standing = model.draft(version.scope)
    if standing is not None:
        raise DraftStandsError(standing)
    body = _editable(version.body)
    return _create(
        model, version.scope, body=body, author=by, restored_from=version, note=_note(version, body)
    )  # fmt: skip


@transaction.atomic
def discard(draft: Version) -> bool:
    """Drop a draft: it never counted. False if it had moved on."""
    rows = type(draft)._default_manager.filter(pk=draft.pk, state=VersionState.DRAFT, revision=draft.revision)
    return bool(rows.delete()[0])


def _editable(body: Any) -> Any:
    """The body as a draft has it: what its rules say in words is written anew when it is published."""
    return {name: value for name, value in body.items() if name != "says"} if isinstance(body, Mapping) else body


def _note(restored: RuleSetVersion, body: Any) -> str:
    """What a draft that was restored says of itself until somebody says more."""
    same, changed = _notes(restored)
    return same if _editable(body) == _editable(restored.body) else changed


def _notes(restored: RuleSetVersion) -> tuple[str, str]:
    return f"As version {restored.number}", f"From version {restored.number}, changed"


def _create(model: type[Version], scope: str, **fields: Any) -> Version:
    newest = model._default_manager.filter(scope=scope).aggregate(Max("number"))["number__max"] or 0
    return model._default_manager.create(scope=scope, number=newest + 1, **fields)


def _lock(model: type[RuleSetVersion], scope: str) -> None:
    """One at a time begins or publishes the rules of a scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [model._meta.db_table, scope])


def _audit(version: RuleSetVersion, what: str, by: User | None, detail: Mapping[str, Any]) -> None:
    audit.record(
        action=f"rules_{what}", actor=by, subject_kind=version._meta.model_name or "", subject_ids=[version.pk],
        detail={"number": version.number, "scope": version.scope, **detail},
    )  # fmt: skip
