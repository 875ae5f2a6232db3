"""Limits of a token's requests and of what one may hold, and what a client that breaks a rule is told."""

from datetime import timedelta
from functools import partial

import pytest
from django.db.models import F

from alignment.people.models import ApiToken
from leads.models import Lead
from tests.api.asking import Api, api, make_token, pointers, problem
from tests.connections import at_once
from tests.factories import make_lead

MINUTE = timedelta(minutes=1)


@pytest.fixture
def limit(settings):
    settings.API_RATE = 3


@pytest.mark.django_db
class TestRate:
    def test_a_token_hears_how_much_is_left_and_then_when_to_come_again(self, limit):
        asking = api()
        left = [asking.get("me/")["RateLimit-Remaining"] for _ in range(3)]
        refused = asking.get("me/")

        assert left == ["2", "1", "0"]
        assert "3 requests" in problem(refused, 429)["detail"]
        assert 1 <= int(refused["Retry-After"]) <= 60
        assert (refused["RateLimit-Limit"], refused["RateLimit-Remaining"]) == ("3", "0")

    def test_a_minute_later_it_counts_anew(self, limit):
        asking = api()
        for _ in range(4):
            asking.get("me/")
        ApiToken.objects.update(window_at=F("window_at") - MINUTE)

        assert asking.get("me/")["RateLimit-Remaining"] == "2"

    def test_what_is_refused_counts_and_writes_nothing(self, limit):
        asking = api()
        for _ in range(3):
            problem(asking.post("leads/", {"name": ""}), 422)
        problem(asking.post("leads/", {"name": "Ada"}), 429)

        assert not Lead.objects.exists()

    def test_each_token_has_its_own_count(self, limit):
        for asking in (api(), api()):
            assert [asking.get("me/").status_code for _ in range(3)] == [200] * 3


@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_when_all_ask_at_once(settings):
    settings.API_RATE = 5
    token = make_token()
    answers = at_once(*[partial(Api(token).get, "me/")] * 12)

    assert sorted(response.status_code for response in answers) == [200] * 5 + [429] * 7
    assert ApiToken.objects.get().window_count == 12


@pytest.mark.django_db
class TestBadRequests:
    def test_a_body_that_is_too_large(self, settings):
        settings.API_BODY_BYTES = 1_000
        problem(api().post("leads/", {"name": "x" * 2_000}), 413)
        settings.API_BODY_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000, 1_000
        problem(api().post("leads/", {"name": "x" * 2_000}), 413)

    @pytest.mark.parametrize(
        "body", [b"{", b'{"name": NaN}', b'{"name": "\\ud800"}', b'{"name": "\xff"}', b"[" * 2_000, b'{"a": 1}}']
    )
    def test_a_body_that_is_no_json(self, body):
        response = api().client.post(
            "/api/v1/leads/", data=body, content_type="application/json",
            headers={"Authorization": f"Bearer {make_token()}"},
        )  # fmt: skip

        assert "not JSON" in problem(response, 400)["detail"]

    def test_a_body_of_another_kind(self):
        response = Api().client.post(
            "/api/v1/leads/", data={"name": "Ada"}, headers={"Authorization": f"Bearer {make_token()}"}
        )

        problem(response, 415)

    @pytest.mark.parametrize("body", [[], '"text"', 7, [{"name": "Ada"}]])
    def test_a_body_that_is_no_object(self, body):
        assert pointers(api().post("leads/", body)) == {""}

    def test_nul_is_refused_where_it_stands(self):
        assert pointers(api().post("leads/", {"name": "A\x00da"})) == {"/name"}
        assert pointers(api().get("leads/", {"q": "a\x00"})) == {"q"}

    def test_what_is_none_of_a_few_is_told_with_what_there_is(self):
        asked = problem(api().get("leads/", {"state": "blah"}), 422)["errors"]
        assert asked[0]["detail"].startswith("There is no “blah”. There are: open, waiting,")
        sent = problem(api().post("leads/", {"name": "Ada", "consent": "maybe"}), 422)["errors"]
        assert sent == [
            {"pointer": "/consent", "detail": "There is no “maybe”. There are: unknown, granted, withdrawn."}
        ]

    def test_an_address_that_does_not_exist(self):
        assert "schema" in problem(api().get("leeds/"), 404)["detail"]
        problem(api().post("leads/1/dance/"), 404)
        problem(api().get(""), 404)

    def test_a_method_that_does_not_exist(self):
        lead = make_lead()
        response = api().client.delete(f"/api/v1/leads/{lead.pk}/", headers={"Authorization": f"Bearer {make_token()}"})

        assert problem(response, 405)["detail"] == 'Method "DELETE" not allowed. It takes GET, PATCH.'
        assert "PATCH" in response["Allow"]
        assert Lead.objects.exists()


@pytest.mark.django_db
class TestConditional:
    def test_what_has_not_changed_is_not_sent_again(self):
        asking, lead = api(), make_lead()
        first = asking.get(f"leads/{lead.pk}/")
        assert asking.get(f"leads/{lead.pk}/", **{"If-None-Match": first["ETag"]}).status_code == 304

        asking.patch(f"leads/{lead.pk}/", {"title": "CEO"})
        assert asking.get(f"leads/{lead.pk}/", **{"If-None-Match": first["ETag"]}).json()["title"] == "CEO"

    def test_no_proxy_keeps_an_answer_for_somebody_else(self):
        response = api().get("leads/")

        assert "private" in response["Cache-Control"]
        assert "Authorization" in response["Vary"]
