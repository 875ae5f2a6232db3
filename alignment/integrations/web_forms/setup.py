"""Making and changing web forms: the only writer of forms, keys and consent texts."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from alignment.integrations.web_forms.models import ConsentText, FormKey, WebForm
from alignment.ops import audit
from alignment.people.models import User
from leads.dimensions import dimension_key
from leads.lifecycle import database_now
from leads.models import Source


@dataclass(frozen=True, slots=True)
class Wording:
    """A consent as it should stand beside checkbox `slot`; a blank text takes the checkbox away."""

    slot: int
    text: str
    is_required: bool = False
    allows_contact: bool = True


@transaction.atomic
def make(*, facts: Mapping[str, Any], wordings: Sequence[Wording], by: User) -> WebForm:
    """A new form with a key of its own. `facts` are columns of `WebForm`; `new_source` names a source to add."""
    form = WebForm.objects.create(**_with_source(facts), created_by=by, created_at=database_now())
    _new_key(form)
    _publish(form, wordings)
    _told("web_form_made", form, by, {"name": form.name})
    return form


@transaction.atomic
def change(*, form_id: int, facts: Mapping[str, Any], wordings: Sequence[Wording], by: User) -> WebForm:
    """Set columns by name. A consent that reads differently now becomes another version; agreed ones stay."""
    form = _locked(form_id)
    facts = _with_source(facts)
    changed = sorted(name for name, value in facts.items() if getattr(form, name) != value)
    for name in changed:
        setattr(form, name, facts[name])
    if changed:
        form.save(update_fields=changed)
    published = _publish(form, wordings)
    if changed or published:
        _told("web_form_changed", form, by, {"fields": changed, "consents": published})
    return form


@transaction.atomic
def retire(*, form_id: int, by: User) -> None:
    """From now on the form takes nothing; what it brought stays."""
    _set_retired(form_id, True, by)


@transaction.atomic
def take_up(*, form_id: int, by: User) -> None:
    """Let a retired form receive again, under the key it had."""
    _set_retired(form_id, False, by)


@transaction.atomic
def rotate_key(*, form_id: int, by: User) -> str:
    """Give the form another address; the old one answers that it is closed. Returns the new key."""
    form = _locked(form_id)
    form.keys.filter(replaced_at=None).update(replaced_at=database_now())
    key = _new_key(form)
    _told("web_form_key_rotated", form, by, {})
    return key


def _locked(form_id: int) -> WebForm:
    return WebForm.objects.select_for_update(no_key=True).get(pk=form_id)


def _with_source(facts: Mapping[str, Any]) -> dict[str, Any]:
    """With the source in place of its name; one that is known by that name already is taken."""
    given = dict(facts)
    if name := given.pop("new_source", ""):
        key = dimension_key(name)
        given["source"], _ = Source.objects.get_or_create(key=key, defaults={"name": " ".join(name.split())})
    return given


def _new_key(form: WebForm) -> str:
    key = secrets.token_urlsafe(18)
    FormKey.objects.create(form=form, key=key, made_at=database_now())
    return key


def _set_retired(form_id: int, is_retired: bool, by: User) -> None:
    form = _locked(form_id)
    if bool(form.retired_at) == is_retired:
        return
    form.retired_at = database_now() if is_retired else None
    form.save(update_fields=["retired_at"])
    _told("web_form_retired" if is_retired else "web_form_taken_up", form, by, {})


def _publish(form: WebForm, wordings: Sequence[Wording]) -> list[int]:
    """Bring the consent texts to these; returns the slots that changed."""
    now = database_now()
    standing = {text.slot: text for text in form.consent_texts.filter(replaced_at=None)}
    newest = dict(form.consent_texts.order_by("version").values_list("slot", "version"))
    changed = [one for one in wordings if _reads(standing.get(one.slot)) != _reads(one if one.text else None)]
    form.consent_texts.filter(replaced_at=None, slot__in=[one.slot for one in changed]).update(replaced_at=now)
    ConsentText.objects.bulk_create(
        ConsentText(
            form=form, slot=one.slot, version=newest.get(one.slot, 0) + 1, text=one.text,
            is_required=one.is_required, allows_contact=one.allows_contact, published_at=now,
        )
        for one in changed
        if one.text
    )  # fmt: skip
    return [one.slot for one in changed]


def _reads(one: Wording | ConsentText | None) -> tuple[str, bool, bool] | None:
    return (one.text, one.is_required, one.allows_contact) if one else None


def _told(action: str, form: WebForm, by: User, detail: dict[str, Any]) -> None:
    audit.record(action=action, actor=by, subject_kind="web_form", subject_ids=[form.pk], detail=detail)
