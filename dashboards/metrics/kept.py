"""What both sides kept of their promises in a stretch of time, and the counts that its parts are summed from."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from django.db.models import Count, Expression, F, Q, QuerySet, Value

from alignment.lib.periods import Period
from dashboards.filters import Filters
from dashboards.metrics import stretches
from dashboards.metrics.frames import Marks
from dashboards.metrics.funnel import ratio
from dashboards.metrics.instants import Seconds
from dashboards.metrics.journeys import Journeys, dated, flag, journeys, reached
from dashboards.metrics.stretches import Number, Window, plain, sorted_numbers
from dashboards.settled import Look
from leads.milestones import Milestone, Outcome
from leads.models.changed_days import Dated
from sla.capacity import is_above
from sla.models import Clock
from sla.querysets import Attainment, ClockQuerySet, counting
from sla.verdict import late

DELIVERED = reached(Milestone.MQL) & Q(pass_no=1)
ACCEPTED = Q(accepted_at__isnull=False) | reached(Milestone.SQL)
UNTOUCHED = Q(accepted_at__isnull=False, worked_at=None)
"""Accepted, and no human outbound touch since."""
REFUSED = Q(outcome=Outcome.REJECTED, reached=Milestone.MQL, accepted_at=None)
"""Rejected instead of accepted."""
MISSED = REFUSED & Q(reason__counts_as_miss=True) & ~Q(is_above())
"""Rejected as marketing's miss; of what came above capacity nothing is."""


@dataclass(frozen=True, slots=True)
class Reasoned:
    """Why leads were rejected. `is_miss`: it counts as marketing's miss. `is_agreed`: it is one of the agreed list, not
    “not recorded”.
    """

    pk: int
    label: str
    is_miss: bool
    is_agreed: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept in one stretch of time."""

    delivered: int
    accepted: int
    untouched: int
    rejections: Mapping[Reasoned, int]
    answered: Attainment

    @property
    def rejected(self) -> int:
        """All rejections."""
        return sum(self.rejections.values())

    @property
    def missed(self) -> int:
        """Rejections that count as marketing's miss."""
        return sum(n for reason, n in self.rejections.items() if reason.is_miss)

    @property
    def reasoned(self) -> int:
        """Rejections with a reason from the agreed list."""
        return sum(n for reason, n in self.rejections.items() if reason.is_agreed)

    @property
    def decided(self) -> int:
        """Accepted, or rejected as marketing's miss: the denominator of acceptance."""
        return self.accepted + self.missed

    @property
    def acceptance(self) -> float | None:
        """Accepted ÷ decided; None before anything was."""
        return ratio(self.accepted, self.decided)

    @property
    def untouched_share(self) -> float | None:
        """Accepted and never touched ÷ accepted; None where nothing was accepted."""
        return ratio(self.untouched, self.accepted)

    @property
    def reasoned_share(self) -> float | None:
        """Rejections with a reason ÷ rejections; None where nothing was rejected."""
        return ratio(self.reasoned, self.rejected)


# Counts by piece of time ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Events:
    """Rows that count by the date in a column, and what they are grouped by beside it; of these, the `undated` ones."""

    name: str
    rows: QuerySet[Any]
    dated: Dated
    by: Mapping[str, Expression | F]
    more: Mapping[str, Expression] = field(default_factory=dict)
    undated: QuerySet[Any] | None = None

    def query(self, window: Window | None, number: Number) -> QuerySet[Any]:
        """(the number of the piece of time, what they are grouped by, how many, `more` about them) of those in the
        window.
        """
        found = dated(self.rows, F(self.dated), window).annotate(piece=number(F(self.dated)), **self.by)
        grouped = found.values_list("piece", *self.by).annotate(n=Count("*"), **self.more)
        return grouped.order_by()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Found:
    """Counts by name, and of rejections by reason, each by numbered piece of time; and the seconds that answers took,
    as sorted lists, by the piece in which they were due.
    """

    counts: Mapping[tuple[str, int | None], int]
    rejections: Mapping[tuple[Reasoned, int | None], int]
    answers: Sequence[tuple[int | None, Sequence[int]]]

    @classmethod
    def read(
        cls,
        filters: Filters,
        marks: Marks,
        shown: Sequence[Period],
        at: datetime,
        look: Look,
        *,
        has_clocks: bool = True,
    ) -> Self:
        """What happened between the first and the last of `marks`, which the period of `filters` and the weeks `shown`
        lie in; without a period, whenever it happened. Unless it `has_clocks`, nothing is told of answers. Ten queries
        at most.
        """
        pieces = _Pieces(filters, marks, shown, look)
        counts: Counter[tuple[str, int | None]] = Counter()
        for piece, n in pieces.of(_delivered(filters)):
            counts["delivered", piece] += n
        for piece, is_untouched, n in pieces.of(_accepted(filters)):
            counts["accepted", piece] += n
            counts["untouched", piece] += n * is_untouched
        answers: list[tuple[int | None, Sequence[int]]] = []
        if has_clocks:
            for piece, is_late, is_counted, n, took in pieces.of(_answered(filters, at)):
                counts["breached" if is_late else "met", piece] += n * is_counted
                answers.append((piece, plain(took)))
            for piece, is_counted, n in _overdue(filters, at).query(None, marks.number):
                counts["breached", piece] += n * is_counted
                counts["overdue", piece] += n
        return cls(counts, _refused(filters, marks, pieces.window), answers)

    @property
    def overdue(self) -> int:
        """The clocks that are overdue now, whenever they were due."""
        return sum(n for (name, _), n in self.counts.items() if name == "overdue")

    def delivered(self, pieces: range) -> int:
        """First-pass MQLs of `pieces`."""
        return sum(self.counts.get(("delivered", piece), 0) for piece in pieces)

    def answers_in(self, pieces: range | None) -> Sequence[Sequence[int]]:
        """How long the answers took that were due in `pieces` (None: whenever), as sorted lists of seconds."""
        return [took for piece, took in self.answers if pieces is None or piece in pieces]

    def kept(self, pieces: range | None) -> Kept:
        """The sums over `pieces`; None for all time, undated ones included."""
        sums: Counter[str] = Counter()
        for (name, piece), n in self.counts.items():
            if pieces is None or piece in pieces:
                sums[name] += n
        rejections: Counter[Reasoned] = Counter()
        for (reason, piece), n in self.rejections.items():
            if pieces is None or piece in pieces:
                rejections[reason] += n
        return Kept(
            delivered=sums["delivered"],
            accepted=sums["accepted"],
            untouched=sums["untouched"],
            rejections=rejections,
            answered=Attainment(met=sums["met"], breached=sums["breached"]),
        )


class _Pieces:
    """Counts events by the pieces of time between `marks`: day by day where days are kept, else in one go."""

    def __init__(self, filters: Filters, marks: Marks, shown: Sequence[Period], look: Look) -> None:
        self.filters, self.marks, self.look = filters, marks, look
        self.window = (marks.instants[0], marks.instants[-1]) if filters.period else None
        self.asked = [*shown, filters.period] if filters.period else []

    def of(self, events: _Events) -> Iterator[tuple[Any, ...]]:
        """(the number of the piece, what the events are grouped by, how many)."""
        parts = self._parts(events) if self.look.keeps else None
        if parts is None:
            yield from events.query(self.window, self.marks.number)
            return
        question = (events.name, self.filters.meant)
        days = stretches.by_day(self.look, question, events.dated, parts, self.filters.calendar, events.query)
        for begin, row in days:
            yield bisect_right(self.marks.instants, begin), *row
        if not self.asked and events.undated is not None:
            yield from replace(events, rows=events.undated).query(None, self.marks.number)

    def _parts(self, events: _Events) -> Sequence[Period] | None:
        if self.asked:
            return stretches.of_whole_months(min(self.asked).first, max(each.last for each in self.asked))
        return stretches.of_all(events.dated, self.filters.calendar)


def _delivered(filters: Filters) -> _Events:
    rows = journeys(filters).filter(DELIVERED)
    return _Events("delivered", rows, Dated.MQL, {}, undated=rows.filter(mql_at=None))


def _accepted(filters: Filters) -> _Events:
    rows = journeys(filters)
    undated = rows.filter(reached(Milestone.SQL), accepted_at=None)
    by = {"is_untouched": flag(UNTOUCHED)}
    return _Events("accepted", rows.filter(ACCEPTED), Dated.ACCEPTED, by, undated=undated)


def _answered(filters: Filters, at: datetime) -> _Events:
    rows = clocks(filters).filter(stopped_at__isnull=False, cancelled_at=None)
    by = {"is_late": flag(late(at)), "is_counted": flag(counting(at))}
    took = sorted_numbers(Seconds(F("stopped_at"), F("started_at")))
    return _Events("answered", rows, Dated.DUE, by, {"took": took})


def _overdue(filters: Filters, at: datetime) -> _Events:
    return _Events("overdue", clocks(filters).overdue(at), Dated.DUE, {"is_counted": flag(counting(at))})


# Rejections are never kept: no day of a journey tells who came above capacity, or what a reason is called.


def _refused(filters: Filters, marks: Marks, window: Window | None) -> Mapping[tuple[Reasoned, int | None], int]:
    """What came above capacity is no miss of marketing: those few are counted by themselves, and moved over."""
    rows = dated(journeys(filters).filter(REFUSED), F("closed_at"), window)
    above = rows.filter(
        reason__counts_as_miss=True, lead__above_capacity__pass_no=F("pass_no"), lead__above_capacity__begins_at=None
    )
    counts: Counter[tuple[Reasoned, int | None]] = Counter()
    for moves_over, piece, *reason, n in _by_reason(rows, marks, is_above=False).union(
        _by_reason(above, marks, is_above=True), all=True
    ):
        told = Reasoned(*reason)
        counts[told, piece] += -n if moves_over else n
        if moves_over:
            counts[replace(told, is_miss=False), piece] += n
    return counts


def _by_reason(rows: Journeys, marks: Marks, *, is_above: bool) -> Journeys:
    found: Journeys = rows.annotate(piece=marks.number(F("closed_at")), is_above=Value(is_above))
    reason = ("reason", "reason__label", "reason__counts_as_miss", "reason__is_offered")
    return found.values_list("is_above", "piece", *reason).annotate(n=Count("*")).order_by()  # type: ignore[no-any-return]


def clocks(filters: Filters) -> ClockQuerySet:
    """The disposition clocks of the journeys that `filters` mean."""
    return Clock.objects.dispositions().filter(filters.whose("own_pass__"))
