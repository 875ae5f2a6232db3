"""Working time: how much of it lies between two moments, and when so much of it has passed. Pure.

A minute counts if the clock on the wall in the calendar's zone shows a working minute of its day. So a night on which
the clocks go back has an hour more, one on which they go forward an hour less, and nothing depends on offsets. A span
is compiled to UTC intervals, day by day; all arithmetic is done on those.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 1440
LONGEST_NIGHT = 12 * 60
"""So many minutes a stretch that people write lasts at most, if it goes on after midnight."""
ONE_DAY = timedelta(days=1)
LONGEST = timedelta(days=366 * 5)
"""How far `add` looks for working time: a calendar without any in so long a time is a mistake."""

Span = tuple[datetime, datetime]
"""[opens, closes) in UTC."""


class CalendarError(ValueError):
    """A calendar that cannot be, or that has no working time where some is needed; the text is a sentence."""


@dataclass(frozen=True, slots=True, order=True)
class Hours:
    """From `opens` to `closes`, in minutes since the midnight that begins the day. Beyond 1440 the shift ends on the
    next day: 22:00 to 06:00 is (1320, 1800).
    """

    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < MINUTES_A_DAY:
            raise CalendarError("Hours begin between 00:00 and 23:59.")
        if self.closes <= self.opens:
            raise CalendarError(f"Hours end after they begin: not {self}.")
        if self.closes - self.opens > MINUTES_A_DAY:
            raise CalendarError(f"Hours are at most 24 in a row: not {self}.")

    def __str__(self) -> str:
        return f"{clock(self.opens)}–{clock(self.closes)}"


ALL_DAY = Hours(0, MINUTES_A_DAY)


def clock(minute: int) -> str:
    """A minute of the day as the wall shows it: 24:00 for the end of a day, 06:00 for one of the next day."""
    hour, rest = divmod(minute if minute <= MINUTES_A_DAY else minute - MINUTES_A_DAY, 60)
    return f"{hour:02}:{rest:02}"


def read_hours(text: str) -> list[Hours]:
    """The hours of a day as people write them: “09:00–12:00, 13:00–17:30”, “22:00-06:00” for a night, “00:00–24:00”
    for all day; nothing for a free day. Raises CalendarError, also for a night of more than twelve hours.
    """
    return [_read_stretch(part.strip()) for part in text.split(",") if part.strip()]


def _read_stretch(text: str) -> Hours:
    found = _STRETCH.fullmatch(text)
    if not found:
        raise CalendarError(f"Write hours as 09:00–17:00, several with a comma between: not “{text}”.")
    opens, closes = (_minute(found[side], found[f"{side}_minute"], text) for side in ("opens", "closes"))
    hours = Hours(opens, closes + MINUTES_A_DAY if closes < opens else closes)
    if hours.closes > MINUTES_A_DAY and hours.closes - hours.opens > LONGEST_NIGHT:
        # 9-5, or the two the wrong way round, far more often than a night.
        raise CalendarError(
            f"{hours} would be {round((hours.closes - hours.opens) / 60)} hours, through the night. If that is meant, "
            f"write {clock(hours.opens)}–24:00, and 00:00–{clock(hours.closes)} on the next day."
        )
    return hours


def _minute(hour: str, minute: str | None, text: str) -> int:
    total = int(hour) * 60 + int(minute or 0)
    if total > MINUTES_A_DAY or int(minute or 0) > 59:
        raise CalendarError(f"There is no such time of day: “{text}”.")
    return total


_STRETCH = re.compile(
    r"(?P<opens>\d{1,2})(?:[:.](?P<opens_minute>\d{2}))?\s*[-–—]\s*(?P<closes>\d{1,2})(?:[:.](?P<closes_minute>\d{2}))?"
)


@dataclass(frozen=True)
class Calendar:
    """When somebody works: hours by ISO weekday (1 Monday … 7 Sunday), in a zone, except on some dates.

    `dates` replaces what the week says of a date: () closes it from midnight to midnight, also for the end of a night
    shift that began the day before. Raises CalendarError for a week that is empty or whose hours overlap.
    """

    zone: ZoneInfo
    week: Mapping[int, Sequence[Hours]]
    dates: Mapping[date, Sequence[Hours]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not any(self.week.values()):
            raise CalendarError("A calendar needs hours on at least one day of the week.")
        if unknown := self.week.keys() - set(range(1, 8)):
            raise CalendarError(f"There is no weekday {min(unknown)}.")
        for weekday in range(1, 8):
            _refuse_overlaps(self._own(weekday), self._carried(weekday), _DAYS[weekday])
        for day, hours in self.dates.items():
            _refuse_overlaps(hours, (), day.isoformat())
            if any(each.closes > MINUTES_A_DAY for each in hours):
                raise CalendarError(f"Hours of a single date end by 24:00: not on {day.isoformat()}.")

    def _own(self, weekday: int) -> Sequence[Hours]:
        return self.week.get(weekday, ())

    def _carried(self, weekday: int) -> list[Hours]:
        """What the shifts of the day before bring into this one."""
        before = self._own((weekday - 2) % 7 + 1)
        return [Hours(0, each.closes - MINUTES_A_DAY) for each in before if each.closes > MINUTES_A_DAY]

    @cached_property
    def _days(self) -> dict[int, tuple[Hours, ...]]:
        """The hours of each weekday between its own midnights, joined where they touch."""
        return {
            weekday: _joined([*self._carried(weekday), *map(_until_midnight, self._own(weekday))])
            for weekday in range(1, 8)
        }

    def hours_on(self, day: date) -> Sequence[Hours]:
        """The hours between the midnights of this date, ascending, none touching another."""
        try:
            return _joined(self.dates[day])
        except KeyError:
            return self._days[day.isoweekday()]

    def is_open(self, at: datetime) -> bool:
        """Whether work is done at this moment."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return any(each.opens <= minute < each.closes for each in self.hours_on(local.date()))

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """The working time in [start, end) as UTC intervals, ascending, joined where they touch."""
        joined: Span | None = None
        for opens, closes in self._pieces(start.astimezone(UTC), end.astimezone(UTC)):
            if joined and joined[1] == opens:
                joined = (joined[0], closes)
            else:
                if joined:
                    yield joined
                joined = (opens, closes)
        if joined:
            yield joined

    def _pieces(self, start: datetime, end: datetime) -> Iterator[Span]:
        for since, until, offset in _offsets(self.zone, start, end):
            first, last = (since + offset).replace(tzinfo=None), (until + offset).replace(tzinfo=None)
            for day in _dates(first.date(), last.date()):
                midnight = datetime.combine(day, time())
                for hours in self.hours_on(day):
                    opens = max(first, midnight + timedelta(minutes=hours.opens))
                    closes = min(last, midnight + timedelta(minutes=hours.closes))
                    if opens < closes:
                        yield ((opens - offset).replace(tzinfo=UTC), (closes - offset).replace(tzinfo=UTC))

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`; nothing where `end` is not later."""
        return sum((closes - opens for opens, closes in self.spans(start, end)), timedelta())

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The first moment at which `working` time has passed since `start`, in UTC; `start` itself for none.

        Raises CalendarError where it never does (see `LONGEST`), ValueError for a negative time.
        """
        if working < timedelta():
            raise ValueError("Working time runs forward only.")
        left, at, step = working, start.astimezone(UTC), 2 * ONE_DAY
        searched = timedelta()
        while left:
            if searched > LONGEST:
                raise CalendarError("This calendar has no working time for years.")
            for opens, closes in self.spans(at, at + step):
                if left <= closes - opens:
                    return opens + left
                left -= closes - opens
                searched = timedelta()
            at, searched = at + step, searched + step
            step = min(step * 2, 64 * ONE_DAY)
        return at


_DAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _refuse_overlaps(own: Sequence[Hours], carried: Iterable[Hours], day: str) -> None:
    for before, after in pairwise(sorted([*carried, *own])):
        if after.opens < before.closes:
            raise CalendarError(f"Hours overlap on {day}: {before} and {after}.")


def _until_midnight(hours: Hours) -> Hours:
    return Hours(hours.opens, min(hours.closes, MINUTES_A_DAY))


def _joined(hours: Iterable[Hours]) -> tuple[Hours, ...]:
    joined: list[Hours] = []
    for each in sorted(hours):
        if joined and joined[-1].closes == each.opens:
            joined[-1] = Hours(joined[-1].opens, each.closes)
        else:
            joined.append(each)
    return tuple(joined)


def _dates(first: date, last: date) -> Iterator[date]:
    for number in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(number)


def _offsets(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """[start, end) cut where the zone's offset from UTC changes. Zones change it at most once in a day."""
    since, offset = start, _offset(zone, start)
    at = start
    while at < end:
        until = min(at + ONE_DAY, end)
        after = _offset(zone, until)
        if after != offset:
            change = _change(zone, at, until, offset)
            yield since, change, offset
            since, offset = change, after
        at = until
    if since < end:
        yield since, end, offset


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _change(zone: ZoneInfo, before: datetime, after: datetime, offset: timedelta) -> datetime:
    """The second at which the offset stops being `offset`, between two moments."""
    low, high = int(before.timestamp()), -int(-after.timestamp() // 1)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
