"""Handing over what stays unanswered after a breach: by a manager in one click, or by itself where both heads signed.

A lead goes wherever the published routing rules send it, but not back to whom it was taken from. Each clock is handed
over once, and one pass of a lead no more often than `MOST_HOPS` times, whichever of its clocks asks for it.
"""

import logging
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef

from alignment.ops import audit
from alignment.people.models import User
from leads.causes import Cause
from leads.lifecycle import database_now
from leads.milestones import CauseSource
from leads.models import Lead
from leads.routing.reassigning import route_away
from sla import signing
from sla.ladder import HANDED_OVER, PROPOSAL
from sla.models import Clock, ClockEvent, EventKind
from sla.querysets import ClockQuerySet
from sla.subjects import subject

log = logging.getLogger(__name__)

MOST_HOPS = 2


@dataclass(frozen=True, slots=True)
class Passed:
    """A lead changed hands; `to` None where the rules knew nobody else."""

    clock: Clock
    to: User | None


@transaction.atomic
def hand_over(*, clock_id: int, by: User | None) -> Passed:
    """Give the lead of an overdue clock to somebody else; `by` None where the ladder does it by itself. That nobody
    else could take it is kept too, so that it is asked once. Raises ValidationError where it cannot be handed over.
    """
    clock = _locked(clock_id)
    if why := why_not(clock):
        raise ValidationError(why)
    assert clock.lead is not None  # passes have one
    before = clock.lead.owner_id
    source = CauseSource.PAGE if by else CauseSource.RULE
    [decision] = route_away(
        lead_ids=[clock.lead.pk], cause=Cause(source, actor_id=by.pk if by else None),
        why="Not answered in time" if by else "Not answered in time, handed over by the ladder",
    )  # fmt: skip
    to = User.objects.get(pk=decision.user_id) if decision.user_id != before else None
    now = database_now()
    told = {"holder": [before, decision.user_id], "is_automatic": by is None, "why": f"To {to}" if to else NOBODY}
    ClockEvent.objects.create(
        clock=clock, kind=EventKind.HANDED_OVER, at=now, recorded_at=now, actor=by, rung=HANDED_OVER, detail=told
    )
    audit.record(action="lead_handed_over", actor=by, subject_kind="lead", subject_ids=[clock.lead.pk], detail=told)
    return Passed(clock, to)


NOBODY = "Nobody else could take it"


def why_not(clock: Clock) -> str:
    """Why a clock's lead cannot be handed over; empty where it can. Two queries at most."""
    if not subject(clock.subject_kind).is_pass:
        return "Only leads are handed over here."
    if not clock.is_running or not clock.is_breached(database_now()):
        return "It is not overdue any more."
    if clock.excused_at:
        return "The breach is excused."
    if clock.events.filter(rung=HANDED_OVER).exists():
        return "It was handed over already."
    if _hops(clock) >= MOST_HOPS:
        return f"This lead has changed hands {MOST_HOPS} times for want of an answer: it is for the manager to decide."
    return ""


def carry_out_due(*, limit: int = 200) -> int:
    """Hand over what both heads signed to be handed over by itself; returns how many. One query where nothing is.

    Each lead is a transaction of its own, lead first. What cannot be handed over is left to the manager.
    """
    versions = signing.signed_versions()
    if not versions:
        return 0
    done = 0
    for pk in _asked_for(versions).order_by("due_at").values_list("pk", flat=True)[:limit]:
        try:
            done += hand_over(clock_id=pk, by=None).to is not None
        except ValidationError as refusal:
            log.info("Clock %s was not handed over: %s", pk, refusal.messages[0])
        except DatabaseError:
            log.exception("Clock %s could not be handed over.", pk)
    return done


def _asked_for(versions: list[int]) -> ClockQuerySet:
    """The clocks whose ladder has come to the proposal, under rules that carry it out by themselves."""
    taken = ClockEvent.objects.filter(clock=OuterRef("pk"), rung=HANDED_OVER)
    rows = Clock.objects.of_passes().running().filter(rung__gte=PROPOSAL, is_silent=False, excused_at=None)
    return rows.filter(policy__version__in=versions, policy__hands_over=True).exclude(Exists(taken))


def _hops(clock: Clock) -> int:
    taken = ClockEvent.objects.filter(rung=HANDED_OVER, clock__lead=clock.lead_id, clock__pass_no=clock.pass_no)
    return taken.filter(clock__in=Clock.objects.of_passes()).count()


def _locked(clock_id: int) -> Clock:
    """The lead first, then its clock."""
    lead_id = Clock.objects.values_list("lead", flat=True).get(pk=clock_id)
    if lead_id:
        Lead.objects.select_for_update(no_key=True).get(pk=lead_id)
    return Clock.objects.select_for_update(of=("self",)).select_related("policy", "lead__owner").get(pk=clock_id)
