"""Who is told what about a clock: of each by itself, and of many at once in one sum."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.functional import Promise

from alignment.ops.notifications import Notice
from alignment.people.models import Company, Role, Side, Team, User, WorkingCalendar
from sla.claiming import Claimed
from sla.climbing import Climb
from sla.ladder import BREACH, HEADS, PROPOSAL
from sla.standings import Standings
from sla.subjects import Standing, Subject, subject

# A person, or a channel, that would be told of more leads of one kind at once is told how many they are.
FEW = 5
NAMED = 3


def notices(taken: Sequence["Taken"], now: datetime) -> list[Notice]:
    """What people are told of these steps. Two queries at most.

    Reminders go to the holder, a breach to the holder and the manager of their team, the proposal to hand over to the
    manager, and what stays unanswered after that to both heads. Who would be told of more than a few is told the
    number, which grows for an hour; each lead stands in the queue and in the lists, and what is no lead in its own.
    """
    above = _Above()
    told: dict[tuple[int, _Telling, str], list[Taken]] = defaultdict(list)
    for step in taken:
        for user_id in step.telling.people(step, above):
            told[user_id, step.telling, step.about.noun].append(step)
    found: list[Notice] = []
    for (user_id, telling, _), steps in told.items():
        if len(steps) > FEW:
            found.append(telling.sum_up(user_id, steps, f"{telling.sum_key(steps[0])}:{now:%Y-%m-%dT%H}"))
        else:
            found += [telling.tell(user_id, step) for step in steps]
    return found


def shared_notices(taken: Sequence["Taken"]) -> list[Notice]:
    """What channels are told of these steps: each once, whoever is told, and many in one message."""
    steps: dict[tuple[_Telling, str], list[Taken]] = defaultdict(list)
    for step in taken:
        steps[step.telling, step.about.noun].append(step)
    found: list[Notice] = []
    for (telling, _), many in steps.items():
        if len(many) > FEW:
            found.append(telling.sum_up(0, many, f"{telling.sum_key(many[0])}:{many[0].clock.pk}").counted(len(many)))
        else:
            found += [telling.tell(0, step) for step in many]
    return found


class Taken(NamedTuple):
    """A step that a clock took, where its subject stands, and how it is told."""

    clock: Claimed
    rung: int
    telling: "_Telling"
    at: Standing

    @property
    def about(self) -> Subject:
        """The kind of its subject."""
        return subject(self.clock.subject_kind)

    @property
    def overdue(self) -> str:
        """“No answer within 48 hours: Ada Okafor”."""
        return f"{self.about.words.missing} within {self.clock.policy.promised}: {self.at.title}"


def taken(climbs: Iterable[Climb], fresh: Collection[tuple[int, int]], standings: Standings) -> list[Taken]:
    """The steps of these clocks that were taken just now: those whose clock and rung are `fresh`."""
    return [
        Taken(each.clock, rung, _TOLD.get(rung, REMINDER), standings.of(each.clock))
        for each in climbs
        for rung in each.rungs
        if (each.clock.pk, rung) in fresh
    ]


class _Above:
    """Whom a subject concerns beyond its holder; read when the first one asks for it."""

    @cached_property
    def company(self) -> Company:
        return Company.get()

    @cached_property
    def _managers(self) -> Mapping[str, Sequence[int]]:
        """Who manages a team of each side."""
        rows = Team.objects.filter(retired_at=None, manager__is_active=True).values_list("side", "manager_id")
        found: defaultdict[str, set[int]] = defaultdict(set)
        for side, manager_id in rows:
            found[side].add(manager_id or 0)
        return {side: sorted(own) for side, own in found.items()}

    def superiors(self, side: Side = Side.SALES) -> list[int]:
        """All who manage a team of the side, else its head."""
        head = self.company.heads.get(side)
        return list(self._managers.get(side, ())) or ([head] if head else [])

    @property
    def heads(self) -> list[int]:
        """Who signs for either side; else whoever manages sales."""
        return sorted(set(self.company.heads.values())) or self.superiors()

    def managers(self, at: Standing) -> list[int]:
        """The manager of the team that holds the subject. One in no one's hands, or whose team has no manager who works
        here, concerns all of them: a breach that nobody hears of is worse than one that several do.
        """
        manager = at.team.manager if at.team else None
        return [manager.pk] if manager and manager.is_active else self.superiors(at.side)


def _holder(step: Taken, above: _Above) -> list[int]:
    return [step.at.holder.pk] if step.at.holder else []


def _holder_and_managers(step: Taken, above: _Above) -> list[int]:
    return sorted({*_holder(step, above), *above.managers(step.at)})


def _who_hands_over(step: Taken, above: _Above) -> list[int]:
    """Nobody where it cannot be handed over, such as the answer to a dispute."""
    return above.managers(step.at) if step.about.is_pass or step.at.hand_over else []


@dataclass(frozen=True, eq=False)
class _Telling:
    """How a step is told: to whom, as what, of one (title and body, and the page with its button), and of many."""

    kind: str
    people: Callable[[Taken, _Above], Iterable[int]]
    words: Callable[[Taken], tuple[str, str]]
    sum_of: str
    page: Callable[[Taken], str | Promise] = lambda step: step.at.url
    action: str = ""
    lists_clocks: bool = False
    has_rung: bool = True

    def sum_key(self, step: Taken) -> str:
        """What sums of these have in common."""
        return f"{self.kind}:many:{self._sum_of(step).partition(' ')[2]}"

    def _sum_of(self, step: Taken) -> str:
        return self.sum_of.replace("leads", f"{step.about.noun}s")

    def tell(self, user_id: int, step: Taken) -> Notice:
        """Of one lead."""
        title, body = self.words(step)
        return Notice(
            user_id=user_id,
            kind=self.kind,
            title=title,
            body=body,
            url=str(self.page(step)),
            action=self.action or step.about.words.action,
            dedupe_key=f"{self.kind}:{step.clock.pk}" + (f":{step.rung}" if self.has_rung else ""),
            subject_kind=step.at.table,
            subject_id=step.at.key,
        )

    def sum_up(self, user_id: int, steps: Sequence[Taken], key: str) -> Notice:
        """Of many."""
        named = [step.at.title for step in steps[:NAMED]]
        return Notice(
            user_id=user_id,
            kind=self.kind,
            title=self._sum_of(steps[0]),
            body=f"Among them {', '.join(named)}. All of them are in the list.",
            url=_overdue_clocks(steps) if self.lists_clocks else reverse(steps[0].about.list_page or "queue"),
            action="Open the list",
            dedupe_key=key,
            stands_for=len(steps),
        )


def _overdue_clocks(steps: Sequence[Taken]) -> str:
    """Where these are listed with who held them for how long: whoever hands over, or answers for it, looks there."""
    kinds = {step.about.kind for step in steps}
    kind = f"&kind={kinds.pop()}" if len(kinds) == 1 else ""
    return f"{reverse('promise_clocks')}?figure=overdue{kind}"


def _reminded(step: Taken) -> tuple[str, str]:
    words = step.about.words
    body = f"{step.rung}% of {step.clock.policy.promised} have passed. {words.do}"
    return f"{words.due} due soon: {step.at.title}", body


def _broken(step: Taken) -> tuple[str, str]:
    holder = f"{step.at.holder} holds" if step.at.holder else "Nobody holds"
    return step.overdue, f"{holder} this {step.about.noun}. {step.about.words.do}"


def _proposed(step: Taken) -> tuple[str, str]:
    holder = f"{step.at.holder} has not come to it" if step.at.holder else "Nobody holds it"
    hours = step.clock.policy.propose_after
    body = f"{holder}, {hours} working hours after it was due. Give the {step.about.noun} to somebody who can."
    return f"Hand over? {step.overdue}", body


def _where_to_hand_over(step: Taken) -> str | Promise:
    """A lead is handed over in one click on the page of its clock."""
    return reverse("clock", args=[step.clock.pk]) if step.about.is_pass else step.at.hand_over


def _carried_up(step: Taken) -> tuple[str, str]:
    days = step.clock.policy.heads_after
    ago = f"{days} business day{'' if days == 1 else 's'}"
    return step.overdue, f"It has been overdue for {ago}. Nothing further is sent about it."


REMINDER = _Telling("reminder", _holder, _reminded, "{count} leads are due soon")
_TOLD: Mapping[int, _Telling] = {
    BREACH: _Telling("breach", _holder_and_managers, _broken, "{count} leads are overdue", has_rung=False),
    PROPOSAL: _Telling(
        "escalation",
        _who_hands_over,
        _proposed,
        "{count} leads should be handed over",
        page=_where_to_hand_over,
        action="Hand it over",
        lists_clocks=True,
    ),
    HEADS: _Telling(
        "escalation",
        lambda step, above: above.heads,
        _carried_up,
        "{count} leads stay unanswered",
        lists_clocks=True,
    ),
}


def parked_notices(clock_id: int, error: Exception, why: str, now: datetime) -> list[Notice]:
    """What RevOps is told of a clock that was set aside: once a day for each kind of error. One query."""
    admins = User.objects.active().filter(role=Role.REVOPS).values_list("pk", flat=True)
    return [
        Notice(
            user_id=user_id,
            kind="clock_parked",
            title=f"A due promise could not be handled: {type(error).__name__}",
            body=f"Clock {clock_id} was set aside and is tried again every few minutes.\n{why}",
            dedupe_key=f"clock-parked:{type(error).__name__}:{now.date()}",
            subject_kind="clock",
            subject_id=clock_id,
        )
        for user_id in admins
    ]


def held_notice(calendar: WorkingCalendar | None, followed: int, held: int, by: User, now: datetime) -> Notice:
    """What whoever edited a calendar is told of the due times that have not followed it."""
    wait, have = pluralize(held, "waits,wait"), pluralize(held, "This one has,These have")
    return Notice(
        user_id=by.pk, kind="due_times_held",
        title=f"{held} due time{pluralize(held)} {wait} for you to confirm {pluralize(held, 'it,them')}",
        body=f"{calendar} was edited: {followed} due time{pluralize(followed)} followed. {have} not, since "
        f"{pluralize(held, 'it,they')} would be overdue at once.",
        url=reverse("setup_sla_held"), action="Look at them", dedupe_key=f"due-times-held:{now.isoformat()}",
        subject_kind="calendar", subject_id=calendar.pk if calendar else None,
    )  # fmt: skip
