"""From the start of a clock to its due time: the arithmetic of one clock. Pure.

`None` for a calendar means around the clock: every hour counts, and every day is a business day.
"""

from datetime import date, datetime, time, timedelta

from alignment.lib.business_time import Calendar, CalendarError

ONE_DAY = timedelta(days=1)
FAR = timedelta(days=366)
"""How far a calendar is searched for its next working day."""


def add(calendar: Calendar | None, start: datetime, length: timedelta) -> datetime:
    """When so much time of the calendar has passed since `start`."""
    return calendar.add(start, length) if calendar else start + length


def between(calendar: Calendar | None, start: datetime, end: datetime) -> timedelta:
    """How much time of the calendar lies between; nothing where `end` is not later."""
    if end <= start:
        return timedelta()
    return calendar.elapsed(start, end) if calendar else end - start


def opening(calendar: Calendar | None, at: datetime) -> datetime:
    """The first working moment from `at` on: `at` itself in working hours. Raises CalendarError without any."""
    if calendar is None:
        return at
    for opens, _ in calendar.spans(at, at + FAR):
        return opens
    raise CalendarError("This calendar has no working time for a year.")


def after_days(calendar: Calendar | None, start: datetime, days: int) -> datetime:
    """The same time of day, so many working days later; where that day ends earlier or begins later, its end or its
    beginning. What begins before a day's work is due at the end of the last day: Friday at 15:00 and a day is Monday at
    15:00, Saturday and a day is the end of Monday.
    """
    if calendar is None:
        return start + days * ONE_DAY
    begins = opening(calendar, start)
    first = begins.astimezone(calendar.zone)
    is_whole = begins > start and begins == _bounds(calendar, first.date())[0]
    on = _working_day(calendar, first.date(), days - 1 if is_whole else days)
    opens, closes = _bounds(calendar, on)
    if is_whole:
        return closes
    same_time = datetime.combine(on, first.timetz().replace(tzinfo=None), calendar.zone).astimezone(begins.tzinfo)
    return min(max(same_time, opens), closes)


def resumed(calendar: Calendar | None, due_at: datetime, counted_until: datetime, until: datetime) -> datetime:
    """The due time of a clock that stood still until `until`, and not `counted_until`: it has left what it had."""
    return add(calendar, until, between(calendar, counted_until, due_at))


def _working_day(calendar: Calendar, day: date, further: int) -> date:
    """The working day that comes `further` working days after `day`."""
    for _ in range(FAR.days):
        if further <= 0:
            return day
        day += ONE_DAY
        further -= bool(calendar.hours_on(day))
    raise CalendarError("This calendar has no working day for a year.")


def _bounds(calendar: Calendar, day: date) -> tuple[datetime, datetime]:
    """When the first hours of a working day begin and its last ones end."""
    midnight = datetime.combine(day, time(), calendar.zone)
    spans = list(calendar.spans(midnight, datetime.combine(day + ONE_DAY, time(), calendar.zone)))
    return spans[0][0], spans[-1][1]
