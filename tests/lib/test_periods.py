"""Dates of the company become instants, whatever its clocks do; weeks, months and quarters cover every day once."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.lib import periods
from alignment.lib.periods import EARLIEST, LATEST, Period

MICROSECOND = timedelta(microseconds=1)
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "Africa/Cairo", "Asia/Beirut",
    "Asia/Kolkata", "Atlantic/Azores", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham",
)  # fmt: skip

days = st.dates(EARLIEST, LATEST)


@st.composite
def some_period(draw) -> Period:
    first = draw(st.dates(EARLIEST, date(2096, 1, 1)))
    return Period(first, first + timedelta(days=draw(st.integers(0, 1500))))


def test_a_period_refuses_what_is_no_period():
    with pytest.raises(ValueError, match="after the last"):
        Period(date(2020, 1, 2), date(2020, 1, 1))
    with pytest.raises(ValueError, match="1990 to 2100"):
        Period(date(1989, 12, 31), date(2020, 1, 1))
    with pytest.raises(ValueError, match="1990 to 2100"):
        Period(date(2020, 1, 1), date(2101, 1, 1))
    assert Period(EARLIEST, LATEST).days == 40_542


@given(days, st.sampled_from(ZONES))
def test_a_day_begins_where_the_day_before_ends(day, zone_name):
    zone = ZoneInfo(zone_name)
    begin = periods.midnight(day, zone)

    assert begin.tzinfo is UTC
    assert (begin - MICROSECOND).astimezone(zone).date() < day
    # Samoa had no 30 December 2011.
    assert begin.astimezone(zone).date() == day or (zone_name, day) == ("Pacific/Apia", date(2011, 12, 30))


@pytest.mark.parametrize(
    ("zone", "day", "begin", "hours"),
    [
        # Clocks go forward and back within the day.
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        # There is no midnight: the day begins at one.
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC), 23),
        # Midnight comes twice: the day begins with the first.
        ("America/Havana", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), datetime(2026, 4, 4, 13, tzinfo=UTC), 24.5),
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC), 0),
    ],
)
def test_days_on_which_clocks_change(zone, day, begin, hours):
    start, end = Period(day, day).instants(ZoneInfo(zone))

    assert (start, end - start) == (begin, timedelta(hours=hours))


@given(some_period(), st.integers(1, 12))
def test_parts_cover_a_period_without_gap_or_overlap(period, fiscal_start):
    for parts in (
        periods.months(period),
        periods.quarters(period, fiscal_start=fiscal_start),
        periods.years(period, fiscal_start=fiscal_start),
    ):
        assert (parts[0].first, parts[-1].last) == (period.first, period.last)
        assert all(after.first - before.last == timedelta(days=1) for before, after in pairwise(parts))
        assert all(part.first.day == 1 for part in parts[1:])
    assert all(
        (part.first.month - fiscal_start) % 3 == 0 for part in periods.quarters(period, fiscal_start=fiscal_start)[1:]
    )


@given(days, st.integers(1, 20), st.integers(1, 7))
def test_weeks_end_with_the_week_of_a_day(day, count, starts_on):
    found = periods.weeks(day, count, starts_on=starts_on)

    assert len(found) <= count
    assert all(week.days == 7 and week.first.isoweekday() == starts_on for week in found)
    assert all(after.first - before.last == timedelta(days=1) for before, after in pairwise(found))
    if EARLIEST + timedelta(weeks=count) <= day <= LATEST - timedelta(days=6):
        assert len(found) == count
        assert found[-1].first <= day <= found[-1].last


@given(some_period())
def test_the_period_before_is_as_long_and_adjacent(period):
    before = period.before()

    if before is None:
        assert period.first - timedelta(days=period.days) < EARLIEST
    else:
        assert (before.days, before.last) == (period.days, period.first - timedelta(days=1))


def test_what_people_ask_for():
    today = date(2026, 11, 23)

    assert periods.last_days(today, 90) == Period(date(2026, 8, 26), today)
    assert periods.last_months(today, 12) == Period(date(2025, 12, 1), today)
    assert periods.this_quarter(today, fiscal_start=1) == Period(date(2026, 10, 1), date(2026, 12, 31))
    assert periods.this_quarter(today, fiscal_start=2) == Period(date(2026, 11, 1), date(2027, 1, 31))


def test_a_period_reads_as_people_write_it():
    assert str(Period(date(2017, 6, 1), date(2018, 5, 31))) == "Jun 2017 – May 2018"
    assert str(Period(date(2018, 2, 1), date(2018, 2, 28))) == "Feb 2018"
    assert str(Period(date(2018, 2, 3), date(2018, 3, 1))) == "3 Feb – 1 Mar 2018"
    assert str(Period(date(2017, 12, 3), date(2018, 1, 31))) == "3 Dec 2017 – 31 Jan 2018"


def test_thirds_of_months_are_cut_to_the_period():
    period = Period(date(2026, 1, 15), date(2026, 2, 28))

    assert [(each.first.day, each.last.day) for each in periods.dekads(period)] == [
        (15, 20), (21, 31), (1, 10), (11, 20), (21, 28),
    ]  # fmt: skip


def test_a_period_within_a_third_of_a_month_is_one():
    for first, last in ((1, 10), (12, 19), (21, 30), (30, 30)):
        period = Period(date(2026, 4, first), date(2026, 4, last))
        assert periods.dekads(period) == [period]
