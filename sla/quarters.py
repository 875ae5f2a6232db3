"""The fiscal calendar of plans: quarters made of whole weeks, in months that settle them. Pure.

A week belongs to the month and the quarter that most of its days lie in, so that no week is planned twice or halved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from alignment.lib.periods import DAY, Period, add_months, months, this_quarter
from alignment.lib.periods import weeks as whole_weeks
from alignment.people.models import Company

MIDDLE = 3 * DAY
"""From the first day of a week to its fourth: the month of that day has most of the week."""


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a quarter, and its weeks."""

    period: Period
    weeks: Sequence[Period]


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """On which ISO weekday weeks start, and in which month (1–12) the fiscal year does."""

    week_starts_on: int
    year_starts_in: int

    @classmethod
    def of(cls, company: Company) -> Self:
        """The company's."""
        return cls(company.week_start, company.fiscal_year_start_month)

    def week(self, day: date) -> Period:
        """The week that `day` lies in."""
        return whole_weeks(day, 1, starts_on=self.week_starts_on)[0]

    def quarter(self, day: date) -> Period:
        """The fiscal quarter to which the week of `day` belongs."""
        return this_quarter(self.week(day).first + MIDDLE, fiscal_start=self.year_starts_in)

    def next_quarter(self, quarter: Period) -> Period:
        """The one that follows `quarter`."""
        return this_quarter(quarter.last + DAY, fiscal_start=self.year_starts_in)

    def weeks(self, quarter: Period) -> list[Period]:
        """The weeks of `quarter`, 12 to 14 of them, in order."""
        last = self.week(quarter.last)
        around = whole_weeks(last.first, 15, starts_on=self.week_starts_on)
        return [week for week in around if quarter.first <= week.first + MIDDLE <= quarter.last]

    def months(self, quarter: Period) -> list[Month]:
        """The three months of `quarter` with their weeks."""
        own = self.weeks(quarter)
        return [
            Month(month, [week for week in own if month.first <= week.first + MIDDLE <= month.last])
            for month in months(quarter)
        ]

    def name(self, quarter: Period) -> str:
        """As people say it: “Q2 of fiscal year 2026/27”, “Q4 2026” where the year is the calendar's."""
        number = (quarter.first.month - self.year_starts_in) % 12 // 3 + 1
        begun = add_months(quarter.first, -3 * (number - 1)).year
        if self.year_starts_in == 1:
            return f"Q{number} {begun}"
        return f"Q{number} of {begun}/{(begun + 1) % 100:02}"
