"""What a draft would have done with the leads of the last weeks, beside who really got them.

Everybody is taken to have been at work, and turns begin equal: it tells how the rules would spread the load, not who
was away on which day. Daily caps hold for each day. Leads are judged by what is known of them today, and none joins a
deal, since the deal that is open today may be the lead's own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from alignment.lib.csv import Cell
from alignment.people.models import Company, User
from leads.models import Journey
from leads.models.route import How
from leads.routing import route
from leads.routing.route import Decision, Facts, Table
from leads.routing.rules import Rules, read

DAYS = 30
MOST_LEADS = 20_000
HEADER = ("Who", "Team", "Leads they got", "Leads by the draft", "Change", "Points they got", "Points by the draft")


Passed = tuple[int, datetime | None, int | None]
"""Lead, when it became an MQL, and who held it."""


@dataclass(frozen=True, slots=True)
class Load:
    """What somebody got, and would get: leads, and the points of their scores together."""

    name: str
    team: str
    leads_now: int
    leads_then: int
    points_now: int
    points_then: int

    @property
    def change(self) -> int:
        """How many leads more."""
        return self.leads_then - self.leads_now


@dataclass(frozen=True, slots=True)
class DryRun:
    """`rules` has how many leads each rule would have taken, the last one those that no rule is about; `owned` those
    that go to the owner of their account, `fell_back` those that nobody could take. `is_cut`: there were more leads.
    """

    count: int
    loads: Sequence[Load]
    rules: Sequence[tuple[str, int]]
    owned: int
    fell_back: int
    is_cut: bool

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """The load of each person, under `HEADER`."""
        for each in self.loads:
            yield (
                each.name, each.team, each.leads_now, each.leads_then, each.change, each.points_now, each.points_then,
            )  # fmt: skip


def dry_run(body: Mapping[str, Any], *, at: datetime, days: int = DAYS) -> DryRun:
    """Route the leads that became MQLs in the `days` before `at` by these rules; nothing is stored. Raises
    ValidationError where the rules cannot be read.
    """
    rules = replace(read(body), attach=False)
    passes: list[Passed] = list(
        Journey.objects.filter(mql_at__gt=at - timedelta(days=days), mql_at__lte=at)
        .order_by("mql_at", "lead_id")
        .values_list("lead_id", "mql_at", "owner_id")[: MOST_LEADS + 1]
    )
    is_cut, passes = len(passes) > MOST_LEADS, passes[:MOST_LEADS]
    known = {each.lead_id: each for each in route.facts_of([lead_id for lead_id, _, _ in passes])}
    passes = [each for each in passes if each[0] in known]
    matched = route.matched(rules, list(known.values()))
    table = _everybody_there(route.load(rules, list(known.values()), at, locked=False))
    decisions = _by_day(rules, passes, known, matched, table)
    points = {lead_id: each.points or 0 for lead_id, each in known.items()}
    return DryRun(
        count=len(passes),
        loads=_loads(passes, decisions, points),
        rules=_taken(rules, decisions),
        owned=sum(each.how == How.ACCOUNT for each in decisions),
        fell_back=sum(each.how == How.FALLBACK for each in decisions),
        is_cut=is_cut,
    )


def _everybody_there(table: Table) -> Table:
    table.benches = {
        pk: replace(
            bench,
            turn=0,
            members=tuple(
                replace(each, turn=0, is_open=True, away_until=None, open_cap=None, today=0) for each in bench.members
            ),
        )
        for pk, bench in table.benches.items()
    }
    return table


def _by_day(
    rules: Rules, passes: Sequence[Passed], known: Mapping[int, Facts],
    matched: Mapping[int, int], table: Table,
) -> list[Decision]:  # fmt: skip
    """The days one after the other: each begins with nobody's cap reached."""
    zone = ZoneInfo(Company.get().time_zone)

    def day_of(one: Passed) -> date:
        assert one[1] is not None  # asked for by this date
        return one[1].astimezone(zone).date()

    decisions: list[Decision] = []
    for _, of_day in groupby(passes, key=day_of):
        decisions += route.decide(rules, [known[lead_id] for lead_id, _, _ in of_day], matched, table)
        table.benches = {
            pk: replace(bench, members=tuple(replace(each, today=0) for each in bench.members))
            for pk, bench in table.benches.items()
        }
    return decisions


def _loads(passes: Sequence[Passed], decisions: Sequence[Decision], points: Mapping[int, int]) -> list[Load]:
    now, then = Counter(owner_id for _, _, owner_id in passes), Counter(each.user_id for each in decisions)
    points_now: Counter[int | None] = Counter()
    points_then: Counter[int] = Counter()
    for (lead_id, _, owner_id), decision in zip(passes, decisions, strict=True):
        points_now[owner_id] += points[lead_id]
        points_then[decision.user_id] += points[lead_id]
    people = User.objects.select_related("team").in_bulk([pk for pk in {*now, *then} if pk])
    loads = [
        Load(person.name, person.team.name if person.team else "", now[pk], then[pk], points_now[pk], points_then[pk])
        for pk, person in people.items()
    ]
    if now[None]:
        loads.append(Load("Nobody", "", now[None], 0, points_now[None], 0))
    return sorted(loads, key=lambda each: (-each.leads_then, -each.leads_now, each.name))


def _taken(rules: Rules, decisions: Sequence[Decision]) -> list[tuple[str, int]]:
    taken = Counter(each.rule for each in decisions if each.how != How.ACCOUNT)
    named = [(f"{at}. {rule.name}", taken[at - 1]) for at, rule in enumerate(rules.rules, start=1)]
    return [*named, ("No rule", taken[None])]
