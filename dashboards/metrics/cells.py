"""Counting once: the database groups like journeys into cells, and every count of a page is a sum over cells."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Case, Count, Expression, F, IntegerField, Q, Value, When

from dashboards.filters import Filters
from dashboards.metrics import stretches
from dashboards.metrics.frames import Frame
from dashboards.metrics.journeys import DATES, LEFT_AT, OPEN, Journeys, cohort, dated, journeys, members, reached
from dashboards.metrics.stretches import Number
from dashboards.options import Facet
from dashboards.settled import NOTHING_KEPT, Look
from leads.milestones import Milestone, Outcome
from leads.models.changed_days import Dated

AGES = (30, 60, 90, 120, 150, 180)
"""Days after entry at which the cohort table looks."""

ENTERED = 0
ENDED = -1
"""What a cell's part dates, beside the entry to a milestone: the entry into the cohort, and the end of the pass."""

NOTHING = Value(None, output_field=IntegerField())


@dataclass(frozen=True, slots=True)
class Cell:
    """`n` like journeys: what happened to them in which part of the frame, their facet, place (see `journeys`) and age.

    `age` is the first index of `AGES` within which they were won; None is later, undated or not won.
    """

    event: int
    part: int | None
    group: int | None
    last: int
    state: str
    age: int | None
    n: int


def of_cohort(filters: Filters, frame: Frame, look: Look = NOTHING_KEPT) -> list[Cell]:
    """The cohort of `filters`, by the part of `frame` that each journey entered in; at most one query."""
    entered = F(filters.anchor.column)

    def query(rows: Journeys, number: Number) -> Journeys:
        return _grouped(rows, ENTERED, number(entered), filters.by, _age(entered))

    parts = stretches.of_cohort(filters, look)
    if parts is None:
        return [Cell(event, part, *cell) for part, event, *cell in query(cohort(filters), frame.marks.number)]
    rows = members(filters)
    question, anchor = ("cells", filters.meant, filters.anchor, filters.by), Dated(filters.anchor.column)
    found = stretches.by_stretch(
        look, question, anchor, parts, filters.calendar,
        lambda window, number: query(dated(rows, entered, window), number),
    )  # fmt: skip
    return [
        Cell(event, frame.number(stretch.first), *cell)
        for stretch, grouped in found.items()
        for event, *cell in grouped
    ]


def of_period(filters: Filters, frame: Frame) -> list[Cell]:
    """What happened in the period, each by its own date: entries to the milestones, and ends; one query."""
    rows = journeys(filters)
    ends = dated(rows.exclude(state__in=[OPEN, Outcome.WON]), LEFT_AT, filters.instants)
    events = [_grouped(ends, ENDED, frame.marks.number(LEFT_AT), filters.by)]
    for milestone in Milestone:
        when = F(DATES[milestone])
        entries = dated(rows.filter(reached(milestone)), when, filters.instants)
        events.append(_grouped(entries, milestone, frame.marks.number(when), filters.by))
    return [Cell(event, part, *cell) for part, event, *cell in events[0].union(*events[1:], all=True)]


def _grouped(rows: Journeys, event: int, part: Expression, by: Facet, age: Expression = NOTHING) -> Journeys:
    keys = {"part": part, "event": Value(int(event)), "group": F(f"{by}_id"), "age": age}
    grouped = rows.annotate(**keys).values_list("part", "event", "group", "last", "state", "age")
    return grouped.annotate(n=Count("*")).order_by()


def _age(entered: F) -> Expression:
    within = [When(won_at__lte=entered + timedelta(days=days), then=Value(index)) for index, days in enumerate(AGES)]
    return Case(When(~Q(outcome=Outcome.WON), then=NOTHING), *within, default=NOTHING, output_field=IntegerField())


@dataclass(slots=True)
class Tally:
    """How many reached each milestone, and what became of those that went no further."""

    counts: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, event: int, last: int, state: str, n: int) -> None:
        """Count `n` like journeys: whole passes in a cohort, single events in a period."""
        if event == ENTERED:
            for milestone in range(Milestone.MGL, last + 1):
                self.counts["reached", milestone] += n
        elif event != ENDED:
            self.counts["reached", event] += n
        if event in (ENTERED, ENDED) or (event == last and state == OPEN):
            self.counts[state, last] += n

    def reached(self, milestone: Milestone) -> int:
        """Journeys that got to `milestone` or further."""
        return self.counts["reached", milestone]

    def stopped(self, state: str, milestone: Milestone) -> int:
        """Journeys that are, or ended, in `state` at `milestone`."""
        return self.counts[state, milestone]


def tallies(cells: Iterable[Cell], key: Callable[[Cell], int | None]) -> defaultdict[int | None, Tally]:
    """The sums of these cells by their `key`, e.g. `attrgetter("part")`."""
    like: Counter[tuple[int | None, int, int, str]] = Counter()
    for cell in cells:
        like[key(cell), cell.event, cell.last, cell.state] += cell.n
    totals: defaultdict[int | None, Tally] = defaultdict(Tally)
    for (which, event, last, state), n in like.items():
        totals[which].add(event, last, state, n)
    return totals


def tally(cells: Iterable[Cell]) -> Tally:
    """The sum of these cells."""
    return tallies(cells, lambda cell: None)[None]
