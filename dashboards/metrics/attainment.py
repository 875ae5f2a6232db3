"""What sales kept of each promise: by rule, by week, by whose leads they were; and what it owes now.

Rules of one kind and name are one promise, through all of their versions. A clock counts by its due time, whichever
basis the funnel has; what is owed now counts whenever it is due.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Value

from alignment.lib.periods import Period
from dashboards.filters import Filters
from dashboards.metrics.frames import Marks
from dashboards.metrics.journeys import flag
from dashboards.options import Facet
from sla.models import Clock, Policy, SubjectKind
from sla.querysets import Attainment, ClockQuerySet, little_left
from sla.verdict import late

BY = (Facet.OWNER, Facet.TEAM, Facet.SOURCE)
"""Whose clocks are told apart."""

Kept = Mapping[str, Attainment]
"""What was kept of each kind of promise."""


@dataclass(frozen=True, slots=True)
class Promised:
    """One promise of sales. `pk` is its newest rule, `policy_ids` are all of them; `time` is how long: “48 hours”."""

    pk: int
    kind: str
    name: str
    time: str
    is_in_force: bool
    policy_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Owed:
    """What sales owes at this moment. Those `at_risk` are some of the `open` ones; paused and overdue ones are not."""

    open: int = 0
    at_risk: int = 0
    paused: int = 0
    overdue: int = 0

    def __add__(self, other: "Owed") -> "Owed":
        return Owed(
            self.open + other.open,
            self.at_risk + other.at_risk,
            self.paused + other.paused,
            self.overdue + other.overdue,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One promise in figures: what was kept in the period and in each week, and what is owed now. Breaches that a
    verdict let pass (`excused`) are in neither.
    """

    promise: Promised
    kept: Attainment
    excused: int
    weeks: Sequence[Attainment]
    owed: Owed


@dataclass(frozen=True, slots=True)
class Standing:
    """All promises in figures: those in force in their order, then earlier ones that were due in the period or in one
    of the `weeks`. `groups` say for each value of a facet (None: of none) what was kept in the period, `owed_by` what
    each owner owes now.
    """

    lines: Sequence[Line]
    weeks: Sequence[Period]
    groups: Mapping[Facet, Mapping[int | None, Kept]]
    owed_by: Mapping[int | None, Owed]

    @property
    def kinds(self) -> list[str]:
        """The kinds of promises that were due in the period, in the order of the lines."""
        return list(dict.fromkeys(line.promise.kind for line in self.lines if line.kept.n))


def measure(filters: Filters, weeks: Sequence[Period], at: datetime) -> Standing:
    """The promises of `filters` as they stand at `at`. Five queries, whatever the number of rules, people and weeks."""
    stretches = [week.instants(filters.calendar.zone) for week in weeks]
    marks = Marks(instant for stretch in (*stretches, filters.instants or ()) for instant in stretch)
    judged = _judged(filters, marks, at)
    owed = _owed(filters, at)
    excused = dict(_counted(due(filters, clocks(filters)).excused(at), "policy_id"))
    lines = []
    for promise in promised():
        own = [row for row in judged if row[0] in promise.policy_ids]
        line = Line(
            promise=promise,
            kept=_kept(own, marks.numbers(*filters.instants) if filters.instants else None),
            excused=sum(n for policy, n in excused.items() if policy in promise.policy_ids),
            weeks=[_kept(own, marks.numbers(*stretch)) for stretch in stretches],
            owed=sum((each for (policy, _), each in owed.items() if policy in promise.policy_ids), Owed()),
        )
        if promise.is_in_force or own or line.excused or line.owed != Owed():
            lines.append(line)
    owed_by: defaultdict[int | None, Owed] = defaultdict(Owed)
    for (_, owner), each in owed.items():
        owed_by[owner] += each
    return Standing(lines, weeks, _groups(filters, at), dict(owed_by))


def promised() -> list[Promised]:
    """All that was ever promised to leads: what is in force first, as its rules are asked. One query."""
    rules = Policy.objects.filter(is_promised=True, subject_kind__in=SubjectKind.values).select_related("version")
    rows = rules.order_by("-version__number", "position")
    named: defaultdict[tuple[str, str], list[Policy]] = defaultdict(list)
    for policy in rows:
        named[policy.subject_kind, policy.name].append(policy)
    found = [_promised(policies) for policies in named.values()]
    order = {kind: place for place, kind in enumerate(SubjectKind.values)}
    return sorted(found, key=lambda each: (not each.is_in_force, order.get(each.kind, len(order))))


def _promised(policies: Sequence[Policy]) -> Promised:
    """One promise of its rules, the newest of which come first."""
    newest = next((each for each in policies if each.is_in_force), policies[0])
    return Promised(
        newest.pk, newest.subject_kind, newest.name, newest.promised, newest.is_in_force,
        frozenset(each.pk for each in policies),
    )  # fmt: skip


# Clocks, and what is counted of them ----------------------------------------------------------------------------


def clocks(filters: Filters, *, with_journey: bool = False) -> ClockQuerySet:
    """The clocks of the journeys that `filters` mean, of every kind and whenever due; joined with them only where that
    narrows, or to tell of them.
    """
    whose = filters.whose("journey__")
    rows = Clock.objects.of_passes()
    rows = rows.with_journey() if whose or with_journey else rows
    return rows.filter(whose)


def due(filters: Filters, rows: ClockQuerySet) -> ClockQuerySet:
    """Those of `rows` that were due in the period."""
    return rows.due_between(*filters.instants) if filters.instants else rows


Judged = tuple[int, int | None, bool, int]
"""(policy, piece of time, whether it is late, how many)"""


def _judged(filters: Filters, marks: Marks, at: datetime) -> Sequence[Judged]:
    rows = clocks(filters).judged(at)
    if filters.instants:
        rows = rows.due_between(marks.instants[0], marks.instants[-1])
    keys = {"piece": marks.number(F("due_at")), "is_late": flag(late(at))}
    return list(_counted(rows.annotate(**keys), "policy_id", "piece", "is_late"))


def _kept(judged: Iterable[Judged], pieces: range | None) -> Attainment:
    met = breached = 0
    for _, piece, is_late, n in judged:
        if pieces is None or piece in pieces:
            met, breached = (met, breached + n) if is_late else (met + n, breached)
    return Attainment(met, breached)


def _groups(filters: Filters, at: datetime) -> dict[Facet, dict[int | None, dict[str, Attainment]]]:
    rows = due(filters, clocks(filters, with_journey=True)).judged(at).annotate(is_late=flag(late(at)))
    columns = [f"journey__{facet}" for facet in BY]
    groups: dict[Facet, dict[int | None, dict[str, Attainment]]] = {facet: {} for facet in BY}
    for kind, is_late, *keys, n in _counted(rows, "subject_kind", "is_late", *columns):
        one = Attainment(breached=n) if is_late else Attainment(met=n)
        for facet, key in zip(BY, keys, strict=True):
            own = groups[facet].setdefault(key, {})
            own[kind] = own.get(kind, Attainment()) + one
    return groups


def _owed(filters: Filters, at: datetime) -> Mapping[tuple[int, int | None], Owed]:
    """By policy and owner."""
    running: Any = clocks(filters, with_journey=True).running()
    is_open = Q(due_at__gte=at, paused_until=None)
    rows = running.values_list("policy_id", "journey__owner").order_by()
    counted = rows.annotate(
        n_open=Count(Value(1), filter=is_open),
        n_at_risk=Count(Value(1), filter=is_open & little_left(at)),
        n_paused=Count(Value(1), filter=Q(paused_until__isnull=False)),
        n_overdue=Count(Value(1), filter=Q(due_at__lt=at)),
    )
    return {(policy, owner): Owed(*numbers) for policy, owner, *numbers in counted}


def _counted(rows: ClockQuerySet, *columns: str) -> QuerySet[Any, Any]:
    return rows.values_list(*columns).annotate(n=Count("*")).order_by()
