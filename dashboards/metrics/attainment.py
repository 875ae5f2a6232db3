"""What was kept of each promise with a clock: by rule, by week, by whose leads they were; and what is owed now.

Rules of one kind and name are one promise, through all of their versions. A clock counts by its due time, whichever
basis the funnel has; what is owed now counts whenever it is due. What both sides owe, such as the answer to a dispute,
is a promise of each.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, Value, When

from alignment.lib.periods import Period
from alignment.people.models import Side
from dashboards.filters import Filters
from dashboards.metrics import answered
from dashboards.metrics.answered import BY, COLUMNS, Answers, Judged
from dashboards.metrics.frames import Marks
from dashboards.metrics.journeys import flag
from dashboards.metrics.stretches import united
from dashboards.options import Facet
from dashboards.settled import NOTHING_KEPT, Look
from sla.models import Clock, Policy
from sla.querysets import Attainment, ClockQuerySet, counting, little_left
from sla.subjects import Subject, reader_of, subjects
from sla.verdict import late

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

    @property
    def has_any(self) -> bool:
        """Whether anything of it was due in one of these times, or is owed."""
        due = sum((self.kept, *self.weeks), self.before or Attainment())
        return bool(due.n or self.excused) or self.owed != Owed()


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


def measure(filters: Filters, weeks: Sequence[Period], at: datetime, look: Look = NOTHING_KEPT) -> Standing:
    """The promises of `filters` as they stand at `at`; `look` is of the `broad` question. Seven queries at most,
    whatever the number of rules, people and weeks.
    """
    compared = filters.compared.period if filters.compared else None
    asked = [each for each in (*weeks, filters.period, compared) if each]
    marks = Marks(instant for each in asked for instant in each.instants(filters.calendar.zone))
    answers, others = Answers(filters, marks, look), _others(filters, marks, at)

    def with_others(answered: list[Judged], period: Period | None) -> list[Judged]:
        pieces = marks.numbers(*period.instants(filters.calendar.zone)) if period else None
        return answered + [each for piece, each in others if pieces is None or piece in pieces]

    due_now = with_others(answers.due_in(filters.period), filters.period)
    now, then = _Tally(due_now), _Tally(with_others(answers.due_in(compared), compared)) if compared else None
    by_week = [_Tally(with_others(*each)) for each in zip(answers.due_in_each(weeks), weeks, strict=True)]
    owed = _owed(filters, at)
    promises, lines = promised(), []
    for promise in promises:
        line = Line(
            promise=promise,
            kept=now.kept(promise),
            before=then.kept(promise) if then else None,
            excused=now.excused(promise),
            weeks=[week.kept(promise) for week in by_week],
            owed=sum((each for (policy, side, _), each in owed.items() if promise.has(policy, side)), Owed()),
        )
        if promise.is_in_force or line.has_any:
            lines.append(line)
    owed_by: defaultdict[int | None, Owed] = defaultdict(Owed)
    for (_, side, owner), each in owed.items():
        if not side:
            owed_by[owner] += each
    return Standing(lines, weeks, _groups(due_now, promises), dict(owed_by))


def judged(filters: Filters, at: datetime, look: Look) -> list[Judged]:
    """What is judged of the period as it stands at `at`; `look` is of the `broad` question. Three queries at most."""
    marks = Marks(filters.instants or [at])
    return Answers(filters, marks, look).due_in(filters.period) + [each for _, each in _others(filters, marks, at)]


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


def clocks(filters: Filters) -> ClockQuerySet:
    """The clocks of the journeys that `filters` mean, of every kind and whenever due; joined with them only where that
    narrows. What is about no lead is meant only where nothing narrows.
    """
    return reduce(or_, apart(filters))


def apart(filters: Filters) -> list[ClockQuerySet]:
    """The same in parts that are counted sooner than all at once: about passes, and about anything else."""
    whose = filters.whose("own_pass__")
    if not whose:
        return [Clock.objects.all()]
    beside = Clock.objects.filter(pk__in=_beside_passes(filters).values("pk"))
    return [Clock.objects.of_passes().filter(whose), beside]


def _beside_passes(filters: Filters) -> ClockQuerySet:
    """Those of them that are about something else than a pass, with whose they are."""
    rows = Clock.objects.beside_passes().with_current_journey().filter(filters.whose("journey__"))
    return rows.annotate(**{facet: F(f"journey__{facet}") for facet in BY})


def due(filters: Filters, rows: ClockQuerySet) -> ClockQuerySet:
    """Those of `rows` that were due in the period."""
    return rows.due_between(*filters.instants) if filters.instants else rows


def of_promise(rows: ClockQuerySet, promise: Promised) -> ClockQuerySet:
    """Those of `rows` that count for a promise."""
    own = rows.filter(policy__in=promise.policy_ids)
    return own.filter(_is_owed_by(promise.kind, promise.side)) if promise.is_of_both else own


def _is_owed_by(kind: str, side: Side) -> Exists:
    return Exists(reader_of(kind).owed_by(side).filter(pk=OuterRef("subject_id")))


class _Tally:
    """What was kept, by policy and side."""

    def __init__(self, judged: Iterable[Judged]) -> None:
        self._counts: Counter[tuple[int, str, bool, bool]] = Counter()
        for each in judged:
            self._counts[each[:4]] += each.n

    def kept(self, promise: Promised) -> Attainment:
        """Of a promise; excused breaches are on neither side."""
        return Attainment(met=self._sum(promise, False, True), breached=self._sum(promise, True, True))

    def excused(self, promise: Promised) -> int:
        """The breaches that a verdict let pass."""
        return self._sum(promise, True, False)

    def _sum(self, promise: Promised, *verdict: bool) -> int:
        return sum(
            n
            for (policy, side, is_late, is_counted), n in self._counts.items()
            if (is_late, is_counted) == verdict and promise.has(policy, side)
        )


def _others(filters: Filters, marks: Marks, at: datetime) -> list[tuple[int | None, Judged]]:
    """What is judged beside the answered clocks of passes, each with its piece of time: what is overdue now, and
    clocks of other subjects, whose journeys change with each pass.
    """
    keys = {"piece": marks.number(F("due_at")), "is_late": flag(late(at)), "is_counted": flag(counting(at))}

    def counted(rows: ClockQuerySet) -> Any:
        if filters.instants:
            rows = rows.due_between(marks.instants[0], marks.instants[-1])
        return rows.annotate(**keys).values_list("piece", *COLUMNS).annotate(n=Count("*"))

    is_judged = Q(stopped_at__isnull=False) | Q(due_at__lt=at)
    beside = (part.filter(is_judged, cancelled_at=None) for part in _by_side(filters))
    found = united(counted(part) for part in (answered.clocks(filters).overdue(at), *beside))
    return [(piece, Judged(*row)) for piece, *row in found]


def _groups(judged: Iterable[Judged], promises: Sequence[Promised]) -> dict[Facet, dict[int | None, Kept]]:
    """What was kept of each kind, by whose it was; of what is owed by whoever holds the lead."""
    kinds = {policy: each.kind for each in promises if not each.is_of_both for policy in each.policy_ids}
    counts: Counter[tuple[Facet, int | None, str, bool]] = Counter()
    for each in judged:
        if each.is_counted and (kind := kinds.get(each.policy_id)):
            for facet, key in zip(BY, (each.owner_id, each.team_id, each.source_id), strict=True):
                counts[facet, key, kind, each.is_late] += each.n
    groups: dict[Facet, dict[int | None, dict[str, Attainment]]] = {facet: {} for facet in BY}
    for (facet, key, kind, is_late), n in counts.items():
        own = groups[facet].setdefault(key, {})
        own[kind] = own.get(kind, Attainment()) + (Attainment(breached=n) if is_late else Attainment(met=n))
    return groups  # type: ignore[return-value]  # mappings of mappings


def _owed(filters: Filters, at: datetime) -> Mapping[tuple[int, str, int | None], Owed]:
    """By policy, side and owner."""
    is_open = Q(due_at__gte=at, paused_until=None)
    counts = {
        "n_open": Count(Value(1), filter=is_open),
        "n_at_risk": Count(Value(1), filter=is_open & little_left(at)),
        "n_paused": Count(Value(1), filter=Q(paused_until__isnull=False)),
        "n_overdue": Count(Value(1), filter=Q(due_at__lt=at)),
    }
    parts = (part.running() for part in (answered.clocks(filters), *_by_side(filters)))
    rows = united(part.values_list("policy_id", "side", Facet.OWNER).annotate(**counts) for part in parts)
    return {(policy, side, owner): Owed(*numbers) for policy, side, owner, *numbers in rows}


def _by_side(filters: Filters) -> list[ClockQuerySet]:
    """The clocks beside those of passes with the `side` of each; blank of what one side alone owes."""
    rows, of_both = _beside_passes(filters), [each for each in subjects() if each.is_of_both]
    parts = [rows.exclude(subject_kind__in=[each.kind for each in of_both]).annotate(side=Value(""))]
    for each in of_both:
        of_marketing = _is_owed_by(each.kind, Side.MARKETING)
        side = Case(When(of_marketing, then=Value(Side.MARKETING.value)), default=Value(Side.SALES.value))
        parts.append(rows.filter(subject_kind=each.kind).annotate(side=side))
    return parts
