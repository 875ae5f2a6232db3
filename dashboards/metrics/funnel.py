"""The funnel: how many reached each milestone, and what became of the others.

Counts are of passes up to SQL and of deals from SQO on (see `journeys`). On the cohort basis all of them are journeys
that entered in the period, so a step rate (reached B ÷ reached A) recomputes from the counts beside it. On the period
basis each number counts its own dates in the period: a rate is entries to B ÷ entries to A and may exceed 100 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Self

from django.db.models import F, Min

from dashboards.filters import Basis, Filters
from dashboards.metrics import aged, cells
from dashboards.metrics.cells import Cell, Tally
from dashboards.metrics.frames import Frame
from dashboards.metrics.journeys import DATES, LEFT_AT, LOSSES, OPEN, Journeys, cohort, dated, journeys, reached
from dashboards.settled import NOTHING_KEPT, Look
from leads.milestones import Milestone, Outcome


@dataclass(frozen=True, slots=True)
class Step:
    """From one milestone to the next. On the cohort basis the parts sum to `entered`."""

    start: Milestone
    entered: int
    went_on: int
    lost: Mapping[str, int]
    attached: int
    still_open: int

    @classmethod
    def of(cls, counts: Tally, start: Milestone) -> Self:
        """The step after `start`."""
        return cls(
            start=start,
            entered=counts.reached(start),
            went_on=counts.reached(Milestone(start + 1)),
            lost={state: counts.stopped(state, start) for state in LOSSES},
            attached=counts.stopped(Outcome.ATTACHED, start),
            still_open=counts.stopped(OPEN, start),
        )

    @property
    def end(self) -> Milestone:
        """The milestone it leads to."""
        return Milestone(self.start + 1)

    @property
    def name(self) -> str:
        """As addresses say it: `MQL-SQL`."""
        return f"{self.start.name}-{self.end.name}"

    @property
    def rate(self) -> float | None:
        """Went on ÷ entered; None where nobody entered."""
        return ratio(self.went_on, self.entered)

    @property
    def drop_off(self) -> int:
        """Rejected, recycled and lost; not those that are open or joined another deal."""
        return sum(self.lost.values())

    @property
    def drop_off_rate(self) -> float | None:
        """Drop-off ÷ entered; None where nobody entered."""
        return ratio(self.drop_off, self.entered)


STEPS = tuple(milestone for milestone in Milestone if milestone != Milestone.WON)
"""The milestones that a step starts from."""


def ratio(part: float, whole: float) -> float | None:
    """`part` ÷ `whole`; None where there is nothing to divide by."""
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Group:
    """The journeys of one value of a facet (`pk` None: of none). `n` is their cohort."""

    pk: int | None
    n: int
    counts: Tally

    def rate(self, start: Milestone, end: Milestone) -> float | None:
        """Reached `end` ÷ reached `start`; None where nobody reached `start`."""
        return ratio(self.counts.reached(end), self.counts.reached(start))


@dataclass(frozen=True, slots=True)
class Funnel:
    """The counts of `filters`. `n` is the cohort of the period (also beside period figures); `undated` is how many of
    these have no date, which can only be where no period is set. `parts` are the sums by part of `frame`.
    """

    filters: Filters
    frame: Frame
    n: int
    undated: int
    counts: Tally
    entries: list[Cell]
    groups: list[Group]
    parts: list[Tally]

    @property
    def steps(self) -> list[Step]:
        """The four steps from MGL to won."""
        return [Step.of(self.counts, start) for start in STEPS]


def measure(filters: Filters, look: Look = NOTHING_KEPT) -> Funnel:
    """The funnel of `filters`, also grouped by the facet that they name (the largest group first).

    One query for a cohort (none where `look` has all of it), five at most for a period; three more where no period is
    set, to know the first and last date, and what has none.
    """
    frame = frame_of(filters)
    entries = cells.of_cohort(filters, frame, look)
    happened = entries if filters.basis == Basis.COHORT else cells.of_period(filters, frame, look)
    by_part = cells.tallies(happened, attrgetter("part"))
    return Funnel(
        filters=filters,
        frame=frame,
        n=sum(cell.n for cell in entries),
        undated=sum(cell.n for cell in entries if cell.part is None),
        counts=cells.tally(happened),
        entries=entries,
        groups=_groups(entries, happened),
        parts=[by_part[number] for number in range(1, len(frame.parts) + 1)],
    )


def _groups(entries: list[Cell], happened: list[Cell]) -> list[Group]:
    sizes = cells.tallies(entries, attrgetter("group"))
    counts = cells.tallies(happened, attrgetter("group"))
    groups = [Group(pk, sizes[pk].reached(Milestone.MGL), counts[pk]) for pk in {*sizes, *counts}]
    return sorted(groups, key=lambda group: (-group.n, group.pk or 0))


def frame_of(filters: Filters) -> Frame:
    """The parts that trends and cohorts are shown in. A query only where no period is set."""
    if filters.period:
        return Frame.cut(filters.period, filters.calendar)
    entered = filters.anchor.column
    # The first milestone is never dated later than the entry.
    later = () if filters.basis == Basis.COHORT else ("entered_at", *list(DATES.values())[1:], "closed_at")
    return Frame.around(cohort(filters), entered, (entered, *later), filters.calendar)


def reached_rows(filters: Filters, milestone: Milestone) -> Journeys:
    """The journeys behind a reached count."""
    if filters.basis == Basis.COHORT:
        return cohort(filters).filter(reached(milestone))
    return dated(journeys(filters).filter(reached(milestone)), F(DATES[milestone]), filters.instants)


def stopped_rows(filters: Filters, milestone: Milestone, *states: str) -> Journeys:
    """The journeys behind what became of those that got to `milestone` and no further."""
    rows = cohort(filters) if filters.basis == Basis.COHORT else journeys(filters)
    stopped = rows.filter(last=milestone, state__in=states)
    if filters.basis == Basis.COHORT:
        return stopped
    return dated(stopped, F(DATES[milestone]) if OPEN in states else LEFT_AT, filters.instants)


def reached_before(filters: Filters, at: datetime, look: Look = NOTHING_KEPT) -> Mapping[Milestone, int] | None:
    """Reached counts of as many days right before the period; None without a period, or where leads began to come only
    later than in its first tenth. Five queries at most.

    A cohort is compared at the same age: only what had happened by as long ago as the period is long counts.
    """
    before = filters.period and filters.period.before()
    if not before:
        return None
    earlier = filters.with_period(before)
    start, end = before.instants(filters.calendar.zone)
    if filters.basis == Basis.COHORT:
        first, counts = aged.reached_by(earlier, at - timedelta(days=before.days), look)
        return counts if _began_early(first, start, end) else None
    if not _began_early(cohort(earlier).aggregate(first=Min(filters.anchor.column))["first"], start, end):
        return None
    happened = cells.tally(cells.of_period(earlier, Frame.of([before], filters.calendar), look))
    return {milestone: happened.reached(milestone) for milestone in Milestone}


def _began_early(first: datetime | None, start: datetime, end: datetime) -> bool:
    """Whether the first lead came in the first tenth of the time from `start` to `end`."""
    return first is not None and first <= start + (end - start) / 10
