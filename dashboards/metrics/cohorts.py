"""Whether newer cohorts do better: how many of each were won within so many days of their entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alignment.lib.periods import Period
from dashboards.metrics.cells import AGES
from dashboards.metrics.funnel import Funnel, ratio
from leads.milestones import Milestone


@dataclass(frozen=True, slots=True)
class Cohort:
    """The `n` journeys that entered in `period`. `won` counts, for each of `AGES`, those won within that many days of
    their own entry; None while the youngest of them is not that old.
    """

    period: Period
    n: int
    won: Sequence[int | None]

    @property
    def shares(self) -> list[float | None]:
        """Won ÷ n; None as in `won`, or for a cohort of nobody."""
        return [None if won is None else ratio(won, self.n) for won in self.won]


def cohorts(funnel: Funnel, at: datetime) -> list[Cohort]:
    """The cohorts of a funnel's frame as they stand at `at`. No query: the funnel's own cells."""
    return [_cohort(funnel, number, at) for number in range(1, len(funnel.frame.parts) + 1)]


def _cohort(funnel: Funnel, number: int, at: datetime) -> Cohort:
    period = funnel.frame.parts[number - 1]
    own = [cell for cell in funnel.entries if cell.part == number]
    won = [(cell.age, cell.n) for cell in own if cell.last == Milestone.WON and cell.age is not None]
    _, end = period.instants(funnel.filters.calendar.zone)
    counts = [sum(n for age, n in won if age <= index) for index in range(len(AGES))]
    return Cohort(
        period=period,
        n=sum(cell.n for cell in own),
        won=[count if end + timedelta(days=days) <= at else None for days, count in zip(AGES, counts, strict=True)],
    )
