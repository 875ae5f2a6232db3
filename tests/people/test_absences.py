"""Who is away and who is at work; and the pages of both."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from alignment.lib.business_time import Hours
from alignment.ops.models import AuditEntry
from alignment.people import absences
from alignment.people.models import Absence, Company, Role, WorkingCalendar
from tests.factories import make_absence, make_calendar, make_user

pytestmark = pytest.mark.django_db


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


# Presence -----------------------------------------------------------------------------------------------------


def presence(user, at):
    return absences.presences([user.pk], at)[user.pk]


def test_days_away_count_in_the_zone_of_whoever_is_away():
    there = make_user(time_zone="Pacific/Auckland")
    make_absence(there, date(2026, 6, 1), days=1)

    assert presence(there, datetime(2026, 5, 31, 11, tzinfo=UTC)).is_here  # 23:00 the evening before
    assert presence(there, datetime(2026, 5, 31, 13, tzinfo=UTC)).away_until == date(2026, 6, 1)
    assert presence(there, datetime(2026, 6, 1, 11, tzinfo=UTC)).away_until == date(2026, 6, 1)
    assert presence(there, datetime(2026, 6, 1, 13, tzinfo=UTC)).is_here


def test_hours_are_those_of_the_own_calendar_else_the_companys():
    Company.objects.update(calendar=make_calendar(), time_zone="Europe/Berlin")
    early = make_calendar(week={1: (Hours(300, 600),)})
    at = datetime(2026, 6, 1, 6, tzinfo=UTC)  # Monday, 8:00 in Berlin
    by_company, by_own = make_user(), make_user(calendar=early)

    assert not presence(by_company, at).is_open
    assert presence(by_own, at).is_open
    Company.objects.update(calendar=None)
    assert presence(by_company, at).is_open


def test_presences_cost_the_same_for_more_people(django_assert_num_queries):
    people = [make_user(calendar=make_calendar()) for _ in range(5)]
    for person in people:
        make_absence(person)
    for some in (people[:1], people):
        with django_assert_num_queries(6):
            absences.presences([each.pk for each in some], timezone.now())


def test_nobody_is_away_twice_on_a_day():
    person = make_user()
    make_absence(person, date(2026, 6, 1), days=5)
    with pytest.raises(ValidationError, match="They are away on some of these days already"):
        make_absence(person, date(2026, 6, 5))
    make_absence(person, date(2026, 6, 6))
    make_absence(make_user(), date(2026, 6, 1))


def test_an_absence_that_has_begun_ends_today():
    person = make_user(time_zone="UTC")
    today = timezone.now().astimezone(UTC).date()
    absence = make_absence(person, today - timedelta(days=3), days=10)

    absences.cancel(absence_id=absence.pk)

    absence.refresh_from_db()
    assert (absence.first_on, absence.last_on) == (today - timedelta(days=3), today - timedelta(days=1))
    assert presence(person, timezone.now()).is_here


# Pages --------------------------------------------------------------------------------------------------------


def days(first_on=None, length=2):
    first_on = first_on or timezone.now().date() + timedelta(days=10)
    return {"first_on": first_on.isoformat(), "last_on": (first_on + timedelta(days=length)).isoformat()}


def test_people_plan_their_own_days_away(client):
    rep = make_user(name="Ravi Menon")
    client.force_login(rep)
    client.post(reverse("absences"), {"person": rep.pk, "note": "Wedding"} | days())

    absence = Absence.objects.get()
    assert (absence.user, absence.note, absence.planned_by) == (rep, "Wedding", rep)
    assert AuditEntry.objects.latest("pk").action == "absence_changed"
    assert "Wedding" in text(client.get(reverse("absences")))
    client.force_login(make_user())
    others = text(client.get(reverse("absences")))
    assert "Ravi Menon" in others
    assert "Wedding" not in others

    client.force_login(rep)
    client.post(reverse("absence_cancel", args=[absence.pk]))
    absence.refresh_from_db()
    assert absence.cancelled_at


def test_only_managers_and_revops_plan_for_others(client):
    rep, colleague = make_user(), make_user()
    for visitor, planned in ((rep, 0), (make_user(Role.MANAGER), 1)):
        client.force_login(visitor)
        client.post(reverse("absences"), {"person": colleague.pk} | days())
        assert Absence.objects.count() == planned
    client.force_login(rep)
    assert client.post(reverse("absence_cancel", args=[Absence.objects.get().pk])).status_code == 403


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"first_on": ""}, "This field is required."),
        ({"first_on": "2026-06-10", "last_on": "2026-06-01"}, "The last day comes before the first."),
        ({"last_on": "2036-06-01"}, "Three years at most"),
        ({"first_on": "soon"}, "Enter a valid date."),
    ],
)
def test_days_that_cannot_be_are_explained(client, given, sentence):
    rep = make_user()
    client.force_login(rep)
    assert sentence in text(client.post(reverse("absences"), {"person": rep.pk} | days() | given))
    assert not Absence.objects.exists()


WEEK = {f"day_{day}": "9-12, 13-17" for day in range(1, 6)} | {"day_6": "", "day_7": "22:00-06:00"}
FACTS = {"name": "Berlin", "time_zone": "Europe/Berlin", "country": "DE", "subdivision": "be"}


def test_a_calendar_is_made_and_changed_in_the_browser(client):
    client.force_login(make_user(Role.REVOPS))
    made = client.post(reverse("setup_calendar_new"), FACTS | WEEK)
    calendar = WorkingCalendar.objects.get()
    assert made.url == reverse("setup_calendar", args=[calendar.pk])
    assert calendar.hours.count() == 11
    page = text(client.get(made.url))
    assert 'value="09:00–12:00, 13:00–17:00"' in page
    assert "New Year" in page

    client.post(reverse("setup_calendar", args=[calendar.pk]), FACTS | WEEK | {"day_1": ""})
    assert calendar.hours.count() == 9

    client.post(
        reverse("setup_calendar_date", args=[calendar.pk]), {"falls_on": "2027-12-24", "hours": "9-12", "name": "Eve"}
    )
    own = calendar.dates.get()
    assert "24 Dec 2027" in text(client.get(made.url))
    client.post(reverse("setup_calendar_date_remove", args=[calendar.pk, own.pk]))
    assert not calendar.dates.exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"day_1": "nine to five"}, "Write hours as 09:00–17:00"),
        ({"day_1": "9-12, 11-17"}, "Hours overlap on Monday: 09:00–12:00 and 11:00–17:00."),
        ({f"day_{day}": "" for day in range(1, 8)}, "A calendar needs hours on at least one day of the week."),
        ({"day_1": "05:00-09:00"}, "Hours overlap on Monday: 00:00–06:00 and 05:00–09:00."),
        ({"subdivision": "ZZ"}, "Known for this country: BB, BE"),
        ({"country": "DK", "subdivision": "ZZ"}, "This country&#x27;s are the same everywhere."),
        ({"country": ""}, "Choose the country that it is a part of."),
        ({"time_zone": "Mars"}, "Select a valid choice."),
    ],
)
def test_a_calendar_that_cannot_be_is_explained(client, given, sentence):
    client.force_login(make_user(Role.REVOPS))
    assert sentence in text(client.post(reverse("setup_calendar_new"), FACTS | WEEK | given))
    assert not WorkingCalendar.objects.exists()


def test_the_list_of_calendars_costs_the_same_for_more(client, django_assert_max_num_queries):
    client.force_login(make_user(Role.REVOPS))
    for _ in range(3):
        make_calendar()
    with django_assert_max_num_queries(8):
        assert "Mon–Fri 09:00–12:00, 13:00–17:00" in text(client.get(reverse("setup_calendars")))


def test_a_person_gets_calendar_languages_and_limits(client):
    client.force_login(make_user(Role.REVOPS))
    rep, calendar = make_user(), make_calendar()
    facts = {"name": rep.name, "email": rep.email, "role": rep.role, "team": rep.team_id, "time_zone": ""}
    given = {"calendar": calendar.pk, "languages": "German, en", "weight": "50", "daily_cap": "8", "open_cap": ""}
    client.post(reverse("setup_person", args=[rep.pk]), facts | given)

    rep.refresh_from_db()
    assert (rep.calendar, rep.languages, rep.weight, rep.daily_cap, rep.open_cap) == (
        calendar,
        ["de", "en"],
        50,
        8,
        None,
    )
    page = text(client.get(reverse("setup_person", args=[rep.pk])))
    assert 'value="German, English"' in page
    wrong = client.post(reverse("setup_person", args=[rep.pk]), facts | given | {"languages": "Klingon"})
    assert "“klingon” is not a language such as German or de." in text(wrong)
