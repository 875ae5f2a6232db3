"""Leads by the API: the list, one of them, adding one or a thousand, changing what is known."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.people.models import Role
from leads.milestones import CauseSource
from leads.models import Lead, LeadTransition
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
