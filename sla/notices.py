"""Who is told what about a clock: of each by itself, and of many at once in one sum."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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

# A person, or a channel, that would be told of more leads of one kind at once is told how many they are.
FEW = 5
NAMED = 3


def notices(climbs: Sequence[Climb], now: datetime) -> list[Notice]:
    """What people are told of these steps. Two queries at most.

    Reminders go to the holder, a breach to the holder and the manager of their team, the proposal to hand over to the
    manager, and what stays unanswered after that to both heads. Who would be told of more than a few is told the
    number, which grows for an hour; each lead stands in the queue and in the lists.
    """
    above = _Above()
    told: dict[tuple[int, _Telling], list[_Taken]] = defaultdict(list)
    for step in _taken(climbs):
        for user_id in step.telling.people(step.clock, above):
            told[user_id, step.telling].append(step)
    found: list[Notice] = []
    for (user_id, telling), steps in told.items():
        if len(steps) > FEW:
            found.append(telling.sum_up(user_id, steps, f"{telling.sum_key}:{now:%Y-%m-%dT%H}"))
        else:
            found += [telling.tell(user_id, step) for step in steps]
    return found


def shared_notices(climbs: Sequence[Climb]) -> list[Notice]:
    """What channels are told of these steps: each once, whoever is told, and many in one message."""
    steps: dict[_Telling, list[_Taken]] = defaultdict(list)
    for step in _taken(climbs):
        steps[step.telling].append(step)
    found: list[Notice] = []
    for telling, taken in steps.items():
        if len(taken) > FEW:
            found.append(telling.sum_up(0, taken, f"{telling.sum_key}:{taken[0].clock.pk}").counted(len(taken)))
        else:
            found += [telling.tell(0, step) for step in taken]
    return found


@dataclass(frozen=True, slots=True)
class _Taken:
    """A step that a clock took, and how it is told."""

    clock: Clock
    rung: int
    telling: "_Telling"

    @property
    def lead(self) -> Lead:
        lead: Lead | None = self.clock.lead
        assert lead is not None  # all subjects are passes of leads
        return lead

    @property
    def overdue(self) -> str:
        """“No answer within 48 hours: Ada Okafor”."""
        missing = WORDS[self.clock.subject_kind].missing
        return f"{missing} within {self.clock.policy.promised}: {self.lead.display_name}"


def _taken(climbs: Iterable[Climb]) -> Iterable[_Taken]:
    return (_Taken(each.clock, rung, _TOLD.get(rung, REMINDER)) for each in climbs for rung in each.rungs)


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

    def managers(self, clock: Clock) -> list[int]:
        """The manager of the team that holds the lead. A lead in no one's hands, or whose team has no manager who works
        here, concerns all of them: a breach that nobody hears of is worse than one that several do.
        """
        team = clock.lead.team if clock.lead else None
        return [team.manager_id] if team and team.manager and team.manager.is_active else self.superiors


def _holder(clock: Clock, above: _Above) -> list[int]:
    return [clock.lead.owner_id] if clock.lead and clock.lead.owner_id else []


def _holder_and_managers(clock: Clock, above: _Above) -> list[int]:
    return sorted({*_holder(clock, above), *above.managers(clock)})


@dataclass(frozen=True, eq=False)
class _Telling:
    """How a step is told: to whom, as what, of one lead (title and body, and the page with its button), and of many."""

    kind: str
    people: Callable[[Clock, _Above], Iterable[int]]
    words: Callable[[_Taken], tuple[str, str]]
    sum_of: str
    page: str = "lead"
    action: str = ""
    list_page: str = "queue"
    has_rung: bool = True

    @property
    def sum_key(self) -> str:
        return f"{self.kind}:many:{self.sum_of.partition(' ')[2]}"

    def tell(self, user_id: int, step: _Taken) -> Notice:
        """Of one lead."""
        title, body = self.words(step)
        return Notice(
            user_id=user_id,
            kind=self.kind,
            title=title,
            body=body,
            url=reverse(self.page, args=[step.lead.pk]),
            action=self.action or WORDS[step.clock.subject_kind].action,
            dedupe_key=f"{self.kind}:{step.clock.pk}" + (f":{step.rung}" if self.has_rung else ""),
            subject_kind="lead",
            subject_id=step.lead.pk,
        )

    def sum_up(self, user_id: int, steps: Sequence[_Taken], key: str) -> Notice:
        """Of many."""
        named = [step.lead.display_name for step in steps[:NAMED]]
        return Notice(
            user_id=user_id,
            kind=self.kind,
            title=self.sum_of,
            body=f"Among them {', '.join(named)}. All of them are in the list.",
            url=reverse(self.list_page) + ("?state=overdue" if self.list_page == "leads" else ""),
            action="Open the list",
            dedupe_key=key,
            stands_for=len(steps),
        )


def _reminded(step: _Taken) -> tuple[str, str]:
    words = WORDS[step.clock.subject_kind]
    body = f"{step.rung}% of {step.clock.policy.promised} have passed. {words.do}"
    return f"{words.due} due soon: {step.lead.display_name}", body


def _broken(step: _Taken) -> tuple[str, str]:
    holder = f"{step.lead.owner} holds this lead." if step.lead.owner else "Nobody holds this lead."
    return step.overdue, f"{holder} {WORDS[step.clock.subject_kind].do}"


def _proposed(step: _Taken) -> tuple[str, str]:
    holder = f"{step.lead.owner} has not come to it" if step.lead.owner else "Nobody holds it"
    hours = step.clock.policy.propose_after
    body = f"{holder}, {hours} working hours after it was due. Give the lead to somebody who can."
    return f"Hand over? {step.overdue}", body


def _carried_up(step: _Taken) -> tuple[str, str]:
    days = step.clock.policy.heads_after
    ago = f"{days} business day{'' if days == 1 else 's'}"
    return step.overdue, f"It has been overdue for {ago}. Nothing further is sent about it."


REMINDER = _Telling("reminder", _holder, _reminded, "{count} leads are due soon")
_TOLD: Mapping[int, _Telling] = {
    BREACH: _Telling("breach", _holder_and_managers, _broken, "{count} leads are overdue", has_rung=False),
    PROPOSAL: _Telling(
        "escalation",
        lambda clock, above: above.managers(clock),
        _proposed,
        "{count} leads should be handed over",
        page="lead_assign",
        action="Hand it over",
    ),
    HEADS: _Telling(
        "escalation", lambda clock, above: above.heads, _carried_up, "{count} leads stay unanswered", list_page="leads"
    ),
}


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
