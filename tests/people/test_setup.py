"""The set-up pages, the first start and the own account, as a browser meets them."""

import re

import pytest
from django.contrib.auth import get_user
from django.urls import reverse
from django.utils import timezone

from alignment.people.models import Company, Role, Side, Team, User
from tests.factories import PASSWORD, make_imported_user, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    admin = make_user(Role.REVOPS, name="Tomas Novak")
    client.force_login(admin)
    return admin


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


# People -------------------------------------------------------------------------------------------------------


def test_the_list_shows_everybody_and_costs_the_same_for_more(client, admin, django_assert_max_num_queries):
    make_user(name="Júlia Rocha", team=make_team(name="Iberia"))
    make_user(name="Gone Away", is_active=False)
    make_imported_user(name="Old Owner")

    with django_assert_max_num_queries(5):  # session; user with team; two badges; people with teams
        page = text(client.get(reverse("setup_people")))

    for said in ("Júlia Rocha", "Iberia", "Gone Away", "Not active", "Old Owner", "No login"):
        assert said in page


def test_a_person_with_a_first_password_can_sign_in(client, admin):
    team = make_team()
    response = client.post(
        reverse("setup_person_new"),
        {"name": "Ana", "email": "Ana@Example.com", "role": "rep", "team": team.pk, "password": "quiet blue harbour"},
    )

    ana = User.objects.get(email="ana@example.com")
    assert response.url == reverse("setup_person", args=[ana.pk])
    assert (ana.role, ana.team, ana.check_password("quiet blue harbour")) == (Role.REP, team, True)


def test_a_person_without_one_gets_a_link(client, admin):
    client.post(reverse("setup_person_new"), {"name": "Ana", "email": "ana@example.com", "role": "executive"})
    ana = User.objects.get(email="ana@example.com")
    assert not ana.has_usable_password()

    page = text(client.post(reverse("setup_person_link", args=[ana.pk])))

    link = re.search(r'value="https?://[^/"]+(/account/password/[^"]+)"', page).group(1)
    assert "Set your password" in text(client.get(link, follow=True))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"email": "ANA@example.com"}, "Somebody has this e-mail already."),
        ({"email": "no address"}, "Enter a valid email address."),
        ({"email": ""}, "This field is required."),
        ({"team": ""}, "A rep belongs to a team."),
        ({"role": "boss"}, "boss is not one of the available choices"),
        ({"password": "12345"}, "This password is too short."),
        ({"name": ""}, "This field is required."),
    ],
)
def test_bad_input_for_a_person_is_explained(client, admin, wrong, sentence):
    make_user(email="ana@example.com")
    given = {"name": "Ben", "email": "ben@example.com", "role": "rep", "team": make_team().pk, "password": ""}

    page = text(client.post(reverse("setup_person_new"), given | wrong))

    assert sentence in page
    assert not User.objects.filter(name="Ben").exists()


def test_a_retired_team_is_no_choice_for_newcomers_but_stays_with_its_people(client, admin):
    team = make_team(name="Old team", retired_at=timezone.now())
    member = make_user(team=team)

    assert "Old team" not in text(client.get(reverse("setup_person_new")))
    assert "Old team" in text(client.get(reverse("setup_person", args=[member.pk])))


def test_a_person_is_changed(client, admin):
    rep, team = make_user(), make_team()

    client.post(
        reverse("setup_person", args=[rep.pk]),
        {"name": "New Name", "email": rep.email, "role": "manager", "team": team.pk, "time_zone": "Europe/Berlin"},
    )

    rep.refresh_from_db()
    assert (rep.name, rep.role, rep.team, rep.time_zone) == ("New Name", Role.MANAGER, team, "Europe/Berlin")


def test_an_imported_owner_may_stay_without_email_or_get_a_login(client, admin):
    owner, team = make_imported_user(), make_team()
    url, given = reverse("setup_person", args=[owner.pk]), {"name": "Owner", "role": "rep", "team": team.pk}

    client.post(url, given | {"email": ""})
    owner.refresh_from_db()
    assert (owner.name, owner.email) == ("Owner", None)

    client.post(url, given | {"email": "owner@example.com"})
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"


def test_the_last_admin_cannot_lock_themselves_out(client, admin):
    page = text(
        client.post(
            reverse("setup_person", args=[admin.pk]), {"name": admin.name, "email": admin.email, "role": "executive"}
        )
    )
    assert "This is the last RevOps admin who can sign in." in page

    page = text(client.post(reverse("setup_person_active", args=[admin.pk]), follow=True))
    assert "This is the last RevOps admin who can sign in." in page
    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == (Role.REVOPS, True)


def test_deactivating_and_activating(client, admin):
    rep = make_user()
    url = reverse("setup_person_active", args=[rep.pk])

    assert "cannot sign in" in text(client.post(url, follow=True))
    assert not User.objects.get(pk=rep.pk).is_active
    client.post(url)
    assert User.objects.get(pk=rep.pk).is_active


def test_revops_sets_a_new_password(client, admin):
    rep = make_user()
    url = reverse("setup_person_password", args=[rep.pk])

    assert "This password is too short." in text(client.post(url, {"password": "short"}))
    client.post(url, {"password": "quiet blue harbour"})

    rep.refresh_from_db()
    assert rep.check_password("quiet blue harbour")


# Teams and company --------------------------------------------------------------------------------------------


def test_teams_are_added_changed_retired_and_taken_up_again(client, admin):
    manager = make_user(Role.MANAGER, name="Grace Adeyemi")
    client.post(reverse("setup_team_new"), {"name": "Iberia", "side": "sales", "manager": manager.pk})
    team = Team.objects.get(name="Iberia")
    assert "Iberia" in text(client.get(reverse("setup_teams")))

    client.post(reverse("setup_team", args=[team.pk]), {"name": "Iberia", "side": "marketing", "manager": ""})
    team.refresh_from_db()
    assert (team.side, team.manager) == (Side.MARKETING, None)

    client.post(reverse("setup_team_retire", args=[team.pk]))
    assert "Retired" in text(client.get(reverse("setup_teams")))
    client.post(reverse("setup_team_retire", args=[team.pk]))
    team.refresh_from_db()
    assert team.retired_at is None


def test_a_second_team_of_a_name_is_explained(client, admin):
    make_team(name="Iberia")

    page = text(client.post(reverse("setup_team_new"), {"name": "iberia", "side": "sales"}))

    assert "A team of this name exists." in page


def test_the_list_of_teams_costs_the_same_for_more(client, admin, django_assert_max_num_queries):
    for _ in range(5):
        make_team(manager=make_user())

    with django_assert_max_num_queries(5):
        client.get(reverse("setup_teams"))


COMPANY = {
    "name": "Northwind",
    "time_zone": "America/Sao_Paulo",
    "currency": "BRL",
    "week_start": 7,
    "fiscal_year_start_month": 4,
    "marketing_head": "",
    "sales_head": "",
}


def test_the_company_is_changed(client, admin):
    head = make_user(Role.MANAGER)

    client.post(reverse("setup_company"), COMPANY | {"sales_head": head.pk})

    company = Company.get()
    assert (company.name, company.time_zone, company.currency) == ("Northwind", "America/Sao_Paulo", "BRL")
    assert (company.week_start, company.fiscal_year_start_month) == (7, 4)
    assert (company.marketing_head, company.sales_head) == (None, head)


def test_a_head_who_cannot_sign_in_is_shown_and_stays_when_the_rest_is_saved(client, admin):
    head = make_imported_user(name="Clara Hofer")
    Company.objects.update(marketing_head=head)

    page = client.get(reverse("setup_company")).content.decode()
    client.post(reverse("setup_company"), COMPANY | {"marketing_head": head.pk})

    assert f'<option value="{head.pk}" selected>Clara Hofer (cannot sign in)</option>' in page
    assert (Company.get().name, Company.get().marketing_head) == ("Northwind", head)
    assert "Clara Hofer" not in client.get(reverse("setup_team_new")).content.decode()


@pytest.mark.parametrize(
    "wrong", [{"time_zone": "Mars/Olympus"}, {"currency": "ABC"}, {"week_start": 8}, {"sales_head": 0}, {"name": ""}]
)
def test_bad_input_for_the_company_is_refused(client, admin, wrong):
    page = text(client.post(reverse("setup_company"), COMPANY | wrong))

    assert 'class="errors' in page
    assert Company.get().name == "Our company"


# First start --------------------------------------------------------------------------------------------------

FIRST = {
    "company_name": "Northwind",
    "name": "Olu Adebayo",
    "email": "Olu@Example.com",
    "password": "quiet blue harbour",
    "password_again": "quiet blue harbour",
}


def test_the_first_visitor_becomes_the_admin_and_is_signed_in(client):
    assert client.post(reverse("welcome"), FIRST).url == reverse("home")

    admin = get_user(client)
    assert (admin.email, admin.role, Company.get().name) == ("olu@example.com", Role.REVOPS, "Northwind")


def test_then_the_welcome_page_is_closed_for_good(client):
    make_user(Role.REVOPS)

    assert client.get(reverse("welcome")).url == reverse("home")
    assert client.post(reverse("welcome"), FIRST).url == reverse("home")
    assert not User.objects.filter(email="olu@example.com").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password_again": "another"}, "The two passwords differ."),
        ({"password": "short", "password_again": "short"}, "This password is too short."),
        ({"email": "nowhere"}, "Enter a valid email address."),
        ({"company_name": ""}, "This field is required."),
    ],
)
def test_bad_input_at_the_first_start_is_explained(client, wrong, sentence):
    assert sentence in text(client.post(reverse("welcome"), FIRST | wrong))
    assert not User.objects.exists()


# The own account ----------------------------------------------------------------------------------------------


def test_people_change_their_name_zone_theme_and_keys_and_nothing_else(client):
    rep = make_user()
    client.force_login(rep)

    client.post(
        reverse("account_me"),
        {"name": "New Name", "time_zone": "Europe/Berlin", "theme": "dark", "role": "revops", "email": "x@example.com"},
    )

    changed = User.objects.get(pk=rep.pk)
    assert (changed.name, changed.time_zone, changed.theme, changed.shortcuts) == (
        "New Name",
        "Europe/Berlin",
        "dark",
        False,
    )
    assert (changed.role, changed.email, changed.check_password(PASSWORD)) == (Role.REP, rep.email, True)


def test_the_theme_of_the_account_menu_is_kept(client):
    rep = make_user()
    client.force_login(rep)

    assert client.post(reverse("account_theme"), {"theme": "dark"}, headers={"HX-Request": "true"}).status_code == 204
    assert client.post(reverse("account_theme"), {"theme": "pink"}).status_code == 400
    assert User.objects.get(pk=rep.pk).theme == "dark"


def test_a_zone_that_does_not_exist_is_refused(client):
    rep = make_user()
    client.force_login(rep)

    client.post(reverse("account_me"), {"name": "X", "time_zone": "Mars/Olympus", "theme": "dark"})

    assert User.objects.get(pk=rep.pk).name == rep.name
