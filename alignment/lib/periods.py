"""Periods of the company's calendar: from inclusive dates to instants; weeks, months, quarters and years. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

EARLIEST = date(1990, 1, 1)
LATEST = date(2100, 12, 31)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from `first` to `last`, both included. Raises ValueError, with a sentence, for days out of order or
    outside 1990–2100.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first < EARLIEST or self.last > LATEST:
            raise ValueError(f"Dates go from {EARLIEST.year} to {LATEST.year}.")
        if self.first > self.last:
            raise ValueError("The first day is after the last one.")

    def __str__(self) -> str:
        """`12 – 31 May 2018`, or whole months: `Jun 2017 – May 2018`."""
        if self.first.day == 1 and (self.last + DAY).day == 1:
            first, last = f"{self.first:%b %Y}", f"{self.last:%b %Y}"
            return first if first == last else f"{first} – {last}"
        shown = f"{self.first.day} {self.first:%b}"
        if self.first.year != self.last.year:
            shown += f" {self.first.year}"
        return f"{shown} – {self.last.day} {self.last:%b %Y}"

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its begin (included) and end (not included) as UTC instants, where days change at midnight in `zone`."""
        return midnight(self.first, zone), midnight(self.last + DAY, zone)

    def before(self) -> Self | None:
        """As many days right before it; None where that would be before 1990."""
        first = self.first - self.days * DAY
        return type(self)(first, self.first - DAY) if first >= EARLIEST else None

    def earlier(self, *, weeks: int) -> Self | None:
        """The same days so many weeks before; None where that would be before 1990."""
        first, last = self.first - 7 * weeks * DAY, self.last - 7 * weeks * DAY
        return type(self)(first, last) if first >= EARLIEST else None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which `day` begins in `zone`. Where the clock skips midnight, that is when it skips."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


# Calendars ----------------------------------------------------------------------------------------------------


def weeks(last: date, count: int, *, starts_on: int) -> list[Period]:
    """The `count` whole weeks up to the one that `last` lies in; `starts_on` is an ISO weekday (1 is Monday).

    Fewer where they would begin before 1990 or end after 2100.
    """
    newest = last - (last.isoweekday() - starts_on) % 7 * DAY
    begins = (newest - 7 * back * DAY for back in reversed(range(count)))
    return [Period(day, day + 6 * DAY) for day in begins if EARLIEST <= day <= LATEST - 6 * DAY]


def dekads(period: Period) -> list[Period]:
    """The thirds of months (from the 1st, the 11th and the 21st) that `period` touches, cut to it."""
    found: list[Period] = []
    for month in months(period):
        later = (month.first.replace(day=day) for day in (11, 21))
        begins = [month.first, *(begin for begin in later if month.first < begin <= month.last)]
        ends = [*(begin - DAY for begin in begins[1:]), month.last]
        found += map(Period, begins, ends)
    return found


def months(period: Period) -> list[Period]:
    """The months that `period` touches, cut to it."""
    return list(_cut(period, months_each=1, starts_in=1))


def quarters(period: Period, *, fiscal_start: int) -> list[Period]:
    """The quarters that `period` touches, cut to it; `fiscal_start` is the month (1–12) the fiscal year begins in."""
    return list(_cut(period, months_each=3, starts_in=fiscal_start))


def years(period: Period, *, fiscal_start: int) -> list[Period]:
    """The fiscal years that `period` touches, cut to it."""
    return list(_cut(period, months_each=12, starts_in=fiscal_start))


def _cut(period: Period, *, months_each: int, starts_in: int) -> Iterator[Period]:
    first = period.first
    while first <= period.last:
        # A span begins where the months since the fiscal start divide evenly.
        into = (first.month - starts_in) % months_each
        last = add_months(first, months_each - into) - DAY
        yield Period(first, min(last, period.last))
        first = last + DAY


def add_months(day: date, count: int) -> date:
    """The first day of the month that is `count` months after the one of `day` (before, where negative)."""
    years_on, month = divmod(day.month - 1 + count, 12)
    return date(day.year + years_on, month + 1, 1)


# What people ask for ------------------------------------------------------------------------------------------


def last_days(today: date, count: int) -> Period:
    """`count` days up to and including `today`."""
    return Period(today - (count - 1) * DAY, today)


def last_months(today: date, count: int) -> Period:
    """`count` months: this one, up to `today`, and the whole ones before it."""
    return Period(add_months(today, 1 - count), today)


def this_quarter(today: date, *, fiscal_start: int) -> Period:
    """The whole fiscal quarter that `today` lies in."""
    first = add_months(today, -((today.month - fiscal_start) % 3))
    return Period(first, add_months(first, 3) - DAY)


def last_quarter(today: date, *, fiscal_start: int) -> Period:
    """The whole fiscal quarter before the one that `today` lies in."""
    return this_quarter(this_quarter(today, fiscal_start=fiscal_start).first - DAY, fiscal_start=fiscal_start)
