"""Tokens: made and revoked in the browser, shown once, and at the door of the API."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from alignment.ops.models import AuditEntry
from alignment.people import tokens
from alignment.people.models import ApiToken, Role, Scope
from tests.api.asking import Api, api, make_token, problem
from tests.factories import make_lead, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    user = make_user(Role.MARKETER)
    client.force_login(user)
    return user


def make_in_browser(client, **fields):
    form = {"name": "Website", "scopes": ["read"], "days": "90"} | fields
    return client.post(reverse("account_tokens"), form)


def test_a_token_is_shown_once_and_works(client, user):
    page = make_in_browser(client).content.decode()
    [text] = set(re.findall(r"accord_[0-9a-f]{64}", page))

    assert Api(text).get("me/").json()["user"] == user.pk
    assert text not in client.get(reverse("account_tokens")).content.decode()
    token = ApiToken.objects.get()
    assert text not in (token.digest, token.token_key)
    assert token.expiry - timezone.now() > timedelta(days=89)
    entry = AuditEntry.objects.get(action="apitoken_changed")
    assert (entry.actor_id, entry.subject_id) == (user.pk, token.pk)


def test_the_list_says_what_each_token_is_for_and_when_it_was_used(client, user):
    text = make_token(user, Scope.READ, Scope.LEADS)
    page = client.get(reverse("account_tokens")).content.decode()
    assert "leads:write, read" in page
    assert "Never" in page

    Api(text).get("me/")
    assert "Never" not in client.get(reverse("account_tokens")).content.decode()


def test_a_revoked_token_is_dead_at_once_and_stays_on_the_list(client, user):
    asking = Api(make_token(user))
    token = ApiToken.objects.get()
    client.post(reverse("account_token_revoke", args=[token.pk]))

    assert "revoked" in problem(asking.get("me/"), 401)["detail"]
    assert "Revoked" in client.get(reverse("account_tokens")).content.decode()


def test_nobody_revokes_the_token_of_somebody_else(client, user):
    make_token(make_user())
    token = ApiToken.objects.get()

    page = client.post(reverse("account_token_revoke", args=[token.pk]), follow=True)
    assert "You have no such token" in page.content.decode()
    assert ApiToken.objects.get().revoked_at is None


def test_revops_sees_everybodys_tokens_and_revokes_them(client, django_assert_num_queries):
    maker = make_user(name="Ada Okafor")
    asking = Api(make_token(maker))
    token = ApiToken.objects.get()
    boss = make_user(Role.REVOPS)
    client.force_login(boss)
    page = client.get(reverse("setup_tokens")).content.decode()
    assert "Ada Okafor" in page
    assert token.digest not in page

    page = client.post(reverse("setup_token_revoke", args=[token.pk]), follow=True).content.decode()
    assert "of Ada Okafor is revoked" in page
    assert "revoked" in problem(asking.get("me/"), 401)["detail"]
    entry = AuditEntry.objects.filter(action="apitoken_changed").latest("pk")
    assert (entry.actor_id, entry.subject_id) == (boss.pk, token.pk)

    for _ in range(3):
        make_token(make_user())
    with django_assert_num_queries(5):
        client.get(reverse("setup_tokens"))


def test_only_revops_may_see_or_revoke_the_tokens_of_others(client, user):
    make_token(make_user())
    token = ApiToken.objects.get()

    assert client.get(reverse("setup_tokens")).status_code == 403
    assert client.post(reverse("setup_token_revoke", args=[token.pk])).status_code == 403
    assert ApiToken.objects.get().revoked_at is None


def test_a_form_without_a_scope_says_so(client, user):
    response = make_in_browser(client, scopes=[])

    assert response.status_code == 422
    assert "Choose at least one" in response.content.decode()
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("said", [None, "", "Bearer", "Bearer a b", "Bearer nothing", "Bearer \xff\xfe", "Basic eDp5"])
def test_without_a_token_of_ours_there_is_only_a_401(said):
    response = Api().get("leads/", **({"Authorization": said} if said is not None else {}))

    problem(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_session_does_not_count(client, user):
    assert client.get("/api/v1/leads/").status_code == 401


def test_an_expired_token_is_told_so():
    asking = api()
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    assert "expired" in problem(asking.get("me/"), 401)["detail"]


def test_who_was_deactivated_cannot_use_a_token_any_more():
    user = make_user(Role.MARKETER)
    asking = api(user=user)
    user.is_active = False
    user.save()

    problem(asking.get("me/"), 401)


def test_the_demo_people_are_nobody_outside_the_demo(settings):
    asking = api(user=make_user(email="rep@accord.example"))
    assert problem(asking.get("me/"), 401)
    settings.DEMO = True
    assert asking.get("me/").status_code == 200


@pytest.mark.parametrize(
    ("scope", "allowed"), [("read", "read"), ("leads:write", "lead"), ("activities:write", "activity")]
)
def test_a_token_does_what_its_scope_says(scope, allowed):
    lead = make_lead()
    asking = api(Role.REVOPS, scope)
    asked = {
        "read": asking.get("leads/"),
        "lead": asking.post("leads/", {"name": "Ada"}),
        "activity": asking.post("activities/", {"activities": [{"lead": lead.pk, "activity": "emailed"}]}),
        "admin": asking.post(f"leads/{lead.pk}/assign/", {"owner": None}),
    }

    assert {name for name, response in asked.items() if response.status_code < 300} == {allowed}
    refused = [response for name, response in asked.items() if name != allowed]
    assert {problem(response, 403)["type"] for response in refused} == {"urn:accord:problem:scope"}


def test_a_token_never_does_more_than_its_user_may():
    asking = api(Role.EXECUTIVE)

    assert asking.get("leads/").status_code == 200
    assert "may add leads" in problem(asking.post("leads/", {"name": "Ada"}), 403)["detail"]


def test_a_token_has_at_least_one_scope_that_exists():
    with pytest.raises(Exception, match="token_scopes_known"):
        tokens.make(user=make_user(), name="Test", scopes=["everything"], days=1)
