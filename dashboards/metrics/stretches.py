"""Grouping by stretches of time that are measured one by one and kept (`dashboards.settled`)."""

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import BinaryField, Expression, F, Func, IntegerField, Max, Min, Q, QuerySet, Value

from alignment.lib.periods import DAY, Period, add_months, dekads
from dashboards.filters import Anchor, Calendar, Filters
from dashboards.metrics.frames import Frame, Marks
from dashboards.metrics.journeys import Journeys, dated, members
from dashboards.settled import Look, Row
from leads.models import Journey
from leads.models.changed_days import Dated
from sla.models import Clock

MOST_STRETCHES = 540
"""Fifteen years; longer periods are measured as a whole."""

TOLD: Mapping[str, Dated] = {"mgl_at": Dated.ENTERED, "mql_at": Dated.MQL, "closed_at": Dated.CLOSED}
"""Which changed days tell those of a date: whoever has the first milestone's entered with it."""
NOWHEN = Value(None, output_field=IntegerField())
"""The number of no stretch."""

Window = tuple[datetime, datetime]
Number = Callable[[F | Expression], Expression]
Query = Callable[[Window, Number], QuerySet[Any]]
"""The rows of a window, the number of each one's stretch (or day) first."""


def of_cohort(filters: Filters, look: Look) -> Sequence[Period] | None:
    """The stretches that a cohort is measured in; None where it is measured as a whole, since nothing finds a part of
    it sooner than all of it, or nothing is kept. A query where no period is set.
    """
    if not look.keeps or not filters.anchor.is_indexed:
        return None
    if filters.period:
        return cut(filters.period)
    if filters.anchor != Anchor.FIRST:  # no index finds those that have a certain milestone without its date
        return None
    return of_all(Dated.ENTERED, filters.calendar)


def of_whole_months(first: date, last: date) -> Sequence[Period] | None:
    """The stretches of the months from the one of `first` to the one of `last`; None for too many."""
    return cut(Period(first.replace(day=1), add_months(last, 1) - DAY))


def of_all(dated: Dated, calendar: Calendar) -> Sequence[Period] | None:
    """The stretches from the first to the last date of all rows; None for too many. One query."""
    rows = Clock.objects.filter(cancelled_at=None) if dated == Dated.DUE else Journey.objects.all()
    first, last = rows.aggregate(first=Min(dated), last=Max(dated)).values()
    return of_whole_months(calendar.today(first), calendar.today(last)) if first else []


def cut(period: Period) -> Sequence[Period] | None:
    """The stretches of a period; None for too many. Each lies in one month, and so in one part of any frame."""
    found = dekads(period)
    return found if len(found) <= MOST_STRETCHES else None


def in_cohort(
    filters: Filters,
    look: Look,
    parts: Sequence[Period],
    question: Hashable,
    query: Callable[[Journeys, Number], Journeys],
) -> dict[Period | None, Sequence[Row]]:
    """What `query` says of those who entered in each of these stretches, without its first column; and under None of
    those without a date, where no period is set. Two queries at most.
    """
    rows, entered = members(filters), F(filters.anchor.column)
    asked = (question, filters.meant, filters.anchor)
    kept = by_stretch(
        look, asked, Dated(filters.anchor.column), parts, filters.calendar,
        lambda window, number: query(dated(rows, entered, window), number),
    )  # fmt: skip
    found: dict[Period | None, Sequence[Row]] = dict(kept.items())
    if filters.period is None:
        undated = query(rows.filter(**{filters.anchor.column: None}), lambda when: NOWHEN)
        found[None] = [tuple(map(plain, row)) for _, *row in undated]
    return found


@dataclass(frozen=True, slots=True)
class Events:
    """Journeys by one of their dates; `query` asks something of such rows, the number of each one's stretch first. Its
    `name` tells it from all other questions about the same filters.
    """

    name: Hashable
    column: str
    rows: Journeys
    query: Callable[[Journeys, Number], Journeys]

    def within(self, window: Window | None, number: Number) -> Journeys:
        """What it asks of those in the window; without one, of all that have the date, which its index finds."""
        known = dated(self.rows, F(self.column), window)
        return self.query(known if window else known.filter(**{f"{self.column}__isnull": False}), number)

    @property
    def undated(self) -> Journeys:
        """What it asks of those without this date."""
        return self.query(self.rows.filter(**{self.column: None}), lambda when: NOWHEN)


def in_period(filters: Filters, frame: Frame, look: Look, asked: Iterable[Events]) -> Iterator[Row]:
    """(the part of `frame`, what is asked) of all events of the period, each by its own date. One query for those whose
    days no log tells, or that have no date, and one at most for each other kind; another one where no period is set.
    """
    as_a_whole = []
    for events in asked:
        told = TOLD.get(events.column) if look.keeps else None
        parts = _of_frame(filters, frame, told) if told else None
        if told is None or parts is None:
            as_a_whole.append(events.within(filters.instants, frame.marks.number))
        else:
            kept = by_stretch(look, (events.name, filters.meant), told, parts, filters.calendar, events.within)
            yield from ((frame.number(stretch.last), *row) for stretch, rows in kept.items() for row in rows)
        if filters.period is None:
            as_a_whole.append(events.undated)
    for part, *row in united(as_a_whole):
        yield part, *map(plain, row)


def _of_frame(filters: Filters, frame: Frame, told: Dated) -> Sequence[Period] | None:
    """The stretches of the period; of all time those of all such dates, cut where `frame` begins, so that each lies in
    one of its parts or before them.
    """
    if filters.period:
        return cut(filters.period)
    found = of_all(told, filters.calendar)
    begin = frame.parts[0].first if frame.parts else None
    if not found or begin is None or not found[0].first < begin <= found[-1].last:
        return found
    before, since = cut(Period(found[0].first, begin - DAY)), cut(Period(begin, found[-1].last))
    return None if before is None or since is None else [*before, *since]


def by_stretch(
    look: Look,
    question: Hashable,
    dated: Dated,
    stretches: Sequence[Period],
    calendar: Calendar,
    query: Query,
) -> dict[Period, Sequence[Row]]:
    """What `query` says of each stretch, without its first column. At most one query."""

    def read(missing: Sequence[Period]) -> Mapping[Period, Sequence[Row]]:
        windows = {stretch: stretch.instants(calendar.zone) for stretch in missing}
        marks = Marks(instant for window in windows.values() for instant in window)
        numbers = {marks.numbers(*window)[0]: stretch for stretch, window in windows.items()}
        found: dict[Period, list[Row]] = {stretch: [] for stretch in missing}
        for number, *row in united(query(run, marks.number) for run in _runs(windows.values())):
            found[numbers[number]].append(tuple(map(plain, row)))
        return found

    return look.over(question, dated, stretches, calendar.zone, read)


def by_day(
    look: Look,
    question: Hashable,
    dated: Dated,
    stretches: Sequence[Period],
    calendar: Calendar,
    query: Query,
) -> Iterator[tuple[datetime, Row]]:
    """(midnight, what `query` says of that day, without its first column). At most one query."""

    def read(missing: Sequence[Period]) -> Mapping[Period, Sequence[Row]]:
        windows = [stretch.instants(calendar.zone) for stretch in missing]
        begins = {begin: stretch for stretch in missing for begin in _midnights(stretch, calendar)}
        marks = Marks([*begins, *(end for _, end in windows)])
        found: dict[Period, list[Row]] = {stretch: [] for stretch in missing}
        for number, *row in united(query(run, marks.number) for run in _runs(windows)):
            begin = marks.instants[number - 1]
            found[begins[begin]].append((begin, *map(plain, row)))
        return found

    for rows in look.over(question, dated, stretches, calendar.zone, read).values():
        for begin, *row in rows:
            yield begin, tuple(row)


def _midnights(stretch: Period, calendar: Calendar) -> Iterator[datetime]:
    for number in range(stretch.days):
        day = stretch.first + number * DAY
        yield Period(day, day).instants(calendar.zone)[0]


def _runs(windows: Iterable[Window]) -> list[Window]:
    """These windows, which are in order, with those joined that follow each other without a gap."""
    runs: list[Window] = []
    for begin, end in windows:
        if runs and runs[-1][1] == begin:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((begin, end))
    return runs


def united(parts: Iterable[QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    """What is asked of each of these parts (one at least), in one query."""
    first, *others = (part.order_by() for part in parts)
    return first.union(*others, all=True) if others else first


# Numbers that travel as a whole ----------------------------------------------------------------------------------


def sorted_numbers(number: Expression, condition: Q | None = None) -> Expression:
    """The numbers (bigint, none of them null) of the rows that meet a condition, sorted; `plain` unpacks them."""
    numbers = ArrayAgg(number, filter=condition, order_by=number)  # type: ignore[arg-type]  # it is typed for names
    return Func(numbers, function="array_send", output_field=BinaryField())


def plain(value: Any) -> Any:
    """A value of a row as it is; `sorted_numbers` unpacked, as an array."""
    return _unpacked(value) if isinstance(value, memoryview) else value


_HEADER = 5
_WORDS = 3
_SIGN = 1 << 31


def _unpacked(sent: memoryview) -> "array[int]":
    """The numbers of a bigint array as PostgreSQL sends it: words of 32 bits, for each number its size and two."""
    words = array("I", bytes(sent))
    words.byteswap()
    highs, lows = words[_HEADER + 1 :: _WORDS], words[_HEADER + 2 :: _WORDS]
    if not any(highs):
        return lows
    return array("q", [(high ^ _SIGN) - _SIGN << 32 | low for high, low in zip(highs, lows, strict=True)])
