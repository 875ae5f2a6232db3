"""Contesting: a move of a lead, the breach of a clock, who brought a deal. It opens a dispute and asks the other side.

The side that made a move answers for it. A breach, and who brought a deal, either side may contest, and the other one
answers; where neither side contests but RevOps does, the one that gains by it as it stands.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from alignment.people.models import Company, Role, Side, Team, User
from leads import lifecycle
from leads.causes import Cause
from leads.deals import sourcing
from leads.milestones import CauseSource, Kind, Milestone, Outcome
from leads.models import Lead, LeadTransition, Opportunity, OpportunityContact, Sourcing
from leads.models.opportunity import SourcedBy
from sla import clocks, dispute_notices
from sla.models import Clock, ClockEvent, Dispute, DisputeKind, EventKind
from sla.models.dispute import ANSWER
from sla.receipt import receipt

CONTEST_WITHIN = timedelta(days=30)

MADE_BY = {DisputeKind.REJECTION: Side.SALES, DisputeKind.QUALIFICATION: Side.MARKETING}
"""The side whose moves of this kind are contested, and which answers for them."""


def other(side: Side) -> Side:
    """The side across the table."""
    return Side.SALES if side == Side.MARKETING else Side.MARKETING


# A move of a lead ---------------------------------------------------------------------------------------------


def contestable(lead: Lead, user: User) -> tuple[DisputeKind, LeadTransition] | None:
    """The move of this lead that `user` may contest today; None where there is none. One query at most.

    Marketing contests the rejection that a pass ended with, sales the qualification of one that is under way; RevOps
    may do both.
    """
    kind = contested_by(lead, user)
    if kind is None:
        return None
    moves = LeadTransition.objects.filter(lead=lead, pass_no=lead.pass_no, reverted_by=None, dispute=None)
    if kind == DisputeKind.REJECTION:
        moves = moves.filter(kind=Kind.REJECT)
    else:
        moves = moves.filter(kind__in=[Kind.ADVANCE, Kind.REQUALIFY], to_stage__milestone=Milestone.MQL)
    move = moves.filter(recorded_at__gte=lifecycle.database_now() - CONTEST_WITHIN).order_by("-seq").first()
    return (kind, move) if move else None


def contested_by(lead: Lead, user: User) -> DisputeKind | None:
    """What `user` may contest where the lead stands, by their side; no query."""
    kind = kind_of(lead)
    sides = set(Side) if user.role == Role.REVOPS else {user.side}
    return kind if kind and sides - {MADE_BY[kind], None} else None


def kind_of(lead: Lead) -> DisputeKind | None:
    """Which kind of move can be contested where a lead stands."""
    if lead.outcome == Outcome.REJECTED:
        return DisputeKind.REJECTION
    is_handed_over = lead.is_open and lead.milestone in (Milestone.MQL, Milestone.SQL)
    return DisputeKind.QUALIFICATION if is_handed_over else None


@transaction.atomic
def contest_move(*, lead_id: int, evidence: str, evidence_url: str = "", by: User) -> Dispute:
    """Contest what `contestable` names. Raises ValidationError where there is nothing."""
    lead = Lead.objects.select_for_update(no_key=True, of=("self",)).select_related("team").get(pk=lead_id)
    found = contestable(lead, by)
    if found is None:
        raise ValidationError("There is nothing to contest: it was contested already, or the lead has moved on.")
    kind, move = found
    return _open(
        by, evidence, kind=kind, side=MADE_BY[kind], lead=lead, transition=move, evidence_url=evidence_url
    )  # fmt: skip


# A breach -----------------------------------------------------------------------------------------------------


@transaction.atomic
def contest_breach(*, clock_id: int, evidence: str, evidence_url: str = "", by: User) -> Dispute:
    """Contest a broken promise, once for a clock: the dispute and the clock's story keep the receipt as it is now.

    Raises ValidationError where nothing is broken, or it is contested already.
    """
    clock = (
        Clock.objects.select_for_update(of=("self",))
        .select_related("policy", "lead__owner", "lead__team")
        .get(pk=clock_id)
    )
    now = lifecycle.database_now()
    if not clock.is_breached(now):
        raise ValidationError("This promise is not broken.")
    if Dispute.objects.filter(clock=clock).exists():
        raise ValidationError("It is contested already.")
    said = evidence.strip()
    if not said:
        raise ValidationError("Say why in a sentence.")
    frozen = receipt(clock, now).as_json()
    ClockEvent.objects.create(
        clock=clock, kind=EventKind.CONTESTED, at=now, recorded_at=now, actor=by,
        detail={"why": said, "receipt": frozen},
    )  # fmt: skip
    return _open(
        by, said, kind=DisputeKind.BREACH, side=other(by.side or Side.SALES), lead=clock.lead, clock=clock,
        receipt=frozen, evidence_url=evidence_url,
    )  # fmt: skip


# Who brought a deal -------------------------------------------------------------------------------------------


def contestable_sourcing(deal: Opportunity) -> Sourcing | None:
    """The answer to who brought this deal that counts, if it can be contested today. Four queries at most."""
    newest = Sourcing.objects.filter(opportunity=deal).order_by("-id").first()
    if newest is None or Dispute.objects.filter(sourcing=newest).exists():
        return None
    return newest if lifecycle.database_now() < sourcing.closes_at(newest) else None


@transaction.atomic
def contest_sourcing(*, opportunity_id: int, claimed: str, evidence: str, evidence_url: str = "", by: User) -> Dispute:
    """Say that somebody else brought a deal (`claimed`, a `SourcedBy`). Raises ValidationError where that stands
    already, is contested, or the books of its month are closed.
    """
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    standing = contestable_sourcing(deal)
    if standing is None:
        raise ValidationError("There is nothing to contest: it was contested already, or the books are closed.")
    if standing.sourced_by == claimed:
        raise ValidationError(f"It is sourced by {standing.get_sourced_by_display().lower()} already.")
    primary = OpportunityContact.objects.filter(opportunity=deal, is_primary=True).select_related("lead__team").first()
    return _open(
        by, evidence, kind=DisputeKind.SOURCING, side=_answers_for(standing.sourced_by, claimed, by),
        lead=primary.lead if primary else None, sourcing=standing, claimed=claimed, evidence_url=evidence_url,
    )  # fmt: skip


def _answers_for(standing: str, claimed: str, by: User) -> Side:
    if by.side:
        return other(by.side)
    if standing in Side.values:
        return Side(standing)
    return Side.SALES if claimed == SourcedBy.MARKETING else Side.MARKETING


# Asking -------------------------------------------------------------------------------------------------------


def _open(by: User, evidence: str, *, side: Side, lead: Lead | None, **what: Any) -> Dispute:
    now = lifecycle.database_now()
    asked = answerers(side, lead)
    try:
        with transaction.atomic():
            dispute = Dispute.objects.create(
                side=side, lead=lead, raised_by=by, raised_at=now, evidence=evidence,
                asked_id=asked[0] if asked else None, **what,
            )  # fmt: skip
    except IntegrityError as error:
        raise ValidationError("Somebody was first: this is contested already.") from error
    clocks.follow_up(kind=ANSWER, keys=[dispute.pk], cause=Cause(CauseSource.PAGE, actor_id=by.pk))
    dispute_notices.audited("dispute_raised", dispute, by)
    title = f"{by} contests {dispute.get_kind_display().lower()}: {dispute.subject}"
    dispute_notices.told(asked, dispute, "raised", title, evidence)
    return dispute


def answerers(side: Side, lead: Lead | None) -> Sequence[int]:
    """Who answers for a side: the manager of its team that holds the lead, the managers of its teams, else its head."""
    team = lead.team if lead and lead.team and lead.team.side == side else None
    if team and team.manager_id:
        return [team.manager_id]
    managers = Team.objects.filter(side=side, retired_at=None, manager__is_active=True).order_by("pk")
    head = Company.get().heads.get(side)
    return list(dict.fromkeys(managers.values_list("manager_id", flat=True))) or ([head] if head else [])
