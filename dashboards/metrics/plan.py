"""What marketing promised: first-pass MQLs by week and their quality, as both heads signed it.

A week belongs to the period whole. Only weeks that are over are held against their plan: those that have one, up to
the last week of the period, without a gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

from alignment.lib.periods import DAY, Period, weeks
from dashboards.filters import Accounts, Deals, Filters, Passes
from sla.promises import PlannedWeek, weekly_plan

WEEKS_OF_ALL_TIME = 12
FEW = 4
"""Weeks that a mean of the last ones is of."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A week that is over: what was handed over, and what was promised."""

    week: Period
    delivered: int
    planned: int

    @property
    def is_kept(self) -> bool:
        return self.delivered >= self.planned


@dataclass(frozen=True, slots=True)
class Plan:
    """What was agreed by the first day of a week (a week without plan is absent), and the weeks that it settles. The
    number of MQLs is agreed for all leads: `is_of_all` says whether these figures can be held against it.
    """

    by_week: Mapping[date, PlannedWeek]
    settled: Sequence[Settled]
    is_of_all: bool

    @property
    def period(self) -> Period | None:
        """All of the settled weeks; None where there are none."""
        return Period(self.settled[0].week.first, self.settled[-1].week.last) if self.settled else None

    @property
    def delivered(self) -> int:
        """What was handed over in these weeks."""
        return sum(each.delivered for each in self.settled)

    @property
    def kept(self) -> int:
        """In how many of these weeks as many were handed over as promised."""
        return sum(each.is_kept for each in self.settled)

    @property
    def per_week(self) -> float | None:
        """Handed over in such a week; None without any."""
        return self.delivered / len(self.settled) if self.settled else None

    @property
    def planned_per_week(self) -> float | None:
        """Promised for such a week; None without any."""
        return sum(each.planned for each in self.settled) / len(self.settled) if self.settled else None

    @property
    def lately(self) -> float | None:
        """Handed over in each of the last four of them; None without any."""
        last = [each.delivered for each in self.settled[-FEW:]]
        return sum(last) / len(last) if last else None

    def mqls(self, week: Period) -> int | None:
        """What was promised for a week; None where nothing was, and for figures of some leads alone."""
        planned = self.by_week.get(week.first)
        return planned.mqls if planned and self.is_of_all else None

    def acceptance(self, week: Period) -> float | None:
        """The share that sales was to accept of those of a week, 0 to 1; None where nothing was agreed."""
        planned = self.by_week.get(week.first)
        return float(planned.acceptance) if planned and planned.acceptance is not None else None


def is_about(filters: Filters) -> bool:
    """Whether these are all leads that come for the first time."""
    everybody = filters.accounts == Accounts.ALL and filters.deals == Deals.NEW
    return everybody and filters.passes != Passes.RETURNING and not filters.facets


def weeks_over(filters: Filters, at: datetime) -> list[Period]:
    """The whole weeks of the period that are over; the last twelve where no period is set."""
    today = filters.calendar.today(at)
    last = min(filters.period.last, today - DAY) if filters.period else today - DAY
    first = filters.period.first if filters.period else last - (WEEKS_OF_ALL_TIME + 1) * 7 * DAY + DAY
    touched = weeks(last, max(0, (last - first).days // 7 + 2), starts_on=filters.calendar.week_starts_on)
    return [week for week in touched if first <= week.first and week.last <= last]


def measure(filters: Filters, shown: Sequence[Period], over: Sequence[tuple[Period, int]]) -> Plan:
    """The plan of the `shown` weeks and of those that are over, each with what was handed over. Two queries."""
    agreed = weekly_plan(sorted({week.first for week in (*shown, *(week for week, _ in over))}))
    with_plan = list(takewhile(lambda each: each[0].first in agreed, reversed(over)))
    settled = [Settled(week, delivered, agreed[week.first].mqls) for week, delivered in reversed(with_plan)]
    is_of_all = is_about(filters)
    return Plan(agreed, settled if is_of_all else [], is_of_all)
