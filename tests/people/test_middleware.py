"""Closed by default, and where strangers are sent."""

import pytest
from django.http import HttpResponse
from django.template import Context, Template
from django.urls import include, path, reverse
from django.utils import timezone

from alignment.people.models import Company, Role
from alignment.people.permissions import policy
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@policy("public")
def zone(request):
    return HttpResponse(timezone.get_current_timezone_name())


urlpatterns = [
    path("zone/", zone, name="zone"),
    path("forgotten/", lambda request: HttpResponse("secret"), name="forgotten"),
    path("", include("alignment.urls")),
]


@pytest.fixture
def admin():
    return make_user(Role.REVOPS)


def test_a_view_without_a_policy_is_refused_to_everyone(client, admin, settings):
    settings.ROOT_URLCONF = __name__
    client.force_login(admin)

    assert client.get("/forgotten/").status_code == 403


def test_a_stranger_signs_in_and_comes_back(client, admin):
    response = client.get("/account/me/?tab=1")

    assert response.status_code == 302
    assert response.url == "/account/login/?next=/account/me/%3Ftab%3D1"


def test_a_strangers_post_is_not_repeated_after_sign_in(client, admin):
    assert client.post("/account/me/").url == "/account/login/"


def test_htmx_is_told_to_leave_the_page(client, admin):
    response = client.get("/account/me/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/queue/"})

    assert response.status_code == 200
    assert response.headers["HX-Redirect"] == "/account/login/?next=/queue/"


def test_while_nobody_has_a_login_everything_leads_to_the_welcome_page(client):
    response = client.get(reverse("setup_people"), follow=True)

    assert response.redirect_chain[-1][0] == reverse("welcome")
    assert response.status_code == 200


def test_a_refusal_says_who_may(client):
    client.force_login(make_user(Role.REP))

    response = client.get(reverse("setup_people"))

    assert response.status_code == 403
    assert "Only a RevOps admin may manage people and teams." in response.content.decode()


def test_who_is_deactivated_is_out_at_the_next_request(client, admin):
    rep = make_user(Role.REP)
    client.force_login(rep)
    rep.is_active = False
    rep.save()

    assert client.get(reverse("account_me")).url.startswith(reverse("account_login"))


def test_pages_tell_time_in_the_readers_zone_else_the_companys(client, settings):
    settings.ROOT_URLCONF = __name__
    Company.objects.update(time_zone="America/Sao_Paulo")
    assert client.get("/zone/").content == b"UTC"

    client.force_login(make_user())
    assert client.get("/zone/").content == b"America/Sao_Paulo"

    client.force_login(make_user(time_zone="Europe/Berlin"))
    assert client.get("/zone/").content == b"Europe/Berlin"
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_request_reads_user_team_and_zone_in_one_query(client, django_assert_num_queries):
    client.force_login(make_user(Role.REP))

    with django_assert_num_queries(4):  # session; user with team and zone; the two counts of the shell
        client.get(reverse("setup_people"))


def test_templates_ask_the_same_table():
    user = make_user(Role.REP)
    template = Template(
        '{% if user|can:"lead.touch" %}a{% endif %}{% can "lead.correct" as may %}{% if may %}b{% endif %}'
    )

    assert template.render(Context({"user": user})) == "a"


@pytest.mark.parametrize(
    ("came_from", "back"),
    [
        ("http://testserver/account/me/?tab=1", "?next=/account/me/%3Ftab%3D1"),
        ("https://evil.example/account/me/", ""),
        ("http://testserver.evil.example/", ""),
        ("", ""),
    ],
)
def test_a_form_that_was_sent_after_the_session_ended_leads_back_to_its_page(client, came_from, back):
    answer = client.post(reverse("setup_company"), {"name": "Typed"}, headers={"Referer": came_from})
    assert answer.url == f"/account/login/{back}"
