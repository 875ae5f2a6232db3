"""What an upheld dispute does: a rejected lead is reopened, one that was not ready goes back to nurture, a broken
promise is excused, and who brought a deal is corrected.
"""

from collections.abc import Callable, Mapping

from alignment.people.models import User
from leads import lifecycle
from leads.causes import Cause
from leads.deals import sourcing
from leads.milestones import CauseSource
from leads.models import Sourcing
from sla.contesting import kind_of
from sla.ladder import BREACH
from sla.models import Clock, ClockEvent, Dispute, DisputeKind, EventKind
from sla.storing import schedule


def take_back(dispute: Dispute, by: User, why: str) -> None:
    """Take the contested move back, unless the lead has moved on by itself since."""
    lead, move = dispute.lead, dispute.transition
    assert lead is not None  # the table says so
    assert move is not None
    cause = Cause(CauseSource.PAGE, actor_id=by.pk)
    note = f"Contested, and taken back: {why or dispute.evidence}"[:4000]
    if kind_of(lead) != dispute.kind or lead.pass_no != move.pass_no:
        return
    verb = lifecycle.reopen if dispute.kind == DisputeKind.REJECTION else lifecycle.recycle
    moved = verb(lead_ids=[lead.pk], cause=cause, note=note)
    dispute.remedy_id = moved.transition_id(moved.taken[0]) if moved.taken else None


def excuse(dispute: Dispute, by: User, why: str) -> None:
    """Let the breach pass: it stays late, no figure counts it, and nobody further up hears of it."""
    assert dispute.clock is not None  # the table says so
    clock = Clock.objects.select_for_update().get(pk=dispute.clock.pk)
    now = lifecycle.database_now()
    clock.excused_at = now
    if clock.rung >= BREACH:
        for name, value in schedule(None).items():
            setattr(clock, name, value)
    clock.save(update_fields=["excused_at", "next_at", "parked_at", "parked_why"])
    ClockEvent.objects.create(
        clock=clock, kind=EventKind.EXCUSED, at=now, recorded_at=now, actor=by,
        detail={"why": why, "dispute": dispute.pk},
    )  # fmt: skip


def correct(dispute: Dispute, by: User, why: str) -> None:
    """Say who brought the deal, as was asked for, unless somebody has said so since. What was contested while the books
    were open may still be corrected when they are closed: they waited for it.
    """
    contested = dispute.sourcing
    assert contested is not None  # the table says so
    newest = Sourcing.objects.filter(opportunity=contested.opportunity_id).order_by("-id").first()
    if newest != contested or newest.sourced_by == dispute.claimed:
        return
    dispute.correction = sourcing.correct(
        opportunity_id=contested.opportunity_id, sourced_by=dispute.claimed, why=f"Contested: {why}"[:2000],
        cause=Cause(CauseSource.PAGE, actor_id=by.pk), asked_at=dispute.raised_at,
    )  # fmt: skip


REMEDIES: Mapping[DisputeKind, Callable[[Dispute, User, str], None]] = {
    DisputeKind.REJECTION: take_back,
    DisputeKind.QUALIFICATION: take_back,
    DisputeKind.BREACH: excuse,
    DisputeKind.SOURCING: correct,
}
