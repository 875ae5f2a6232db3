"""Who is told what about a clock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from django.urls import reverse

from alignment.ops.notifications import Notice
from alignment.people.models import Company, Role, Side, Team, User
from leads.models import Lead
from sla.climbing import Climb
from sla.ladder import BREACH, HEADS, PROPOSAL
from sla.models import Clock
from sla.wording import WORDS


def notices(climbs: Sequence[Climb]) -> list[Notice]:
    """What people are told of these steps. Two queries at most.

    Reminders go to the holder, a breach to the holder and the manager of their team, the proposal to hand over to the
    manager, and what stays unanswered after that to both heads.
    """
    above = _Above()
    told: list[Notice] = []
    for each in climbs:
        for rung in each.rungs:
            of = _TOLD.get(rung, _reminded)
            told += of(each.clock, rung, above)
    return told


class _Above:
    """Whom a lead concerns beyond its holder; read when the first lead asks for it."""

    @cached_property
    def company(self) -> Company:
        return Company.get()

    @cached_property
    def superiors(self) -> list[int]:
        """All who manage a sales team, else the head of sales."""
        managers = Team.objects.filter(side=Side.SALES, retired_at=None, manager__is_active=True)
        found = sorted(set(managers.values_list("manager_id", flat=True)))
        return found or ([self.company.sales_head_id] if self.company.sales_head_id else [])

    @property
    def heads(self) -> list[int]:
        """Who signs for either side; else whoever manages sales."""
        heads = {self.company.marketing_head_id, self.company.sales_head_id} - {None}
        return sorted(pk for pk in heads if pk) or self.superiors

    def managers(self, lead: Lead) -> list[int]:
        """The manager of the team that holds the lead. A lead in no one's hands, or whose team has no manager who works
        here, concerns all of them: a breach that nobody hears of is worse than one that several do.
        """
        manager = lead.team.manager if lead.team else None
        return [manager.pk] if manager and manager.is_active else self.superiors


def _reminded(clock: Clock, rung: int, above: _Above) -> list[Notice]:
    lead = _lead(clock)
    words = WORDS[clock.subject_kind]
    title = f"{words.due} due soon: {lead.display_name}"
    body = f"{rung}% of {clock.policy.promised} have passed. {words.do}"
    return [_notice(clock, user_id, "reminder", title, body, rung) for user_id in [lead.owner_id] if user_id]


def _broken(clock: Clock, rung: int, above: _Above) -> list[Notice]:
    lead = _lead(clock)
    holder = f"{lead.owner} holds this lead." if lead.owner else "Nobody holds this lead."
    people = {*([lead.owner_id] if lead.owner_id else []), *above.managers(lead)}
    body = f"{holder} {WORDS[clock.subject_kind].do}"
    return [_notice(clock, user_id, "breach", _overdue(clock), body) for user_id in sorted(people)]


def _proposed(clock: Clock, rung: int, above: _Above) -> list[Notice]:
    lead = _lead(clock)
    title = f"Hand over? {_overdue(clock)}"
    holder = f"{lead.owner} has not come to it" if lead.owner else "Nobody holds it"
    body = f"{holder}, {clock.policy.propose_after} working hours after it was due. Give the lead to somebody who can."
    url = reverse("lead_assign", args=[lead.pk])
    return [_notice(clock, user_id, "escalation", title, body, rung, url) for user_id in above.managers(lead)]


def _carried_up(clock: Clock, rung: int, above: _Above) -> list[Notice]:
    days = clock.policy.heads_after
    body = f"It has been overdue for {days} business day{'' if days == 1 else 's'}. Nothing further is sent about it."
    return [_notice(clock, user_id, "escalation", _overdue(clock), body, rung) for user_id in above.heads]


_TOLD: Mapping[int, Callable[[Clock, int, _Above], Iterable[Notice]]] = {
    BREACH: _broken,
    PROPOSAL: _proposed,
    HEADS: _carried_up,
}


def _overdue(clock: Clock) -> str:
    missing = WORDS[clock.subject_kind].missing
    return f"{missing} within {clock.policy.promised}: {_lead(clock).display_name}"


def _notice(
    clock: Clock, user_id: int, kind: str, title: str, body: str, rung: int | None = None, url: str = ""
) -> Notice:
    lead = _lead(clock)
    return Notice(
        user_id=user_id,
        kind=kind,
        title=title,
        body=body,
        url=url or reverse("lead", args=[lead.pk]),
        dedupe_key=f"{kind}:{clock.pk}" + (f":{rung}" if rung else ""),
        subject_kind="lead",
        subject_id=lead.pk,
    )


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


def _lead(clock: Clock) -> Lead:
    lead: Lead | None = clock.lead
    assert lead is not None  # all subjects are passes of leads
    return lead
