"""Working time, against a clock on the wall that is read minute by minute, and against `businesstimedelta`.

`ACCORD_EXAMPLES=20000 python3 run.py test tests/lib/test_business_time.py` tries more than a usual run does.
"""

import os
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import businesstimedelta
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment.lib.business_time import ALL_DAY, Calendar, CalendarError, Hours, read_hours

EXAMPLES = int(os.environ.get("ACCORD_EXAMPLES", "500"))
MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(9 * 60, 17 * 60)
NIGHT = Hours(22 * 60, 30 * 60)


def week(*hours: Hours, days: range = range(1, 6)) -> dict[int, tuple[Hours, ...]]:
    return dict.fromkeys(days, hours)


ALWAYS = week(ALL_DAY, days=range(1, 8))

# Zones with the days (UTC) on which their clocks change.
DST_DAYS = {
    "Europe/Berlin": [date(2024, 3, 31), date(2024, 10, 27)],
    "America/New_York": [date(2024, 3, 10), date(2024, 11, 3)],
    "Australia/Lord_Howe": [date(2024, 4, 6), date(2024, 10, 5)],
    "Africa/Cairo": [date(2024, 4, 25), date(2024, 10, 31)],
    "America/Sao_Paulo": [date(2018, 2, 17), date(2018, 11, 4)],
    "Pacific/Apia": [date(2011, 12, 30)],
    "UTC": [date(2024, 2, 29)],
}


# The oracle: what does the clock on the wall show, minute by minute? ------------------------------------------


@cache
def wall(zone: ZoneInfo, minute: int) -> tuple[date, int]:
    """What a clock on the wall shows so many minutes after 1970: its date and the minute of its day. Remembered, since
    all cases lie around the same few days.
    """
    local = datetime.fromtimestamp(minute * 60, zone)
    return local.date(), local.hour * 60 + local.minute


class Walker:
    """Goes through a calendar minute by minute, and knows of each whether work is done."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.days: dict[date, bytearray] = {}

    def is_open(self, minute: int) -> bool:
        day, at = wall(self.calendar.zone, minute)
        if day not in self.days:
            self.days[day] = self.minutes_of(day)
        return bool(self.days[day][at])

    def minutes_of(self, day: date) -> bytearray:
        """Each minute between the midnights of a date: 1 where it counts."""
        minutes, week = bytearray(1440), self.calendar.week
        if day in self.calendar.dates:
            shifts = [(hours.opens, hours.closes) for hours in self.calendar.dates[day]]
        else:
            yesterday = 7 if day.isoweekday() == 1 else day.isoweekday() - 1
            shifts = [(hours.opens, hours.closes) for hours in week.get(day.isoweekday(), ())]
            shifts += [(0, hours.closes - 1440) for hours in week.get(yesterday, ())]
        for opens, closes in shifts:
            for minute in range(opens, min(closes, 1440)):
                minutes[minute] = 1
        return minutes


def counts(calendar: Calendar, at: datetime) -> bool:
    return Walker(calendar).is_open(since_1970(at))


def since_1970(at: datetime) -> int:
    return int(at.timestamp() // 60)


def walked(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    walker = Walker(calendar)
    return MINUTE * sum(walker.is_open(minute) for minute in range(since_1970(start), since_1970(end)))


def walked_to(calendar: Calendar, start: datetime, working: timedelta, most: int) -> datetime | None:
    """When `working` time has passed; None if not within `most` minutes."""
    walker, minute, left = Walker(calendar), since_1970(start), working // MINUTE
    for _ in range(most):
        if not left:
            break
        left -= walker.is_open(minute)
        minute += 1
    return None if left else datetime.fromtimestamp(minute * 60, UTC)


@st.composite
def calendars(draw: st.DrawFn, zone: str, near: date) -> Calendar:
    def shifts(latest: int) -> list[Hours]:
        marks = sorted(draw(st.sets(st.integers(0, latest // 15), max_size=4)))
        return [Hours(a * 15, b * 15) for a, b in zip(marks[::2], marks[1::2], strict=False) if a < 96]

    days = {day: shifts(1440) for day in range(1, 8) if draw(st.booleans())}
    if draw(st.booleans()):  # a night shift, where the next morning is free
        day = draw(st.integers(1, 7))
        days[day] = [Hours(1320, 1320 + 15 * draw(st.integers(1, 60)))]
        days[day % 7 + 1] = []
    if not any(days.values()):
        days = {draw(st.integers(1, 7)): [ALL_DAY]}
    dates = {near + timedelta(days=draw(st.integers(-2, 3))): shifts(1440) for _ in range(draw(st.integers(0, 2)))}
    return Calendar(ZoneInfo(zone), days, dates)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Calendar, datetime, datetime]:
    zone = draw(st.sampled_from(sorted(DST_DAYS)))
    near = draw(st.sampled_from(DST_DAYS[zone]))
    begin = datetime.combine(near, time(), UTC) - timedelta(days=2)
    start = begin + MINUTE * draw(st.integers(0, 2 * 1440))
    return draw(calendars(zone, near)), start, start + MINUTE * draw(st.integers(0, 3 * 1440))


@settings(max_examples=EXAMPLES, deadline=None)
@given(cases())
def test_elapsed_is_what_a_clock_on_the_wall_counts(case):
    calendar, start, end = case
    assert calendar.elapsed(start, end) == walked(calendar, start, end)


@settings(max_examples=EXAMPLES, deadline=None)
@given(cases(), st.integers(0, 2 * 1440))
def test_add_arrives_when_the_clock_on_the_wall_does(case, minutes):
    calendar, start, _ = case
    working = MINUTE * minutes
    expected = walked_to(calendar, start, working, 4 * 1440)
    if expected is None:
        assert calendar.elapsed(start, start + timedelta(days=4)) < working
    else:
        assert calendar.add(start, working) == expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(cases(), st.integers(0, 10**10))
def test_add_and_elapsed_agree_to_the_microsecond(case, microseconds):
    calendar, start, _ = case
    working = timedelta(microseconds=microseconds)
    assert calendar.elapsed(start, calendar.add(start, working)) == working


@settings(max_examples=EXAMPLES, deadline=None)
@given(cases())
def test_a_moment_is_open_when_it_lies_in_a_span(case):
    calendar, start, end = case
    is_inside = any(opens <= start < closes for opens, closes in calendar.spans(start, max(end, start + MINUTE)))
    assert calendar.is_open(start) == is_inside == counts(calendar, start)


# Somebody else's arithmetic, where it is right: days without a change of the clocks ----------------------------


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 60 * 24 * 60), st.integers(0, 30 * 24 * 60), st.integers(1, 200 * 60))
def test_it_agrees_with_businesstimedelta(since, length, minutes):
    calendar = Calendar(ZoneInfo("UTC"), week(Hours(540, 720), Hours(780, 1050)))
    rules = businesstimedelta.Rules(
        [
            businesstimedelta.WorkDayRule(time(9), time(17, 30), [0, 1, 2, 3, 4]),
            businesstimedelta.LunchTimeRule(time(12), time(13), [0, 1, 2, 3, 4]),
        ]
    )
    start = datetime(2024, 5, 1, tzinfo=UTC) + MINUTE * since

    theirs = rules.difference(start, start + MINUTE * length)
    assert calendar.elapsed(start, start + MINUTE * length) == timedelta(hours=theirs.hours, seconds=theirs.seconds)
    due = start + businesstimedelta.BusinessTimeDelta(rules, seconds=minutes * 60)
    assert calendar.add(start, MINUTE * minutes) == due


# What people ask about -----------------------------------------------------------------------------------------


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        ("Europe/Berlin", "2024-03-31T00:00", 23),
        ("Europe/Berlin", "2024-10-27T00:00", 25),
        ("America/New_York", "2024-03-10T00:00", 23),
        ("America/New_York", "2024-11-03T00:00", 25),
        ("Australia/Lord_Howe", "2024-10-06T00:00", 23.5),
        ("Australia/Lord_Howe", "2024-04-07T00:00", 24.5),
        ("Africa/Cairo", "2024-04-25T12:00", 23),
        ("Africa/Cairo", "2024-10-31T00:00", 25),
        ("America/Sao_Paulo", "2018-11-03T12:00", 23),
        ("America/Sao_Paulo", "2018-02-17T00:00", 25),
    ],
)
def test_a_day_on_which_the_clocks_change_has_its_real_length(zone, start, hours):
    place = ZoneInfo(zone)
    since = at(start, place)
    until = datetime.combine(since.date() + timedelta(days=1), since.time(), place)
    assert Calendar(place, ALWAYS).elapsed(since, until) == timedelta(hours=hours)


def test_round_the_clock_loses_no_minute_at_midnight():
    calendar = Calendar(BERLIN, ALWAYS)
    start = at("2024-05-31T23:59:30").astimezone(UTC)
    assert calendar.elapsed(start, start + timedelta(days=400)) == timedelta(days=400)
    assert calendar.add(start, timedelta(hours=48)) == start + timedelta(hours=48)
    assert len(list(calendar.spans(start, start + timedelta(days=400)))) == 1


def test_a_start_outside_working_hours_counts_from_the_next_opening():
    calendar = Calendar(BERLIN, week(OFFICE))
    assert calendar.add(at("2024-05-31T20:00"), timedelta(hours=2)) == at("2024-06-03T11:00")  # Friday evening
    assert calendar.add(at("2024-06-03T15:00"), timedelta(hours=2)) == at("2024-06-03T17:00")  # not the next morning
    assert calendar.elapsed(at("2024-06-01T00:00"), at("2024-06-03T09:00")) == timedelta()


def test_a_holiday_at_the_edge_and_a_half_day():
    calendar = Calendar(
        BERLIN, week(OFFICE), {date(2024, 12, 24): (Hours(540, 720),), date(2024, 12, 25): (), date(2024, 12, 26): ()}
    )
    assert calendar.add(at("2024-12-24T11:00"), timedelta(hours=1)) == at("2024-12-24T12:00")
    assert calendar.add(at("2024-12-24T11:00"), timedelta(hours=2)) == at("2024-12-27T10:00")
    assert calendar.elapsed(at("2024-12-25T00:00"), at("2024-12-27T00:00")) == timedelta()


def test_a_night_shift_ends_where_a_holiday_begins():
    calendar = Calendar(BERLIN, week(NIGHT), {date(2024, 5, 1): ()})  # a Wednesday
    assert calendar.elapsed(at("2024-04-30T20:00"), at("2024-05-02T00:00")) == timedelta(hours=2)


def test_a_leap_day_is_a_day():
    calendar = Calendar(BERLIN, week(OFFICE))
    assert calendar.elapsed(at("2024-02-28T00:00"), at("2024-03-02T00:00")) == timedelta(hours=24)


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ({}, "A calendar needs hours on at least one day of the week."),
        ({1: ()}, "A calendar needs hours on at least one day of the week."),
        ({1: (Hours(540, 720), Hours(660, 1020))}, "Hours overlap on Monday: 09:00–12:00 and 11:00–17:00."),
        ({1: (NIGHT,), 2: (Hours(300, 600),)}, "Hours overlap on Tuesday: 00:00–06:00 and 05:00–10:00."),
        ({7: (NIGHT,), 1: (Hours(300, 600),)}, "Hours overlap on Monday: 00:00–06:00 and 05:00–10:00."),
        ({8: (OFFICE,)}, "There is no weekday 8."),
    ],
)
def test_a_week_that_cannot_be_is_refused(days, sentence):
    with pytest.raises(CalendarError) as refusal:
        Calendar(BERLIN, days)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("opens", "closes", "sentence"),
    [
        (600, 600, "Hours end after they begin: not 10:00–10:00."),
        (600, 540, "Hours end after they begin: not 10:00–09:00."),
        (600, 2041, "Hours are at most 24 in a row: not 10:00–10:01."),
        (1440, 1500, "Hours begin between 00:00 and 23:59."),
    ],
)
def test_hours_that_cannot_be_are_refused(opens, closes, sentence):
    with pytest.raises(CalendarError) as refusal:
        Hours(opens, closes)
    assert str(refusal.value) == sentence


def test_a_calendar_whose_every_day_is_closed_says_so():
    closed = {date(2024, 1, 1) + timedelta(days=number): () for number in range(366 * 7)}
    with pytest.raises(CalendarError, match="no working time for years"):
        Calendar(BERLIN, week(OFFICE), closed).add(at("2024-01-01T00:00"), MINUTE)


def test_the_cost_follows_the_days():
    """A day is looked at once, whatever it holds."""
    seen: list[date] = []

    class Counting(Calendar):
        def hours_on(self, day: date) -> tuple[Hours, ...]:
            seen.append(day)
            return tuple(super().hours_on(day))

    Counting(BERLIN, week(OFFICE)).elapsed(at("2024-01-01T00:00"), at("2026-01-01T00:00"))
    assert len(seen) <= 2 * 366 + 10


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", []),
        ("09:00–12:00, 13:00–17:30", [Hours(540, 720), Hours(780, 1050)]),
        ("9-17", [Hours(540, 1020)]),
        ("22.00 - 06.00", [NIGHT]),
        ("0:00—24:00", [ALL_DAY]),
        ("18:00–06:00", [Hours(1080, 1800)]),
        ("09:00–00:00", [Hours(540, 1440)]),
    ],
)
def test_hours_are_read_as_people_write_them(text, hours):
    assert read_hours(text) == hours
    assert read_hours(", ".join(map(str, hours))) == hours


NIGHT_OF = (
    "{0}–{1} would be {2} hours, through the night. If that is meant, write {0}–24:00, and 00:00–{1} on the next day."
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nine to five", "Write hours as 09:00–17:00, several with a comma between: not “nine to five”."),
        ("09:00", "Write hours as 09:00–17:00, several with a comma between: not “09:00”."),
        ("25:00–26:00", "There is no such time of day: “25:00–26:00”."),
        ("09:61–10:00", "There is no such time of day: “09:61–10:00”."),
        ("09:00–09:00", "Hours end after they begin: not 09:00–09:00."),
        ("9-5", NIGHT_OF.format("09:00", "05:00", 20)),
        ("17:00–09:00", NIGHT_OF.format("17:00", "09:00", 16)),
    ],
)
def test_what_is_no_hours_is_explained(text, sentence):
    with pytest.raises(CalendarError) as refusal:
        read_hours(text)
    assert str(refusal.value) == sentence
