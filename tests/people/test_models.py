"""What the tables refuse to store."""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction

from alignment.lib.time_zones import zone_names
from alignment.people.models import Company, Role, Side, Team, User
from alignment.people.seed import seed_company
from tests.factories import make_imported_user, make_team, make_user

pytestmark = pytest.mark.django_db


def refused(make):
    with pytest.raises(IntegrityError), transaction.atomic():
        make()


def test_every_install_has_one_company_and_seeding_again_changes_nothing():
    Company.objects.update(name="Northwind")

    seed_company(using="default")

    assert Company.get().name == "Northwind"
    refused(lambda: Company.objects.create(pk=2))


@pytest.mark.parametrize(
    "wrong", [{"currency": "eur"}, {"week_start": 8}, {"week_start": 0}, {"fiscal_year_start_month": 13}]
)
def test_a_company_with_impossible_settings_is_refused(wrong):
    refused(lambda: Company.objects.update(**wrong))


@pytest.mark.parametrize("wrong", [{"time_zone": "Mars/Olympus"}, {"currency": "ABC"}])
def test_zone_and_currency_must_exist(wrong):
    company = Company.get()
    for name, value in wrong.items():
        setattr(company, name, value)

    with pytest.raises(ValidationError) as refusal:
        company.full_clean()

    assert set(refusal.value.error_dict) == set(wrong)


def test_zones_to_choose_from_are_places():
    assert {"UTC", "Europe/Berlin", "America/New_York"} <= set(zone_names())
    assert "Etc/GMT+3" not in zone_names()


def test_emails_are_unique_whatever_their_case():
    User.objects.create_user(name="Ana", email="Ana@Example.com", role=Role.REP)

    assert User.objects.get().email == "ana@example.com"
    refused(lambda: make_user(email="ana@example.com"))
    refused(lambda: User.objects.filter(email="ana@example.com").update(email="Ana@example.com"))


def test_many_people_have_no_email_but_each_their_external_id():
    make_imported_user(external_id="a")
    make_imported_user(external_id="b")

    refused(lambda: make_imported_user(external_id="a"))
    refused(lambda: User.objects.filter(external_id="b").update(external_id=""))
    refused(lambda: User.objects.filter(external_id="b").update(email=""))


def test_an_imported_person_has_no_login():
    imported = make_imported_user()
    colleague = make_user()
    make_user(password=None)

    assert not imported.has_usable_password()
    assert list(User.objects.with_login()) == [colleague]


def test_roles_sides_and_themes_are_known_ones():
    user, team = make_user(), make_team()

    refused(lambda: User.objects.filter(pk=user.pk).update(role="boss"))
    refused(lambda: User.objects.filter(pk=user.pk).update(theme="pink"))
    refused(lambda: Team.objects.filter(pk=team.pk).update(side="support"))


def test_team_names_are_unique_whatever_their_case():
    make_team(name="Iberia")

    refused(lambda: make_team(name="IBERIA"))


def test_side_comes_from_the_team():
    assert make_user(Role.MARKETER).side == Side.MARKETING
    assert make_user(Role.REVOPS).side is None


@pytest.mark.parametrize(("name", "initials"), [("Marina de Alves", "MA"), ("Prince", "P"), ("", "")])
def test_initials(name, initials):
    assert User(name=name).initials == initials


def test_createsuperuser_makes_a_revops_admin(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a good long password")
    call_command("createsuperuser", interactive=False, email="Ops@Example.com", name="Ops", verbosity=0)

    admin = User.objects.with_login().get(email="ops@example.com")
    assert admin.role == Role.REVOPS
    assert admin.check_password("a good long password")
