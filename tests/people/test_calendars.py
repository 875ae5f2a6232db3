"""Stored calendars: what may be stored, and arithmetic in sets that agrees with the pure one."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment.lib.business_time import Calendar, Hours
from alignment.ops.models import AuditEntry
from alignment.people import calendars
from alignment.people.calendars import Due
from alignment.people.models import Company, Role, WorkingCalendar
from tests.factories import make_calendar, make_user

pytestmark = pytest.mark.django_db

NIGHTS = {day: (Hours(1320, 1800),) for day in range(1, 8)}
BERLIN = ZoneInfo("Europe/Berlin")


def pure(calendar: WorkingCalendar) -> Calendar:
    return calendars.load([calendar.pk])[calendar.pk]


def test_public_holidays_and_own_dates_close_a_calendar():
    calendar = make_calendar(country="DE", subdivision="BE")
    calendars.set_date(
        calendar_id=calendar.pk, falls_on=date(2026, 12, 24), name="Christmas Eve", hours=Hours(540, 720)
    )
    # Women's Day is a holiday in Berlin, but this company works.
    calendars.set_date(calendar_id=calendar.pk, falls_on=date(2027, 3, 8), hours=Hours(540, 1020))
    known = pure(calendar)

    def worked(day: date) -> timedelta:
        midnight = datetime(day.year, day.month, day.day, tzinfo=BERLIN)
        return known.elapsed(midnight, midnight + timedelta(days=1))

    assert worked(date(2026, 12, 23)) == timedelta(hours=7)
    assert worked(date(2026, 12, 24)) == timedelta(hours=3)
    assert worked(date(2026, 12, 25)) == timedelta()
    assert worked(date(2027, 3, 8)) == timedelta(hours=8)


@pytest.mark.parametrize(
    ("week", "sentence"),
    [
        ({}, "A calendar needs hours on at least one day of the week."),
        ({1: (Hours(540, 720), Hours(700, 1020))}, "Hours overlap on Monday: 09:00–12:00 and 11:40–17:00."),
    ],
)
def test_a_week_that_cannot_be_is_not_stored(week, sentence):
    calendar = make_calendar()
    for write in (
        lambda: make_calendar("Other", week),
        lambda: calendars.change(calendar_id=calendar.pk, facts={}, week=week),
    ):
        with pytest.raises(ValidationError) as refusal:
            write()
        assert refusal.value.messages == [sentence]
    assert WorkingCalendar.objects.count() == 1
    assert pure(calendar).is_open(datetime(2026, 6, 1, 10, tzinfo=BERLIN))


def test_what_is_changed_is_in_the_audit_log():
    admin = make_user(Role.REVOPS)
    calendar = make_calendar()
    calendars.change(
        calendar_id=calendar.pk, facts={"time_zone": "Europe/Lisbon"}, week=calendars.week_of(calendar), by=admin
    )

    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.subject_id) == ("workingcalendar_changed", admin, calendar.pk)
    assert entry.detail == {"time_zone": ["Europe/Berlin", "Europe/Lisbon"]}


def test_a_calendar_in_use_is_not_retired():
    calendar = make_calendar()
    person = make_user(calendar=calendar)
    with pytest.raises(ValidationError, match="Somebody works by this calendar"):
        calendars.retire(calendar_id=calendar.pk)
    person.is_active = False
    person.save()
    Company.objects.update(calendar=calendar)
    with pytest.raises(ValidationError, match="The company works by this calendar"):
        calendars.retire(calendar_id=calendar.pk)
    Company.objects.update(calendar=None)
    assert calendars.retire(calendar_id=calendar.pk).retired_at
    assert calendars.take_up(calendar_id=calendar.pk).retired_at is None


# Arithmetic in sets -------------------------------------------------------------------------------------------

moments = st.timedeltas(timedelta(), timedelta(days=1827)).map(lambda since: datetime(2024, 1, 1, tzinfo=UTC) + since)
spans = st.integers(0, 60 * 24 * 3600 * 10**6).map(lambda micro: timedelta(microseconds=micro))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 1]), moments, spans), min_size=1, max_size=30))
def test_due_times_in_sets_are_those_of_the_pure_calendar(asked):
    rows = WorkingCalendar.objects.order_by("name")
    made = list(rows) or [make_calendar("A", country="DE"), make_calendar("B", NIGHTS, time_zone="Africa/Cairo")]
    known = calendars.load([row.pk for row in made])
    questions = [Due(made[which].pk, start, working) for which, start, working in asked]

    assert calendars.due_at(asked=questions) == [
        known[each.calendar_id].add(each.start, each.working) for each in questions
    ]


@settings(max_examples=60, deadline=None)
@given(moments, moments)
def test_elapsed_in_sql_is_that_of_the_pure_calendar(since, until):
    calendar = WorkingCalendar.objects.first() or make_calendar("A", country="DE")
    calendars.cover(calendar_ids=[calendar.pk], since=min(since, until), until=max(since, until))
    with connection.cursor() as cursor:
        cursor.execute("SELECT accord_working_between(%s, %s, %s)", [calendar.pk, since, until])
        [micro] = cursor.fetchone()
    assert timedelta(microseconds=micro) == pure(calendar).elapsed(since, until)


def test_what_the_spans_do_not_reach_is_not_answered():
    calendar = make_calendar()
    with connection.cursor() as cursor:
        cursor.execute("SELECT accord_working_until(%s, '1995-01-01', 1)", [calendar.pk])
        assert cursor.fetchone() == (None,)
    old = datetime(1995, 1, 2, 8, tzinfo=UTC)
    assert calendars.due_at(asked=[Due(calendar.pk, old, timedelta(hours=1))]) == [old + timedelta(hours=1)]


def test_one_question_and_a_thousand_cost_the_same(django_assert_num_queries):
    calendar = make_calendar()
    start = datetime(2026, 6, 1, 12, tzinfo=UTC)
    for count in (1, 1_000):
        asked = [Due(calendar.pk, start + timedelta(minutes=number), timedelta(hours=8)) for number in range(count)]
        with django_assert_num_queries(4):  # a savepoint and its release; is it covered; the answers
            assert len(calendars.due_at(asked=asked)) == count


def test_spans_follow_a_change():
    calendar = make_calendar()
    asked = [Due(calendar.pk, datetime(2026, 6, 1, 8, tzinfo=BERLIN), timedelta(hours=2))]
    assert calendars.due_at(asked=asked) == [datetime(2026, 6, 1, 11, tzinfo=BERLIN)]
    calendars.set_date(calendar_id=calendar.pk, falls_on=date(2026, 6, 1), name="Works outing")
    assert calendars.due_at(asked=asked) == [datetime(2026, 6, 2, 11, tzinfo=BERLIN)]
    own = calendar.dates.get()
    calendars.forget_date(calendar_id=calendar.pk, date_id=own.pk)
    assert calendars.due_at(asked=asked) == [datetime(2026, 6, 1, 11, tzinfo=BERLIN)]


def test_a_year_without_work_is_looked_past():
    calendar = make_calendar(week={7: (Hours(540, 600),)})
    for number in range(60):
        calendars.set_date(calendar_id=calendar.pk, falls_on=date(2026, 6, 7) + timedelta(weeks=number))
    start = datetime(2026, 6, 1, tzinfo=UTC)
    [due] = calendars.due_at(asked=[Due(calendar.pk, start, timedelta(hours=1))])
    assert due == pure(calendar).add(start, timedelta(hours=1))
    assert due > start + timedelta(weeks=60)
