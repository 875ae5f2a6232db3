"""Disputes after they were raised: the other side's answer within a deadline, and the verdict.

The manager of the side that answers may agree, which takes back what was contested. Who does not, or does not answer in
time, leaves the verdict to RevOps. What an upheld dispute does is in `sla.remedies`.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from alignment.people.models import User
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Lead
from sla import clocks, remedies
from sla.dispute_notices import audited, deciders, told
from sla.models.dispute import ANSWER, Dispute, DisputeKind, Verdict


@transaction.atomic
def answer(*, dispute_id: int, agrees: bool, text: str, by: User) -> Dispute:
    """The other side's answer: who agrees takes it back, else RevOps decides. Raises ValidationError where it was
    answered or decided already.
    """
    dispute = _open(dispute_id)
    if dispute.answered_at:
        raise ValidationError(f"{dispute.answered_by} was first: it is answered.")
    dispute.answered_by, dispute.answered_at, dispute.answer = by, lifecycle.database_now(), text
    audited("dispute_answered", dispute, by)
    if agrees:
        return _close(dispute, Verdict.UPHELD, text, by)
    dispute.escalated_at = dispute.escalated_at or dispute.answered_at
    dispute.save()
    _clock_follows(dispute, by)
    told(deciders(), dispute, "escalated", f"Not agreed, please decide: {dispute.subject}", text)
    told([dispute.raised_by_id], dispute, "answered", f"{by} does not agree: {dispute.subject}", text)
    return dispute


@transaction.atomic
def decide(*, dispute_id: int, verdict: Verdict, why: str, by: User) -> Dispute:
    """RevOps decides what was not agreed or not answered in time. Raises ValidationError where it is not theirs yet."""
    dispute = _open(dispute_id)
    if not dispute.is_decidable:
        raise ValidationError("The other side's answer is not due yet.")
    return _close(dispute, verdict, why, by)


@transaction.atomic
def escalate_overdue(*, at: datetime | None = None, limit: int = 500) -> int:
    """Bring to RevOps what was not answered in time; returns how many."""
    now = at or lifecycle.database_now()
    overdue = (
        Dispute.objects.overdue(now).order_by("pk").select_related("lead", "clock__policy", "sourcing__opportunity")
    )
    disputes = list(overdue.select_for_update(of=("self",), skip_locked=True)[:limit])
    Dispute.objects.filter(pk__in=[dispute.pk for dispute in disputes]).update(escalated_at=now)
    decide_it = deciders() if disputes else []
    for dispute in disputes:
        title = f"Not answered in time, please decide: {dispute.subject}"
        told([*decide_it, *filter(None, [dispute.asked_id])], dispute, "escalated", title, dispute.evidence)
    return len(disputes)


def _open(dispute_id: int) -> Dispute:
    """Locked, after its lead: the lead comes first in the order of locks."""
    lead_id = Dispute.objects.values_list("lead", flat=True).get(pk=dispute_id)
    if lead_id:
        Lead.objects.select_for_update(no_key=True).get(pk=lead_id)
    found = Dispute.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "lead", "closed_by", "answered_by", "transition", "clock__policy", "sourcing__opportunity"
    )
    dispute = found.get(pk=dispute_id)
    if dispute.verdict:
        raise ValidationError(f"{dispute.closed_by} was first: {dispute.verdict_label.lower()}.")
    return dispute


def _close(dispute: Dispute, verdict: Verdict, why: str, by: User) -> Dispute:
    dispute.verdict, dispute.closed_by, dispute.closed_at = verdict, by, lifecycle.database_now()
    dispute.closed_why = why
    if verdict == Verdict.UPHELD:
        remedies.REMEDIES[DisputeKind(dispute.kind)](dispute, by, why)
    dispute.save()
    _clock_follows(dispute, by)
    audited(f"dispute_{verdict}", dispute, by)
    title = f"{dispute.verdict_label}: {dispute.get_kind_display().lower()}, {dispute.subject}"
    told(sorted(_concerned(dispute) - {by.pk}), dispute, "closed", title, why)
    return dispute


def _clock_follows(dispute: Dispute, by: User) -> None:
    """Its clock stops with the answer, or with a verdict that did not wait for one."""
    clocks.follow_up(kind=ANSWER, keys=[dispute.pk], cause=Cause(CauseSource.PAGE, actor_id=by.pk))


def _concerned(dispute: Dispute) -> set[int]:
    owner = dispute.lead.owner_id if dispute.lead else None
    mover = dispute.transition.actor_id if dispute.transition else None
    return {pk for pk in (dispute.raised_by_id, dispute.asked_id, owner, mover) if pk}
