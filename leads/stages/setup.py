"""Setting up stages: versions of what they are and ask for, signatures, order, and retiring. The only writer of stages.

A stage is never deleted, and never taken away from under its leads: a retired one hands them to another stage.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.text import slugify

from alignment.ops import audit, signatures, versions
from alignment.ops.notifications import Notice, notify
from alignment.people.models import Company, Side, User
from leads import criteria
from leads.conditions.fields import ABOUT_SCORED_LEAD
from leads.conditions.language import parse
from leads.lifecycle import database_now
from leads.milestones import Milestone
from leads.models import LeadTransition, Stage, StageVersion
from leads.reasons import sides_signed_by
from leads.stages import mapping as stage_mapping
from leads.stages.stages import Stages

STEP = 10
"""Positions are so far apart; renumbering makes room."""
MOST_CONFIRMATIONS = 12
LONGEST_CONFIRMATION = 40
LONGEST_NAME = 80
LONGEST_DEFINITION = 4000


# Versions -----------------------------------------------------------------------------------------------------


def body_of(stage: Stage) -> dict[str, Any]:
    """What stands now, as a version tells it."""
    return {
        "name": stage.name, "owning_side": stage.owning_side, "definition": stage.definition,
        "criteria": stage.criteria,
    }  # fmt: skip


def begin(*, stage: Stage, by: User) -> StageVersion:
    """The draft of this stage: the one that stands, else a new one of what counts now."""
    return versions.begin(StageVersion, by=by, scope=stage.key, body=body_of(stage))


@transaction.atomic
def save(*, made_from: StageVersion, body: Mapping[str, Any], by: User) -> StageVersion:
    """Store this body in the draft of a stage. `made_from` is what its editor began with, as they saw it: the draft, or
    what counted where there was none. Raises ValidationError, and StaleDraftError where the stage has moved on since.
    """
    stage = Stage.objects.select_for_update(no_key=True).get(key=made_from.scope)
    checked, standing = check(stage, body), newest(stage)
    if (standing.pk, standing.revision) != (made_from.pk, made_from.revision):
        raise versions.StaleDraftError(standing)
    return versions.change(begin(stage=stage, by=by), body=checked, by=by)


def newest(stage: Stage) -> StageVersion:
    """What the next change of a stage in use begins with: its draft, else the version that counts."""
    versions_of = StageVersion.objects.filter(scope=stage.key).select_related("author", "published_by")
    return versions_of.exclude(state=versions.VersionState.RETIRED).order_by("-number")[0]


def check(stage: Stage, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it is to be stored. Raises ValidationError, by field, where it cannot count."""
    name, side = " ".join(str(body.get("name", "")).split()), body.get("owning_side")
    errors: dict[str, str] = {}
    if not name or len(name) > LONGEST_NAME:
        errors["name"] = f"Give it a name of at most {LONGEST_NAME} characters."
    elif Stage.objects.in_use().filter(name__iexact=name).exclude(pk=stage.pk).exists():
        errors["name"] = "Another stage has this name."
    if side not in Side.values:
        errors["owning_side"] = "Say which side owns it."
    elif not _can_be_accepted({stage.pk: side}):
        errors["owning_side"] = "Sales needs a stage after the hand-off, to accept leads into."
    definition = str(body.get("definition", "")).strip()
    if len(definition) > LONGEST_DEFINITION:
        errors["definition"] = f"At most {LONGEST_DEFINITION} characters."
    if errors:
        raise ValidationError(errors)
    return {
        "name": name, "owning_side": side, "definition": definition,
        "criteria": _checked(stage, body.get("criteria") or {}),
    }  # fmt: skip


def _checked(stage: Stage, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Criteria without what is blank. Raises ValidationError."""
    fields = [name for name in criteria.FIELDS if name in asked.get("fields", ())]
    of_deal = [name for name in criteria.DEAL_FIELDS if name in asked.get("deal", ())]
    confirmations = list(dict.fromkeys(asked.get("confirmations", ())))
    condition = parse(asked["conditions"], ABOUT_SCORED_LEAD, may_be_empty=True) if asked.get("conditions") else None
    if stage.milestone != Milestone.SQO and (of_deal or confirmations):
        raise ValidationError("Only stages of opportunities ask for a deal and for confirmations.")
    if len(confirmations) > MOST_CONFIRMATIONS or any(
        not 0 < len(one) <= LONGEST_CONFIRMATION for one in confirmations
    ):
        raise ValidationError(
            f"At most {MOST_CONFIRMATIONS} confirmations, each of at most {LONGEST_CONFIRMATION} characters."
        )
    found = {"fields": fields, "confirmations": confirmations, "deal": of_deal}
    if condition and condition.of:
        found["conditions"] = condition.as_json()  # type: ignore[assignment]
    return {name: value for name, value in found.items() if value}


@transaction.atomic
def publish(*, draft: StageVersion, by: User, note: str) -> StageVersion:
    """Let the draft count from now on; who signs for a side is asked to. Raises ValidationError, StaleDraftError."""
    stage = Stage.objects.select_for_update(no_key=True).get(key=draft.scope)
    if stage.retired_at:
        raise ValidationError("This stage is retired.")
    published = versions.publish(draft, by=by, check=lambda body: check(stage, body), note=note)
    for name, value in published.body.items():
        setattr(stage, name, value)
    stage.save(update_fields=list(published.body))
    _ask_for_signatures(published, by)
    return published


@transaction.atomic
def sign(*, version_id: int, by: User) -> list[Side]:
    """Sign a version that counts, for the sides that `by` signs for and that have not. Raises ValidationError."""
    version = StageVersion.objects.select_for_update(no_key=True, of=("self",)).get(pk=version_id)
    if version.state != versions.VersionState.PUBLISHED:
        raise ValidationError("Only the version that counts is signed; look at the newest one.")
    sides = signatures.sign(
        version.signatures.all(), version=version, by=by, sides=sides_signed_by(by, Company.get()), at=database_now()
    )
    audit.record(
        action="stage_signed", actor=by, subject_kind="stageversion", subject_ids=[version.pk],
        detail={"stage": version.scope, "number": version.number, "sides": [str(side) for side in sides]},
    )  # fmt: skip
    return sides


def _ask_for_signatures(version: StageVersion, by: User) -> None:
    notify(
        notices=[
            Notice(
                user_id=head, kind="stage_published", title=f"{by} changed the stage {version.body['name']}: sign it",
                body=version.note, url=reverse("setup_stage", args=[version.scope]),
                dedupe_key=f"stage_published:{version.pk}", subject_kind="stageversion", subject_id=version.pk,
            )
            for head in sorted({*Company.get().heads.values()} - {by.pk})
        ]
    )  # fmt: skip


# Adding and order ---------------------------------------------------------------------------------------------


@transaction.atomic
def add(*, name: str, owning_side: str, after_id: int, by: User) -> Stage:
    """A further stage of the milestone of `after_id`, right behind it; its first version counts at once. Raises
    ValidationError.
    """
    stages = _lock()
    before = next(stage for stage in stages if stage.pk == after_id)
    if before.retired_at or before.milestone == Milestone.WON:
        raise ValidationError({"after": "A stage stands behind one that is in use, before the customer."})
    stage = Stage(key=_free_key(name), name=name, milestone=before.milestone, owning_side=owning_side)
    body = check(stage, body_of(stage))
    place = stages.index(before) + 1
    _renumber([*stages[:place], None, *stages[place:]])
    stage.position = (place + 1) * STEP
    stage.save()
    draft = versions.begin(StageVersion, by=by, scope=stage.key, body=body)
    published = versions.publish(draft, by=by, check=dict, note="Added")
    _ask_for_signatures(published, by)
    _told("stage_added", stage, by, milestone=Milestone(stage.milestone).name, after=before.key)
    return stage


@transaction.atomic
def move(*, stage_id: int, later: bool, by: User) -> None:
    """Exchange a stage with its neighbour in the same milestone. Raises ValidationError where there is none, and where
    leads have passed both: their history would read otherwise.
    """
    stages = _lock()
    place = next(index for index, stage in enumerate(stages) if stage.pk == stage_id)
    moved = stages[place]
    others = [stage for stage in (stages[place + 1 :] if later else reversed(stages[:place])) if not stage.retired_at]
    if not others or others[0].milestone != moved.milestone:
        raise ValidationError("A stage moves within its milestone only.")
    other = stages.index(others[0])
    low, high = sorted((place, other))
    if passed := _passed_several([stage.pk for stage in stages[low : high + 1]]):
        leads = "lead has" if passed == 1 else "leads have"
        sentence = f"{passed:,} {leads} been in both: their history would read otherwise."
        raise ValidationError(f"{sentence} Retire one and add it where it belongs.")
    stages[place], stages[other] = stages[other], stages[place]
    if not _can_be_accepted({}, stages):
        raise ValidationError("Sales needs a stage after the hand-off, to accept leads into.")
    _renumber(stages)
    _told("stages_reordered", moved, by, order=[stage.key for stage in stages if not stage.retired_at])


def _passed_several(stage_ids: Collection[int]) -> int:
    """How many leads have moves into more than one of these stages."""
    rows = LeadTransition.objects.filter(to_stage__in=stage_ids).values_list("lead", "to_stage").distinct()
    seen: dict[int, int] = {}
    for lead_id, _ in rows.iterator(5000):
        seen[lead_id] = seen.get(lead_id, 0) + 1
    return sum(count > 1 for count in seen.values())


# Retiring -----------------------------------------------------------------------------------------------------


@transaction.atomic
def retire(*, stage_id: int, to_id: int, why: str, by: User) -> stage_mapping.Mapped:
    """Nobody moves into the stage any more; who stands in it moves to `to_id`, another stage of the same milestone, and
    so do deals. Raises ValidationError.
    """
    stages = _lock()
    stage = next(each for each in stages if each.pk == stage_id)
    to = next((each for each in stages if each.pk == to_id), None)
    if stage.retired_at:
        raise ValidationError("This stage is retired already.")
    if to is None or to.retired_at or to.milestone != stage.milestone or to == stage:
        raise ValidationError({"to": "Choose another stage of the same milestone."})
    if not _can_be_accepted({}, [each for each in stages if each != stage]):
        raise ValidationError("Sales needs a stage after the hand-off, to accept leads into.")
    stage.retired_at, stage.mapped_to = database_now(), to
    stage.save(update_fields=["retired_at", "mapped_to"])
    if draft := StageVersion.draft(stage.key):
        versions.discard(draft)
    if counting := StageVersion.published(stage.key):
        versions.retire(counting, by=by)
    _told("stage_retired", stage, by, mapped_to=to.key, why=why)
    return stage_mapping.start(stage=stage, to=to, why=why, by=by)


# What holds of all stages -------------------------------------------------------------------------------------


def _lock() -> list[Stage]:
    """All stages in their order; one person at a time sets them up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('leads_stage'))")
    return list(Stage.objects.select_for_update(no_key=True).order_by("position", "pk"))


def _renumber(stages: Sequence[Stage | None]) -> None:
    """Give stages, retired ones too, positions in this order; None leaves a place free."""
    # Two statements, since no two stages in use may have the same position in between.
    Stage.objects.update(position=F("position") + STEP * 1000)
    for index, stage in enumerate(stages, start=1):
        if stage is not None:
            stage.position = index * STEP
    Stage.objects.bulk_update([stage for stage in stages if stage is not None], ["position"])


def _can_be_accepted(sides: Mapping[int | None, Any], stages: Collection[Stage] | None = None) -> bool:
    """Whether leads can still be accepted once stages (by key) have other sides, or only these `stages` are left."""
    left = Stages(stages if stages is not None else Stage.objects.all())
    after = left.first(Milestone.MQL).position
    return any(
        sides.get(stage.pk, stage.owning_side) == Side.SALES and stage.position > after
        for stage in left.in_use
        if stage.milestone < Milestone.SQO
    )


def _free_key(name: str) -> str:
    base = slugify(name).replace("-", "_")[:34] or "stage"
    taken = set(Stage.objects.filter(key__startswith=base).values_list("key", flat=True))
    return next(key for number in range(len(taken) + 1) if (key := f"{base}_{number}" if number else base) not in taken)


def _told(action: str, stage: Stage, by: User, **detail: Any) -> None:
    audit.record(
        action=action, actor=by, subject_kind="stage", subject_ids=[stage.pk], detail={"stage": stage.key, **detail}
    )
