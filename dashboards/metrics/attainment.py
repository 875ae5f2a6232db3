"""What was kept of each promise with a clock: by rule, by week, by whose leads they were; and what is owed now.

Rules of one kind and name are one promise, through all of their versions. A clock counts by its due time, whichever
basis the funnel has; what is owed now counts whenever it is due. What both sides owe, such as the answer to a dispute,
is a promise of each.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When

from alignment.lib.periods import Period
from alignment.people.models import Side
from dashboards.filters import Filters
from dashboards.metrics.frames import Marks
from dashboards.metrics.journeys import flag
from dashboards.options import Facet
from sla.models import Clock, Policy
from sla.querysets import Attainment, ClockQuerySet, little_left
from sla.subjects import Subject, reader_of, subjects
from sla.verdict import late

BY = (Facet.OWNER, Facet.TEAM, Facet.SOURCE)
"""Whose clocks are told apart."""

Kept = Mapping[str, Attainment]
"""What was kept of each kind of promise."""


@dataclass(frozen=True, slots=True)
class Promised:
    """One promise of a side. `pk` is its newest rule, `policy_ids` are all of them; `time` is how long: “48 hours”.
    `is_of_both`: the other side has a promise by the same rules.
    """

    pk: int
    kind: str
    side: Side
    is_of_both: bool
    name: str
    time: str
    is_in_force: bool
    policy_ids: frozenset[int]

    @property
    def key(self) -> tuple[int, Side]:
        """What tells it from all others."""
        return self.pk, self.side

    def has(self, policy_id: int, side: str) -> bool:
        """Whether a clock of this policy counts for it; `side` is blank where one side alone owes it."""
        return policy_id in self.policy_ids and side in ("", self.side)


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed at this moment. Those `at_risk` are some of the `open` ones; paused and overdue ones are not."""

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
    """One promise in figures: what was kept in the period, in the one `before` that it is compared with (None: with
    none) and in each week, and what is owed now. Breaches that a verdict let pass (`excused`) are in none of them.
    """

    promise: Promised
    kept: Attainment
    before: Attainment | None
    excused: int
    weeks: Sequence[Attainment]
    owed: Owed


@dataclass(frozen=True, slots=True)
class Standing:
    """All promises in figures: those in force in their order, then earlier ones that were due in the period or in one
    of the `weeks`. `groups` say for each value of a facet (None: of none) what was kept in the period, `owed_by` what
    each owner owes now; both of what is owed by whoever holds the lead.
    """

    lines: Sequence[Line]
    weeks: Sequence[Period]
    groups: Mapping[Facet, Mapping[int | None, Kept]]
    owed_by: Mapping[int | None, Owed]

    @property
    def kinds(self) -> list[str]:
        """The kinds of promises that `groups` tell of and that were due in the period, in the order of the lines."""
        return list(
            dict.fromkeys(line.promise.kind for line in self.lines if line.kept.n and not line.promise.is_of_both)
        )

    def of(self, side: Side) -> list[Line]:
        """The promises of one side."""
        return [line for line in self.lines if line.promise.side == side]


def measure(filters: Filters, weeks: Sequence[Period], at: datetime) -> Standing:
    """The promises of `filters` as they stand at `at`. Five queries, whatever the number of rules, people and weeks."""
    stretches = [week.instants(filters.calendar.zone) for week in weeks]
    before = filters.compared.instants if filters.compared else None
    marks = Marks(instant for stretch in (*stretches, filters.instants or (), before or ()) for instant in stretch)
    judged = _judged(filters, marks, at)
    owed = _owed(filters, at)
    excused = list(_counted(due(filters, clocks(filters)).excused(at), "policy_id", "side"))
    lines = []
    for promise in promised():
        own = [row for row in judged if promise.has(*row[:2])]
        line = Line(
            promise=promise,
            kept=_kept(own, marks.numbers(*filters.instants) if filters.instants else None),
            before=_kept(own, marks.numbers(*before)) if before else None,
            excused=sum(n for policy, side, n in excused if promise.has(policy, side)),
            weeks=[_kept(own, marks.numbers(*stretch)) for stretch in stretches],
            owed=sum((each for (policy, side, _), each in owed.items() if promise.has(policy, side)), Owed()),
        )
        if promise.is_in_force or own or line.excused or line.owed != Owed():
            lines.append(line)
    owed_by: defaultdict[int | None, Owed] = defaultdict(Owed)
    for (_, side, owner), each in owed.items():
        if not side:
            owed_by[owner] += each
    return Standing(lines, weeks, _groups(filters, at), dict(owed_by))


def promised() -> list[Promised]:
    """All that was ever promised: what is in force first, as its rules are asked. One query."""
    kinds = {each.kind: each for each in subjects()}
    rules = Policy.objects.filter(is_promised=True, subject_kind__in=kinds).select_related("version")
    rows = rules.order_by("-version__number", "position")
    named: defaultdict[tuple[str, str], list[Policy]] = defaultdict(list)
    for policy in rows:
        named[policy.subject_kind, policy.name].append(policy)
    found = [
        _promised(policies, kinds[kind], side) for (kind, _), policies in named.items() for side in kinds[kind].sides
    ]
    order = {kind: place for place, kind in enumerate(kinds)}
    return sorted(found, key=lambda each: (not each.is_in_force, order[each.kind]))


def _promised(policies: Sequence[Policy], about: Subject, side: Side) -> Promised:
    """One promise of its rules, the newest of which come first."""
    newest = next((each for each in policies if each.is_in_force), policies[0])
    return Promised(
        newest.pk, about.kind, side, about.is_of_both, newest.name, newest.promised, newest.is_in_force,
        frozenset(each.pk for each in policies),
    )  # fmt: skip


# Clocks, and what is counted of them ----------------------------------------------------------------------------


def clocks(filters: Filters, *, with_journey: bool = False) -> ClockQuerySet:
    """The clocks of the journeys that `filters` mean, of every kind and whenever due; joined with them only where that
    narrows, or to tell of them. What is about no lead is meant only where nothing narrows.
    """
    whose = filters.whose("journey__")
    rows = Clock.objects.all()
    rows = rows.with_journey() if whose or with_journey else rows
    return rows.filter(whose)


def due(filters: Filters, rows: ClockQuerySet) -> ClockQuerySet:
    """Those of `rows` that were due in the period."""
    return rows.due_between(*filters.instants) if filters.instants else rows


def of_promise(rows: ClockQuerySet, promise: Promised) -> ClockQuerySet:
    """Those of `rows` that count for a promise."""
    own = rows.filter(policy__in=promise.policy_ids)
    return own.filter(_is_owed_by(promise.kind, promise.side)) if promise.is_of_both else own


def _is_owed_by(kind: str, side: Side) -> Exists:
    return Exists(reader_of(kind).owed_by(side).filter(pk=OuterRef("subject_id")))


Judged = tuple[int, str, int | None, bool, int]
"""(policy, side, piece of time, whether it is late, how many); the side is blank where one alone owes it."""


def _judged(filters: Filters, marks: Marks, at: datetime) -> Sequence[Judged]:
    rows = clocks(filters).judged(at)
    if filters.instants:
        rows = rows.due_between(marks.instants[0], marks.instants[-1])
    keys = {"piece": marks.number(F("due_at")), "is_late": flag(late(at))}
    return list(_counted(rows.annotate(**keys), "policy_id", "side", "piece", "is_late"))


def _kept(judged: Iterable[Judged], pieces: range | None) -> Attainment:
    met = breached = 0
    for _, _, piece, is_late, n in judged:
        if pieces is None or piece in pieces:
            met, breached = (met, breached + n) if is_late else (met + n, breached)
    return Attainment(met, breached)


def _groups(filters: Filters, at: datetime) -> dict[Facet, dict[int | None, dict[str, Attainment]]]:
    of_both = [each.kind for each in subjects() if each.is_of_both]
    rows = due(filters, clocks(filters, with_journey=True)).judged(at).exclude(subject_kind__in=of_both)
    columns = [f"journey__{facet}" for facet in BY]
    groups: dict[Facet, dict[int | None, dict[str, Attainment]]] = {facet: {} for facet in BY}
    for kind, is_late, *keys, n in _counted(rows.annotate(is_late=flag(late(at))), "subject_kind", "is_late", *columns):
        one = Attainment(breached=n) if is_late else Attainment(met=n)
        for facet, key in zip(BY, keys, strict=True):
            own = groups[facet].setdefault(key, {})
            own[kind] = own.get(kind, Attainment()) + one
    return groups


def _owed(filters: Filters, at: datetime) -> Mapping[tuple[int, str, int | None], Owed]:
    """By policy, side and owner."""
    running = clocks(filters, with_journey=True).running()
    is_open = Q(due_at__gte=at, paused_until=None)
    counts = {
        "n_open": Count(Value(1), filter=is_open),
        "n_at_risk": Count(Value(1), filter=is_open & little_left(at)),
        "n_paused": Count(Value(1), filter=Q(paused_until__isnull=False)),
        "n_overdue": Count(Value(1), filter=Q(due_at__lt=at)),
    }
    rows = _by_side(running, lambda part: part.values_list("policy_id", "side", "journey__owner").annotate(**counts))
    return {(policy, side, owner): Owed(*numbers) for policy, side, owner, *numbers in rows}


def _counted(rows: ClockQuerySet, *columns: str) -> QuerySet[Any, Any]:
    """How many there are of each; of which `side`, if that is asked."""

    def counted(part: Any) -> Any:
        return part.values_list(*columns).annotate(n=Count("*"))

    return _by_side(rows, counted) if "side" in columns else counted(rows).order_by()


def _by_side(rows: ClockQuerySet, counted: Callable[[Any], Any]) -> QuerySet[Any, Any]:
    """Count with the `side` of each, in one query; blank of what one side alone owes, which an index tells alone."""
    of_both = [each for each in subjects() if each.is_of_both]
    parts = [rows.exclude(subject_kind__in=[each.kind for each in of_both]).annotate(side=Value(""))]
    for each in of_both:
        of_marketing = _is_owed_by(each.kind, Side.MARKETING)
        side = Case(When(of_marketing, then=Value(Side.MARKETING.value)), default=Value(Side.SALES.value))
        parts.append(rows.filter(subject_kind=each.kind).annotate(side=side))
    first, *others = (counted(part).order_by() for part in parts)
    return first.union(*others, all=True) if others else first  # type: ignore[no-any-return]
