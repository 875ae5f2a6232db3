"""Counting once: the database groups like journeys into cells, and every count of a page is a sum over cells."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Case, Count, Expression, F, IntegerField, Q, Value, When

from dashboards.filters import Filters
from dashboards.metrics import stretches
from dashboards.metrics.frames import Frame
from dashboards.metrics.journeys import DATES, JOINED, OPEN, Journeys, cohort, journeys, reached
from dashboards.metrics.stretches import Events, Number
from dashboards.options import Facet
from dashboards.settled import NOTHING_KEPT, Look
from leads.milestones import Milestone, Outcome

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
    """The cohort of `filters`, by the part of `frame` that each journey entered in; three queries at most."""
    entered = F(filters.anchor.column)

    def query(rows: Journeys, number: Number) -> Journeys:
        return _grouped(rows, ENTERED, number(entered), filters.by, _age(entered))

    parts = stretches.of_cohort(filters, look)
    if parts is None:
        return [Cell(event, part, *cell) for part, event, *cell in query(cohort(filters), frame.marks.number)]
    # Each stretch lies in one part, but the frame of all time begins only with the first day that somebody entered on.
    return [
        Cell(event, frame.number(stretch.last) if stretch else None, *cell)
        for stretch, grouped in stretches.in_cohort(filters, look, parts, ("cells", filters.by), query).items()
        for event, *cell in grouped
    ]


def of_period(filters: Filters, frame: Frame, look: Look = NOTHING_KEPT) -> list[Cell]:
    """What happened in the period, each by its own date: entries to the milestones, and ends; four queries at most,
    three more where no period is set.
    """
    rows = journeys(filters)
    # Each date by itself, so that an index finds those of the period.
    happened = [
        _events(ENDED, "closed_at", rows.exclude(JOINED).exclude(outcome__in=["", Outcome.WON]), filters.by),
        _events(ENDED, "sqo_at", rows.filter(JOINED), filters.by),
        *(_events(each, DATES[each], rows.filter(reached(each)), filters.by) for each in Milestone),
    ]
    return [Cell(event, part, *cell) for part, event, *cell in stretches.in_period(filters, frame, look, happened)]


def _events(event: int, column: str, rows: Journeys, by: Facet) -> Events:
    def query(found: Journeys, number: Number) -> Journeys:
        return _grouped(found, event, number(F(column)), by)

    return Events(("happened", event, column, by), column, rows, query)


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
