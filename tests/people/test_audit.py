"""Who changed whose rights is in the audit log, without personal data."""

import pytest
from django.urls import reverse

from alignment.ops.models import AuditEntry
from alignment.people.models import Company, Role
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def revops(client):
    person = make_user(Role.REVOPS)
    client.force_login(person)
    return person


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("pk"))


def test_a_changed_role_says_who_changed_what(client, revops):
    person = make_user(Role.REP)
    form = {"name": person.name, "email": person.email, "role": "manager", "team": person.team_id}
    client.post(reverse("setup_person", args=[person.pk]), form)
    [entry] = entries("role_changed")
    assert (entry.actor, entry.subject_id, entry.detail) == (revops, person.pk, {"role": ["rep", "manager"]})


def test_a_changed_name_is_told_without_the_name(client, revops):
    person = make_user(Role.REP)
    form = {"name": "Somebody Else", "email": person.email, "role": "rep", "team": person.team_id}
    client.post(reverse("setup_person", args=[person.pk]), form)
    [entry] = entries("user_changed")
    assert entry.detail == {"name": None}


def test_deactivating_is_told(client, revops):
    person = make_user(Role.REP)
    client.post(reverse("setup_person_active", args=[person.pk]))
    assert [entry.detail for entry in entries("user_changed")] == [{"is_active": [True, False]}]


def test_company_settings_are_told(client, revops):
    company = Company.get()
    form = {
        "name": company.name, "time_zone": "Europe/Berlin", "currency": "CHF", "week_start": 1,
        "fiscal_year_start_month": 1,
    }  # fmt: skip
    client.post(reverse("setup_company"), form)
    [entry] = entries("company_changed")
    assert entry.detail == {"time_zone": ["UTC", "Europe/Berlin"], "currency": ["EUR", "CHF"]}


def test_signing_in_and_out_and_failing_to_is_told(client):
    person = make_user(Role.REP)
    client.post(reverse("account_login"), {"login": person.email, "password": "wrong"})
    client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    client.post(reverse("account_logout"))
    assert [(entry.action, entry.actor_id) for entry in AuditEntry.objects.order_by("pk")] == [
        ("login_failed", None),
        ("logged_in", person.pk),
        ("logged_out", person.pk),
    ]
