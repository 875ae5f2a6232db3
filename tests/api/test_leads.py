"""Leads by the API: the list, one of them, adding one or a thousand, changing what is known."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.people.models import Role
from leads.milestones import CauseSource
from leads.models import Lead, LeadTransition, Touchpoint
from sla.models import Clock
from tests.api.asking import api, pointers, problem
from tests.factories import make_lead, make_user

pytestmark = pytest.mark.django_db


def test_a_new_lead_is_in_the_funnel_and_has_an_address():
    user = make_user(Role.MARKETER)
    body = {"name": "Ada", "email": "ada@buyer.example", "company_name": "Buyer", "source": "Web"}
    response = api(user=user).post("leads/", body)

    assert response.status_code == 201, response.content
    lead = Lead.objects.get()
    assert response["Location"] == f"/api/v1/leads/{lead.pk}/"
    assert response.json()["source"] == "web"
    assert response.json()["milestone"] == "MGL"
    move = LeadTransition.objects.get()
    assert (move.source, move.actor_id) == (CauseSource.API, user.pk)


def test_a_known_address_finds_the_lead_again_and_fills_what_was_blank():
    lead = make_lead(email="ada@buyer.example", name="Ada", phone="")
    response = api().post("leads/", {"name": "Somebody", "email": "ADA@buyer.example", "phone": "+49 30 1"})

    assert response.status_code == 200
    assert response.json()["id"] == lead.pk
    assert (response.json()["name"], response.json()["phone"]) == ("Ada", "+49 30 1")


def test_errors_name_the_field_with_a_sentence():
    body = {"email": "no address", "phone": "1" * 99, "colour": "red", "references": [{"system": "crm"}]}
    told = problem(api().post("leads/", body), 422)

    assert told["type"] == "urn:accord:problem:invalid"
    assert {error["pointer"] for error in told["errors"]} == {"/colour"}
    del body["colour"]
    assert pointers(api().post("leads/", body)) == {"/email", "/phone", "/references/0/external_id"}
    assert pointers(api().post("leads/", {"title": "CEO"})) == {""}


def test_a_rep_takes_no_lead_from_others_by_adding_it_again():
    holder, rep = make_user(), make_user()
    lead = make_lead(owner=holder, email="ada@buyer.example")
    body = {"email": "ada@buyer.example", "owner": rep.pk, "title": "CEO"}
    told = api(user=rep).post("leads/", body).json()

    assert (told["id"], told["owner"], told["title"]) == (lead.pk, holder.pk, "CEO")


def test_a_lead_is_handed_to_nobody_that_the_user_may_not_hand_leads_to():
    rep, other = make_user(), make_user()

    assert pointers(api(user=rep).post("leads/", {"name": "Ada", "owner": other.pk})) == {"/owner"}
    assert api(user=rep).post("leads/", {"name": "Ada", "owner": rep.pk}).json()["owner"] == rep.pk
    assert api(Role.MANAGER).post("leads/", {"name": "Eve", "owner": other.pk}).json()["owner"] == other.pk
    assert pointers(api(Role.MARKETER).post("leads/", {"name": "Eve", "owner": other.pk})) == {"/owner"}


def test_a_raised_hand_starts_the_promise_for_a_new_and_for_a_known_lead():
    asking = api(Role.MARKETER)
    body = {"email": "ada@buyer.example", "raised_hand": True, "words": "Asked for a demo"}
    assert asking.post("leads/", body).json()["milestone"] == "MQL"
    make_lead("mgl", email="eve@buyer.example")
    assert asking.post("leads/", body | {"email": "eve@buyer.example"}).json()["milestone"] == "MQL"

    assert Clock.objects.dispositions().count() == 2
    assert Touchpoint.objects.filter(title="Asked for a demo", is_hand_raise=True).count() == 2


class TestSets:
    def test_each_row_has_its_own_result_and_one_that_is_wrong_stops_no_other(self):
        make_lead(email="known@buyer.example", phone="")
        rows = [
            {"name": "Ada", "email": "ada@buyer.example"},
            {"email": "nobody"},
            {"email": "known@buyer.example", "phone": "1"},
            {"email": "ADA@buyer.example"},
            "Eve",
            {"name": "Eve", "owner": 2**30},
        ]
        told = api().post("leads/bulk/", {"leads": rows}).json()

        statuses = [row["status"] for row in told["results"]]
        assert statuses == ["created", "invalid", "updated", "known", "invalid", "invalid"]
        assert (told["created"], told["updated"], told["known"], told["invalid"]) == (1, 1, 1, 3)
        assert told["results"][0]["lead"] == told["results"][3]["lead"]
        errors = [error["pointer"] for row in told["results"] for error in row["errors"]]
        assert errors == ["/leads/1/email", "/leads/4", "/leads/5/owner"]

    def test_the_same_set_twice_changes_nothing(self):
        asking = api()
        asking.post("leads/bulk/", rows(0, 3))
        told = asking.post("leads/bulk/", rows(0, 3)).json()

        assert told["known"] == 3
        assert LeadTransition.objects.count() == 3

    def test_a_set_of_mistakes_writes_nothing(self):
        told = api().post("leads/bulk/", {"leads": [{}] * 3}).json()

        assert told["invalid"] == 3
        assert not Lead.objects.exists()


class TestChanges:
    def test_what_is_known_is_changed_and_the_rest_stays(self):
        lead = make_lead(name="Ada", title="CEO", source="Web")
        told = api().patch(f"leads/{lead.pk}/", {"title": "", "source": None, "segment": "Retail"}).json()

        assert (told["name"], told["title"], told["source"], told["segment"]) == ("Ada", "", None, "retail")

    def test_an_address_that_another_lead_has_is_a_409_that_names_it(self):
        lead, other = make_lead(), make_lead(email="taken@buyer.example")
        told = problem(api().patch(f"leads/{lead.pk}/", {"email": "taken@buyer.example"}), 409)

        assert told["lead"] == other.pk

    def test_a_lead_keeps_something_to_know_it_by(self):
        lead = make_lead(company_name="")

        assert pointers(api().patch(f"leads/{lead.pk}/", {"name": "", "email": ""})) == {""}
        assert pointers(api().patch(f"leads/{lead.pk}/", {"owner": 1})) == {"/owner"}

    def test_the_lead_of_somebody_else_is_theirs_to_edit(self):
        lead = make_lead(owner=make_user(name="Ada Okafor"))

        assert "Ada Okafor" in problem(api(Role.REP).patch(f"leads/{lead.pk}/", {"title": "CEO"}), 403)["detail"]


NAUGHTY = [
    "'; DROP TABLE leads_lead; --", "<script>alert(1)</script>", "{{ 7*7 }}", "=1+1", "\u202eevil", "Ṱ̺̺̕o͞ ̷i̲̬", "👩‍👩‍👧‍👦",
    "\\u0000", "\x7f\x01", "ﬀ", "\ufeffbom", "۝", "null", "'", '"', "\\", "%s %(x)s", "test\u200b",
]  # fmt: skip


@pytest.mark.parametrize("text", NAUGHTY)
def test_text_comes_back_as_it_went_in(text):
    asking = api()
    lead = asking.post("leads/", {"name": text, "attributes": {"as it came": text}}).json()["id"]
    told = asking.get(f"leads/{lead}/").json()

    assert (told["name"], told["attributes"]) == (text, {"as it came": text})


def queries(call):
    with CaptureQueriesContext(connection) as captured:
        assert call().status_code == 200
    return len(captured)


def rows(start, count):
    return {
        "leads": [
            {
                "name": f"Lead {n}", "email": f"lead{n}@company{n}.example", "company_name": f"Company {n}",
                "source": "Web", "references": [{"system": "crm", "external_id": str(n)}], "raised_hand": True,
            }
            for n in range(start, start + count)
        ]
    }  # fmt: skip


def test_a_thousand_leads_cost_the_queries_of_one():
    asking = api()
    asking.post("leads/bulk/", rows(0, 1))  # makes the source
    few = queries(lambda: asking.post("leads/bulk/", rows(1, 1)))

    assert queries(lambda: asking.post("leads/bulk/", rows(2, 1_000))) == few
    assert Lead.objects.count() == 1_002
