"""Disputes: contesting a move with evidence, the other side's answer within a deadline, and the verdict.

The manager of the side that made the move answers. Who agrees takes the move back; who does not, or does not answer in
time, leaves the verdict to RevOps. Taking back a rejection reopens the lead; taking back a qualification recycles it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from alignment.ops import audit
from alignment.ops.notifications import Notice, notify
from alignment.people.models import Company, Role, Side, Team, User
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource, Kind, Milestone, Outcome
from leads.models import Lead, LeadTransition
from sla.models.dispute import ANSWERING, Dispute, DisputeKind, Verdict

ANSWER_WITHIN = timedelta(hours=48)
CONTEST_WITHIN = timedelta(days=30)


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
    kind = _kind(lead)
    sides = set(Side) if user.role == Role.REVOPS else {user.side}
    return kind if kind and sides - {ANSWERING[kind], None} else None


def _kind(lead: Lead) -> DisputeKind | None:
    if lead.outcome == Outcome.REJECTED:
        return DisputeKind.REJECTION
    is_handed_over = lead.is_open and lead.milestone in (Milestone.MQL, Milestone.SQL)
    return DisputeKind.QUALIFICATION if is_handed_over else None


@transaction.atomic
def contest(*, lead_id: int, evidence: str, evidence_url: str = "", by: User) -> Dispute:
    """Contest what `contestable` names, and ask the other side. Raises ValidationError where there is nothing."""
    lead = Lead.objects.select_for_update(no_key=True, of=("self",)).select_related("team").get(pk=lead_id)
    found = contestable(lead, by)
    if found is None:
        raise ValidationError("There is nothing to contest: it was contested already, or the lead has moved on.")
    kind, move = found
    now = lifecycle.database_now()
    asked = _answerers(kind, lead)
    try:
        with transaction.atomic():
            dispute = Dispute.objects.create(
                kind=kind, lead=lead, transition=move, raised_by=by, raised_at=now, evidence=evidence,
                evidence_url=evidence_url, asked_id=asked[0] if asked else None, due_at=now + ANSWER_WITHIN,
            )  # fmt: skip
    except IntegrityError as error:
        raise ValidationError("Somebody was first: this is contested already.") from error
    _told("dispute_raised", dispute, by)
    _notify(asked, dispute, "raised", f"{by} contests {kind.label.lower()}: {lead.display_name}", evidence)
    return dispute


@transaction.atomic
def answer(*, dispute_id: int, agrees: bool, text: str, by: User) -> Dispute:
    """The other side's answer: who agrees takes the move back, else RevOps decides. Raises ValidationError where it
    was answered or decided already.
    """
    dispute = _open(dispute_id)
    if dispute.answered_at:
        raise ValidationError(f"{dispute.answered_by} was first: it is answered.")
    dispute.answered_by, dispute.answered_at, dispute.answer = by, lifecycle.database_now(), text
    _told("dispute_answered", dispute, by)
    if agrees:
        return _close(dispute, Verdict.UPHELD, text, by)
    dispute.escalated_at = dispute.escalated_at or dispute.answered_at
    dispute.save()
    _notify(_deciders(), dispute, "escalated", f"Not agreed, please decide: {dispute.lead.display_name}", text)
    _notify([dispute.raised_by_id], dispute, "answered", f"{by} does not agree: {dispute.lead.display_name}", text)
    return dispute


@transaction.atomic
def decide(*, dispute_id: int, verdict: Verdict, why: str, by: User) -> Dispute:
    """RevOps decides what was not agreed or not answered in time. Raises ValidationError where it is not theirs yet."""
    dispute = _open(dispute_id)
    if dispute.escalated_at is None:
        raise ValidationError("The other side's answer is not due yet.")
    return _close(dispute, verdict, why, by)


@transaction.atomic
def escalate_overdue(*, at: datetime | None = None, limit: int = 500) -> int:
    """Bring to RevOps what was not answered in time; returns how many."""
    now = at or lifecycle.database_now()
    overdue = Dispute.objects.unanswered().filter(due_at__lte=now).select_related("lead").order_by("due_at")
    disputes = list(overdue.select_for_update(of=("self",), skip_locked=True)[:limit])
    Dispute.objects.filter(pk__in=[dispute.pk for dispute in disputes]).update(escalated_at=now)
    deciders = _deciders() if disputes else []
    for dispute in disputes:
        title = f"Not answered in time, please decide: {dispute.lead.display_name}"
        _notify([*deciders, *filter(None, [dispute.asked_id])], dispute, "escalated", title, dispute.evidence)
    return len(disputes)


def _open(dispute_id: int) -> Dispute:
    """Locked, after its lead: the lead comes first in the order of locks."""
    lead_id = Dispute.objects.values_list("lead", flat=True).get(pk=dispute_id)
    Lead.objects.select_for_update(no_key=True).get(pk=lead_id)
    found = Dispute.objects.select_for_update(no_key=True, of=("self",)).select_related("lead", "closed_by")
    dispute = found.select_related("answered_by").get(pk=dispute_id)
    if dispute.verdict:
        raise ValidationError(f"{dispute.closed_by} was first: {dispute.get_verdict_display().lower()}.")
    return dispute


def _close(dispute: Dispute, verdict: Verdict, why: str, by: User) -> Dispute:
    dispute.verdict, dispute.closed_by, dispute.closed_at = verdict, by, lifecycle.database_now()
    dispute.closed_why = why
    if verdict == Verdict.UPHELD:
        dispute.remedy_id = _take_back(dispute, by, why)
    dispute.save()
    _told(f"dispute_{verdict}", dispute, by)
    title = f"{verdict.label}: {dispute.get_kind_display().lower()} of {dispute.lead.display_name}"
    concerned = {dispute.raised_by_id, dispute.asked_id, dispute.lead.owner_id, dispute.transition.actor_id}
    _notify(sorted(filter(None, concerned - {by.pk})), dispute, "closed", title, why)
    return dispute


def _take_back(dispute: Dispute, by: User, why: str) -> int | None:
    """The move that takes the contested one back; None where the lead has moved on by itself since."""
    lead = dispute.lead
    cause = Cause(CauseSource.PAGE, actor_id=by.pk)
    note = f"Contested, and taken back: {why or dispute.evidence}"[:4000]
    if _kind(lead) != dispute.kind or lead.pass_no != dispute.transition.pass_no:
        return None
    if dispute.kind == DisputeKind.REJECTION:
        moved = lifecycle.reopen(lead_ids=[lead.pk], cause=cause, note=note)
    else:
        moved = lifecycle.recycle(lead_ids=[lead.pk], cause=cause, note=note)
    return moved.transition_id(moved.taken[0]) if moved.taken else None


def _answerers(kind: DisputeKind, lead: Lead) -> Sequence[int]:
    """Who answers for the side that made the move: the manager of the team that holds the lead, the managers of the
    side's teams, else its head.
    """
    side = ANSWERING[kind]
    team = lead.team if lead.team and lead.team.side == side else None
    if team and team.manager_id:
        return [team.manager_id]
    managers = Team.objects.filter(side=side, retired_at=None, manager__is_active=True).order_by("pk")
    company = Company.get()
    head = company.sales_head_id if side == Side.SALES else company.marketing_head_id
    return list(dict.fromkeys(managers.values_list("manager_id", flat=True))) or ([head] if head else [])


def _deciders() -> list[int]:
    return list(User.objects.active().filter(role=Role.REVOPS).order_by("pk").values_list("pk", flat=True))


def _notify(user_ids: Sequence[int], dispute: Dispute, what: str, title: str, body: str) -> None:
    notify(
        notices=[
            Notice(
                user_id=pk, kind=f"dispute_{what}", title=title, body=body, url=reverse("dispute", args=[dispute.pk]),
                dedupe_key=f"dispute_{what}:{dispute.pk}", subject_kind="lead", subject_id=dispute.lead_id,
            )
            for pk in dict.fromkeys(user_ids)
        ]
    )  # fmt: skip


def _told(action: str, dispute: Dispute, by: User) -> None:
    detail = {"dispute": dispute.pk, "kind": dispute.kind}
    audit.record(action=action, actor=by, subject_kind="lead", subject_ids=[dispute.lead_id], detail=detail)
