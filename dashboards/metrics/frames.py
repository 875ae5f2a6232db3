"""Cutting figures along time: one expression that says between which instants a date lies."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db.models import DateTimeField, Expression, F, Func, IntegerField, Max, Min, Value

from alignment.lib.periods import Period, months, quarters, years
from dashboards.filters import Calendar
from dashboards.metrics.journeys import Journeys

MOST_PARTS = 12


class Marks:
    """Instants that cut time into numbered pieces: piece 1 begins at the first, piece 0 lies before it."""

    def __init__(self, instants: Iterable[datetime]) -> None:
        self.instants = sorted(set(instants))

    def number(self, when: F | Expression) -> Expression:
        """The number of the piece that the date `when` lies in; null for no date."""
        marks = Value(self.instants, output_field=ArrayField(DateTimeField()))
        return Func(when, marks, function="width_bucket", output_field=IntegerField())

    def numbers(self, start: datetime, end: datetime) -> range:
        """The pieces that make up the time from `start` to `end`, both of which are marks."""
        return range(bisect_right(self.instants, start), bisect_left(self.instants, end) + 1)


@dataclass(frozen=True, slots=True)
class Frame:
    """Consecutive parts of a period: piece 1 of `marks` is the first of `parts`."""

    parts: Sequence[Period]
    marks: Marks

    @classmethod
    def of(cls, parts: Sequence[Period], calendar: Calendar) -> Self:
        """These parts, with days of the company's zone."""
        return cls(parts, Marks(part.instants(calendar.zone)[0] for part in parts))

    def number(self, day: date) -> int:
        """The number of the piece that a day lies in."""
        return bisect_right(self.parts, day, key=attrgetter("first"))

    @classmethod
    def cut(cls, period: Period, calendar: Calendar) -> Self:
        """Months; quarters where those would be more than twelve, and then years."""
        parts = months(period)
        if len(parts) > MOST_PARTS:
            parts = quarters(period, fiscal_start=calendar.fiscal_start)
        if len(parts) > MOST_PARTS:
            parts = years(period, fiscal_start=calendar.fiscal_start)
        return cls.of(parts, calendar)

    @classmethod
    def around(cls, rows: Journeys, begin: str, ends: Sequence[str], calendar: Calendar) -> Self:
        """From the first date in the column `begin` to the last one in any of `ends`; no parts where none of these rows
        has one. One query, which indexes of the columns answer.
        """
        first, *lasts = rows.aggregate(first=Min(begin), **{f"last_{end}": Max(end) for end in ends}).values()
        if first is None:
            return cls.of((), calendar)
        return cls.cut(Period(calendar.today(first), calendar.today(max(filter(None, lasts)))), calendar)
