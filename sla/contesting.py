"""Saying that a breach is charged wrongly: once for a clock, with the receipt as it is then."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from alignment.ops.notifications import Notice, notify
from alignment.people.models import Company, User
from leads.lifecycle import database_now
from sla.models import Clock, ClockEvent, EventKind
from sla.receipt import receipt
from sla.wording import WORDS


@transaction.atomic
def contest(*, clock_id: int, by: User, why: str) -> ClockEvent:
    """Record that somebody contests a breach; both heads are told, with the receipt. Raises ValidationError."""
    now = database_now()
    clock = Clock.objects.select_for_update(of=("self",)).select_related("policy", "lead__owner").get(pk=clock_id)
    if not clock.is_breached(now):
        raise ValidationError("This promise is not broken.")
    if clock.events.filter(kind=EventKind.CONTESTED).exists():
        raise ValidationError("It is contested already.")
    if not why.strip():
        raise ValidationError("Say why in a sentence.")
    event = ClockEvent.objects.create(
        clock=clock, kind=EventKind.CONTESTED, at=now, recorded_at=now, actor=by,
        detail={"why": why.strip(), "receipt": receipt(clock, now).as_json()},
    )  # fmt: skip
    notify(notices=_notices(clock, by, why.strip()))
    return event


def _notices(clock: Clock, by: User, why: str) -> list[Notice]:
    company, lead = Company.get(), clock.lead
    assert lead is not None  # all subjects are passes of leads
    heads = {pk for pk in (company.marketing_head_id, company.sales_head_id) if pk and pk != by.pk}
    told: dict[str, Any] = {
        "kind": "contested", "title": f"Contested: {WORDS[clock.subject_kind].missing.lower()}, {lead.display_name}",
        "body": f"{by}: {why}", "url": reverse("clock", args=[clock.pk]), "dedupe_key": f"contested:{clock.pk}",
    }  # fmt: skip
    return [Notice(user_id=pk, subject_kind="lead", subject_id=lead.pk, **told) for pk in sorted(heads)]
