"""Deals and accounts through the API: what is told, what is written, and what is refused."""

import pytest

from alignment.people.models import Role
from leads.models import CustomerPeriod, Opportunity
from tests.api.asking import api, pointers, problem
from tests.factories import make_account, make_free_deal, make_lead, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep():
    return make_user(Role.REP)


@pytest.fixture
def asking(rep):
    return api(user=rep)


def test_a_deal_without_a_lead_from_opening_to_its_end(rep, asking):
    account = make_account()
    body = {
        "name": "Renewal", "account": account.pk, "kind": "renewal", "amount": "900.00", "probability": 60,
        "stage": "proposal", "expected_close_on": "2027-03-31",
    }  # fmt: skip
    told = asking.post("opportunities/", body).json()
    assert (told["stage"], told["probability"], told["sourced_by"], told["owner"]) == (
        "proposal", 60, "customer", rep.pk,
    )  # fmt: skip
    at = f"opportunities/{told['id']}/"
    assert asking.patch(at, {"amount": "1000.00", "stage": "sqo"}).json()["stage"] == "sqo"
    changes = asking.get(f"{at}changes/", {"limit": 2}).json()["results"]
    assert {(row["field"], row["base_before"], row["base_after"]) for row in changes} == {
        ("stage_id", "1000.00", "1000.00"), ("amount", "900.00", "1000.00"),
    }  # fmt: skip
    assert asking.post(f"{at}win/", {"reason": "fit"}).json()["reason"] == "fit"
    assert problem(asking.post(f"{at}win/"), 409)["type"] == "urn:accord:problem:already"
    assert asking.get(f"accounts/{account.pk}/").json()["customer"][0]["opportunity"] == told["id"]
    assert asking.post(f"{at}reopen/").json()["state"] == "open"
    assert not CustomerPeriod.objects.exists()


def test_a_deal_that_an_admin_opens_is_nobodys_until_somebody_in_sales_takes_it():
    body = {"name": "Renewal", "account": make_account().pk, "amount": "900.00", "expected_close_on": "2027-03-31"}
    told = api(user=make_user(Role.REVOPS)).post("opportunities/", body)
    assert (told.status_code, told.json()["owner"]) == (201, None)


def test_a_deal_has_what_its_stage_asks_for(asking):
    lacking = asking.post("opportunities/", {"name": "Renewal", "account": make_account().pk})
    assert pointers(lacking) == {"/amount", "/expected_close_on"}
    lead = make_lead("sqo", owner=make_user(Role.REP))
    at = f"opportunities/{Opportunity.objects.get(contacts__lead=lead).pk}/"
    admin = api(user=make_user(Role.REVOPS))
    assert pointers(admin.patch(at, {"amount": None})) == {"/amount"}
    assert pointers(admin.patch(at, {"expected_close_on": "1899-01-01"})) == {"/expected_close_on"}


def test_a_deal_of_a_lead_takes_its_lead_along(rep, asking):
    lead = make_lead("sqo", owner=rep)
    deal = Opportunity.objects.get(contacts__lead=lead)
    assert pointers(asking.patch(f"opportunities/{deal.pk}/", {"stage": "proposal"})) == {"/stage"}
    asking.post(f"opportunities/{deal.pk}/lose/", {"reason": "price"})
    assert asking.get(f"leads/{lead.pk}/").json()["outcome"] == "lost"
    problem(api(user=make_user()).post(f"opportunities/{deal.pk}/reopen/"), 403)


def test_the_buying_group(rep, asking):
    lead = make_lead("sqo", owner=rep, company_name="Buyer", email="a@buyer.example")
    colleague = make_lead(company_name="Buyer", email="b@buyer.example")
    at = f"opportunities/{Opportunity.objects.get(contacts__lead=lead).pk}/contacts/"
    assert pointers(asking.post(at, {"lead": make_lead().pk})) == {"/lead"}
    told = asking.post(at, {"lead": colleague.pk, "role": "Champion"}).json()["results"]
    assert [(each["lead"], each["role"], each["is_primary"]) for each in told] == [
        (lead.pk, "", True), (colleague.pk, "Champion", False),
    ]  # fmt: skip
    [left] = asking.post(f"{at}{colleague.pk}/remove/").json()["results"]
    assert left["lead"] == lead.pk
    problem(asking.post(f"{at}{lead.pk}/remove/"), 409)


def test_who_sourced_it_is_told_with_its_evidence_and_corrected(asking):
    deal = make_free_deal()
    at = f"opportunities/{deal.pk}/sourced-by/"
    [said] = asking.get(at).json()["results"]
    assert (said["sourced_by"], said["rule"], said["days"]) == ("sales", "nothing", 180)
    problem(asking.post(at, {"sourced_by": "partner", "why": "Reseller"}), 403)
    told = api(Role.MANAGER).post(at, {"sourced_by": "partner", "why": "Reseller"}).json()["results"]
    assert [row["rule"] for row in told] == ["correction", "nothing"]
    assert asking.get(f"opportunities/{deal.pk}/").json()["sourced_by"] == "partner"
    problem(api(Role.MANAGER).post(at, {"sourced_by": "partner", "why": "Again"}), 409)


def test_what_a_deal_may_be_twice(asking):
    deal = make_free_deal(name="Planner")
    twin = make_free_deal(name="Planner", account=deal.account)
    [told] = asking.get(f"opportunities/{deal.pk}/duplicates/").json()["results"]
    assert (told["opportunity"], told["name"]) == (twin.pk, "Planner")
    assert told["evidence"].startswith("Open, of the same account")


def test_an_account_is_edited_and_a_customer_until_it_leaves(asking):
    account = make_account()
    assert asking.patch(f"accounts/{account.pk}/", {"industry": "Retail"}).json()["industry"] == "Retail"
    at = f"accounts/{account.pk}/customer/"
    assert pointers(asking.post(at, {"began_on": "2025-02-01", "ended_on": "2025-01-01"})) == {"/ended_on"}
    told = asking.post(at, {"began_on": "2025-02-01", "ended_on": "2025-06-30", "note": "Closed"}).json()["customer"]
    assert told == [{"began_on": "2025-02-01", "ended_on": "2025-06-30", "opportunity": None, "note": "Closed"}]
