"""Who is told what about a clock."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse

from alignment.ops.notifications import Notice
from alignment.people.models import Company, Role, Side, Team, User
from leads.models import Lead
from sla.models import Clock


def breach_notices(clocks: Sequence[Clock]) -> list[Notice]:
    """What the holders and their managers are told of these breaches.

    A lead in no one's hands, or whose team has no manager, concerns all who manage a sales team, else the head of
    sales: a breach that nobody hears of is worse than one that several do. Two queries at most.
    """
    superiors: list[int] | None = None
    notices = []
    for clock in clocks:
        lead = _lead(clock)
        manager = _manager(lead)
        if manager is None and superiors is None:
            superiors = _superiors()
        told = {lead.owner_id, *([manager] if manager else superiors or ())} - {None}
        notices += [_breach(clock, lead, user_id) for user_id in sorted(told)]
    return notices


def parked_notices(clock: Clock, error: Exception, now: datetime) -> list[Notice]:
    """What RevOps is told of a clock that was set aside: once a day for each kind of error. One query."""
    admins = User.objects.active().filter(role=Role.REVOPS).values_list("pk", flat=True)
    return [
        Notice(
            user_id=user_id,
            kind="clock_parked",
            title=f"A due promise could not be handled: {type(error).__name__}",
            body=f"Clock {clock.pk} was set aside and is tried again every few minutes.\n{clock.parked_why}",
            dedupe_key=f"clock-parked:{type(error).__name__}:{now.date()}",
            subject_kind="clock",
            subject_id=clock.pk,
        )
        for user_id in admins
    ]


def _breach(clock: Clock, lead: Lead, user_id: int) -> Notice:
    holder = f"{lead.owner} holds this lead." if lead.owner else "Nobody holds this lead."
    return Notice(
        user_id=user_id,
        kind="breach",
        title=f"No answer within {clock.policy.target_hours} hours: {lead.display_name}",
        body=f"{holder} Accept, reject or recycle it.",
        url=reverse("lead", args=[lead.pk]),
        dedupe_key=f"breach:{clock.pk}",
        subject_kind="lead",
        subject_id=lead.pk,
    )


def _lead(clock: Clock) -> Lead:
    lead: Lead | None = clock.lead
    assert lead is not None  # a disposition is always one of a lead
    return lead


def _manager(lead: Lead) -> int | None:
    """The manager of the team that holds the lead; None where there is none who works here."""
    manager = lead.team.manager if lead.team else None
    return manager.pk if manager and manager.is_active else None


def _superiors() -> list[int]:
    managers = Team.objects.filter(side=Side.SALES, retired_at=None, manager__is_active=True)
    found = sorted(set(managers.values_list("manager_id", flat=True)))
    head = Company.get().sales_head_id
    return found or ([head] if head else [])
