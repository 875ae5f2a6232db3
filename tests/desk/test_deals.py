"""The pages of deals and accounts: what they show, who may do what, and what they cost."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.desk import deal_list
from alignment.ops.models import AuditEntry
from alignment.people.models import Role
from leads.causes import Cause
from leads.deals import deals
from leads.milestones import CauseSource
from leads.models import (
    Account,
    CustomerPeriod,
    DealRules,
    DistinctDeals,
    Journey,
    Opportunity,
    OpportunityContact,
    Reason,
    Source,
)
from leads.profiles import targets
from tests.factories import make_account, make_free_deal, make_lead, make_user
from tests.leads.stories import by, stage
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Júlia Rocha")
    client.force_login(rep)
    return rep


def names(client, **asked):
    return [deal.name for deal in client.get(reverse("deals"), asked).context["list"].page]


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def of_lead(rep, **facts):
    lead = make_lead("sqo", owner=rep, **facts)
    return lead, Opportunity.objects.get(contacts__lead=lead)


class TestList:
    def test_filters_and_search_find_deals_by_what_they_are(self, client, rep):
        today = timezone.localdate()
        acme = make_account(name="Acme")
        make_free_deal(name="Planner", account=acme, owner_id=rep.pk, expected_close_on=today - timedelta(days=1))
        make_free_deal(name="Kiosk", kind="renewal", expected_close_on=None)
        of_lead(rep, name="Ana", source="Web")

        assert names(client) == ["Planner", "Kiosk", "Planner"]
        assert names(client, q="kiosk") == ["Kiosk"]
        assert names(client, q="acme") == ["Planner"]
        assert names(client, kind="renewal") == names(client, sourced_by="customer") == ["Kiosk"]
        assert names(client, owner="me", account=acme.pk) == ["Planner"]
        assert names(client, owner="none") == ["Planner", "Kiosk"]
        assert names(client, close="overdue") == ["Planner"]
        assert names(client, close="unknown") == ["Kiosk"]
        assert names(client, state="won") == []
        targets.add(account_ids=[acme.pk], cause=by(rep.pk))
        assert names(client, target="yes") == ["Planner"]
        assert names(client, target="no") == ["Planner", "Kiosk"]
        assert names(client, stage="sqo", state="open", nonsense="x", after="x", account="x") == names(client)

    def test_pages_go_on_from_a_place_and_count_up_to_a_thousand(self, client, rep, monkeypatch):
        monkeypatch.setattr(deal_list, "PAGE", 2)
        for number in range(5):
            make_free_deal(name=f"Deal {number}")
        page = client.get(reverse("deals"))
        assert "5 deals, 48,000.00 EUR in all" in text(page)
        seen = names(client)
        while place := page.context["list"].next:
            page = client.get(reverse("deals"), {"after": place})
            seen += [deal.name for deal in page.context["list"].page]
        assert seen == [f"Deal {number}" for number in (4, 3, 2, 1, 0)]

    def test_it_costs_the_same_for_one_and_for_many(self, client, rep):
        acme = make_account()
        make_free_deal(account=acme, owner_id=rep.pk)
        url = f"{reverse('deals')}?q=renewal&state=open"
        few = queries(client, url)
        for _ in range(9):
            make_free_deal(account=acme, owner_id=make_user().pk)
        assert queries(client, url) == few <= 12

    def test_the_file_holds_all_and_the_audit_log_who_took_it(self, client, rep):
        make_free_deal(name="=1+1", owner_id=rep.pk)
        response = client.get(reverse("deals"), {"format": "csv"})
        [row] = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig")))
        assert (row["Name"], row["Base amount"], row["Owner"]) == ("'=1+1", "9600.00", "Júlia Rocha")
        assert AuditEntry.objects.get(action="exported").subject_kind == "opportunity"

    def test_an_empty_one_says_what_to_do(self, client, rep):
        assert "No deals yet" in text(client.get(reverse("deals")))
        assert "No deal fits" in text(client.get(reverse("deals"), {"state": "won"}))


class TestPage:
    def test_it_tells_what_the_deal_is_who_is_around_it_and_why_it_is_sourced_so(self, client, rep):
        lead, deal = of_lead(rep, name="Ana Costa", company_name="Buyer", source="Web")
        deals.change(opportunity_id=deal.pk, changes={"amount": Decimal(12_000)}, cause=Cause(CauseSource.PAGE, rep.pk))
        shown = text(client.get(reverse("deal", args=[deal.pk])))
        for said in (
            "Buyer", "Ana Costa", "12,000.00 EUR", "came in within 180 days", "from 9,600.00 EUR to 12,000.00 EUR",
            "+2,400.00 EUR", "by Júlia Rocha",
        ):  # fmt: skip
            assert said in shown, said
        assert lead.name in shown

    def test_it_costs_the_same_whatever_the_length_of_its_history(self, client, rep):
        deal = make_free_deal(owner_id=rep.pk)
        url = reverse("deal", args=[deal.pk])
        few = queries(client, url)
        for number in range(9):
            contact = make_lead()
            deal.contacts.create(lead=contact)
            deals.change(opportunity_id=deal.pk, changes={"probability": number}, cause=Cause(CauseSource.PAGE, rep.pk))
        assert queries(client, url) == few <= 15

    def test_what_was_recorded_late_stands_where_it_took_effect(self, client, rep):
        deal = make_free_deal(owner_id=rep.pk)
        now = timezone.now()
        for number, days_ago in ((10, 0), (20, 3), (30, 1)):
            cause = Cause(CauseSource.PAGE, rep.pk, at=now - timedelta(days=days_ago))
            deals.change(opportunity_id=deal.pk, changes={"probability": number}, cause=cause)
        changes = client.get(reverse("deal", args=[deal.pk])).context["page"].changes
        told = [line.new for line in changes if line.label == "Probability"]
        assert told == ["10%", "30%", "20%"]

    def test_long_histories_have_pages(self, client, rep):
        deal = make_free_deal(owner_id=rep.pk)
        for number in range(60):
            deals.change(opportunity_id=deal.pk, changes={"probability": number}, cause=Cause(CauseSource.PAGE))
        page = client.get(reverse("deal", args=[deal.pk]))
        assert len(page.context["page"].changes) == 50
        older = client.get(reverse("deal", args=[deal.pk]), {"before": page.context["page"].next})
        assert len(older.context["page"].changes) == 14

    @pytest.mark.parametrize("pk", [0, 999_999])
    def test_what_is_not_there_is_not_found(self, client, rep, pk):
        for name in ("deal", "account"):
            assert client.get(reverse(name, args=[pk])).status_code == 404


class TestWriting:
    def test_opening_asks_for_the_account_first_and_warns_of_a_twin(self, client, rep):
        account = make_account(name="Acme")
        twin = make_free_deal(account=account, name="Acme: Planner")
        assert "Acme" in text(client.get(reverse("deal_new"), {"q": "acme"}))
        url = f"{reverse('deal_new')}?account={account.pk}"
        given = {
            "account": account.pk, "name": "Acme: Planner", "kind": "expansion", "currency": "EUR", "amount": "500",
            "owner": rep.pk, "stage": twin.stage_id, "expected_close_on": "2027-09-30",
        }  # fmt: skip
        warned = client.post(url, given)
        assert warned.status_code == 409
        assert "with the same name" in text(warned)
        assert Opportunity.objects.count() == 1
        client.post(url, given | {"anyway": "1"})
        deal = Opportunity.objects.latest("id")
        assert (deal.name, deal.kind, deal.owner, deal.sourced_by) == ("Acme: Planner", "expansion", rep, "customer")

    def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(self, client, rep):
        account = make_account()
        given = {"account": account.pk, "name": "Planner", "kind": "new", "currency": "USD", "probability": "101"}
        answer = client.post(f"{reverse('deal_new')}?account={account.pk}", given)
        assert answer.status_code == 422
        assert {"rate", "probability"} <= set(answer.context["form"].errors)
        assert 'value="Planner"' in answer.content.decode()

    def test_a_deal_without_a_lead_needs_what_its_stage_asks_for(self, client, rep):
        account = make_account()
        url = f"{reverse('deal_new')}?account={account.pk}"
        given = {
            "account": account.pk, "name": "Planner", "kind": "new", "currency": "EUR", "stage": stage("sqo").pk,
        }  # fmt: skip
        answer = client.post(url, given)
        assert answer.status_code == 422
        assert "Sales opportunity needs an amount." in text(answer)
        assert "Sales opportunity needs an expected close date." in text(answer)
        client.post(url, given | {"amount": "500", "expected_close_on": "2027-09-30"})
        assert Opportunity.objects.get().amount == 500

    def test_what_the_stage_of_an_open_deal_asks_for_stays(self, client, rep):
        _, deal = of_lead(rep)
        url = reverse("deal_edit", args=[deal.pk])
        given = {"name": deal.name, "kind": "new", "currency": "EUR", "owner": rep.pk, "amount": ""}
        answer = client.post(url, given | {"expected_close_on": "2027-03-31"})
        assert (answer.status_code, "needs an amount" in text(answer)) == (422, True)
        deal.refresh_from_db()
        assert deal.amount

    def test_a_name_does_not_end_where_it_should_begin(self, client, rep):
        account = make_account(name="Acme")
        shown = client.get(f"{reverse('deal_new')}?account={account.pk}")
        assert shown.context["form"]["name"].value() == "Acme"

    @pytest.mark.parametrize("day", ["1899-01-01", "2999-12-31"])
    def test_a_close_in_another_century_is_a_slip(self, client, rep, day):
        _, deal = of_lead(rep)
        given = {"name": deal.name, "kind": "new", "currency": "EUR", "amount": "1", "owner": rep.pk}
        answer = client.post(reverse("deal_edit", args=[deal.pk]), given | {"expected_close_on": day})
        assert (answer.status_code, "Check the year" in text(answer)) == (422, True)

    def test_who_saves_an_old_page_is_told_who_was_first(self, client, rep):
        deal = make_free_deal(owner_id=rep.pk)
        url = reverse("deal_edit", args=[deal.pk])
        seen = client.get(url).context["seen"]
        other = make_user(name="Bruno Sá")
        deals.change(opportunity_id=deal.pk, changes={"probability": 10}, cause=Cause(CauseSource.PAGE, other.pk))
        given = {
            "name": deal.name, "kind": "new", "currency": "EUR", "amount": "1", "stage": deal.stage_id,
            "owner": rep.pk, "seen": seen, "expected_close_on": "2027-03-31",
        }  # fmt: skip
        answer = client.post(url, given)
        assert (answer.status_code, "Bruno Sá has changed this deal" in text(answer)) == (409, True)
        assert client.post(url, given | {"seen": answer.context["seen"]}).status_code == 302
        assert Opportunity.objects.get(pk=deal.pk).amount == 1

    def test_losing_asks_why_and_winning_may(self, client, rep):
        _, deal = of_lead(rep)
        lost = client.post(reverse("deal_lose", args=[deal.pk]), {})
        assert "Choose a reason" in text(lost)
        reason = Reason.objects.offered("lose").first()
        client.post(reverse("deal_lose", args=[deal.pk]), {"reason": reason.pk, "note": "Too dear"})
        deal.refresh_from_db()
        assert (deal.state, deal.reason) == ("lost", reason)
        again = client.post(reverse("deal_win", args=[deal.pk]), {})
        assert (again.status_code, "You lost it" in text(again)) == (409, True)
        client.post(reverse("deal_reopen", args=[deal.pk]), {})
        client.post(reverse("deal_win", args=[deal.pk]), {})
        assert Journey.objects.get(opportunity=deal).outcome == "won"

    def test_the_buying_group_takes_people_of_the_account_alone(self, client, rep):
        lead, deal = of_lead(rep, company_name="Buyer", email="a@buyer.example")
        colleague = make_lead(company_name="Buyer", email="b@buyer.example", name="Bo")
        stranger = make_lead(company_name="Other")
        url = reverse("deal_contact", args=[deal.pk])
        assert client.post(url, {"lead": stranger.pk, "role": "User"}).status_code == 422
        client.post(url, {"lead": colleague.pk, "role": " Economic  buyer "})
        assert OpportunityContact.objects.get(lead=colleague).role == "Economic buyer"
        client.post(reverse("deal_contact_remove", args=[deal.pk, colleague.pk]))
        client.post(reverse("deal_contact_remove", args=[deal.pk, lead.pk]))
        assert [each.lead for each in deal.contacts.all()] == [lead]

    def test_managers_correct_who_sourced_it_and_reps_do_not(self, client, rep):
        deal = make_free_deal(owner_id=rep.pk)
        url, said = reverse("deal_sourced_by", args=[deal.pk]), {"sourced_by": "partner", "why": "Their reseller"}
        assert client.post(url, said).status_code == 403
        client.force_login(make_user(Role.MANAGER))
        client.post(url, said)
        assert "Their reseller" in text(client.get(reverse("deal", args=[deal.pk])))
        assert "is sourced by partner already" in text(client.post(url, said))

    def test_two_that_look_alike_are_told_apart(self, client, rep):
        first = make_free_deal(name="Planner", owner_id=rep.pk)
        second = make_free_deal(name="Planner", account=first.account)
        assert "may be there twice" in text(client.get(reverse("deal", args=[first.pk])))
        client.post(reverse("deal_distinct", args=[first.pk, second.pk]))
        assert DistinctDeals.objects.get().second == second
        assert "may be there twice" not in text(client.get(reverse("deal", args=[first.pk])))

    def test_a_deal_that_no_lead_carries_is_taken_back(self, client, rep):
        _, carried = of_lead(rep)
        free = make_free_deal()
        client.force_login(make_user(Role.REVOPS))
        for deal in (carried, free):
            client.post(reverse("deal_withdraw", args=[deal.pk]))
        assert names(client) == [carried.name]

    def test_who_does_not_hold_a_deal_may_not_touch_it(self, client):
        _, deal = of_lead(make_user())
        client.force_login(make_user())
        for name in ("edit", "win", "lose", "reopen", "contact"):
            assert client.get(reverse(f"deal_{name}", args=[deal.pk])).status_code == 403
        shown = client.get(reverse("deal", args=[deal.pk])).content.decode()
        assert reverse("deal_edit", args=[deal.pk]) not in shown


class TestAccount:
    def test_it_shows_people_deals_touches_and_since_when_it_is_a_customer(self, client, rep):
        lead, deal = of_lead(rep, name="Ana Costa", company_name="Buyer")
        account = lead.account
        make_free_deal(account=account, name="Buyer: licence")
        client.post(reverse("deal_win", args=[deal.pk]), {})
        shown = text(client.get(reverse("account", args=[account.pk])))
        for said in ("Customer", "Ana Costa", "Buyer: licence", "1 open, 9,600.00 EUR; 1 won, 9,600.00 EUR"):
            assert said in shown, said

    def test_it_costs_the_same_for_one_and_for_many(self, client, rep):
        account = make_account(name="Buyer", domain="buyer.example")
        url = reverse("account", args=[account.pk])
        make_free_deal(account=account)
        make_lead(company_name="Buyer", email="first@buyer.example")
        few = queries(client, url)
        for number in range(7):
            make_free_deal(account=account)
            make_lead(company_name="Buyer", email=f"p{number}@buyer.example")
        assert client.get(url).context["page"].people_count == 8
        assert queries(client, url) == few <= 15

    def test_facts_and_customer_dates_are_edited(self, client, rep):
        account = make_account()
        given = {"name": "Acme AG", "industry": "Retail", "employees": "120", "annual_revenue": "", "country": "DE"}
        client.post(reverse("account_edit", args=[account.pk]), given)
        known = Account.objects.get(pk=account.pk)
        assert (known.name, known.industry, known.employees, known.name_key) == (
            "Acme AG", "Retail", 120, account.name_key,
        )  # fmt: skip
        url = reverse("account_customer", args=[account.pk])
        wrong = client.post(url, {"began_on": "2025-02-01", "ended_on": "2025-01-01"})
        assert "They cannot leave before they came." in text(wrong)
        client.post(url, {"began_on": "2025-02-01", "ended_on": "2025-03-01", "note": "Closed down"})
        assert "Was a customer" in text(client.get(reverse("account", args=[account.pk])))
        assert CustomerPeriod.objects.get().note == "Closed down"


def test_revops_changes_the_rules_for_deals(client):
    client.force_login(make_user(Role.REVOPS))
    source = Source.objects.create(key="partner", name="Partner")
    given = {"lookback_days": "90", "closing_day": "3", "partner_sources": [source.pk]}
    both = client.post(reverse("setup_deals"), given | {"sales_sources": [source.pk]})
    assert "either a partner" in text(both)
    client.post(reverse("setup_deals"), given)
    assert (DealRules.objects.get().lookback_days, list(DealRules.objects.get().partner_sources.all())) == (
        90,
        [source],
    )
    assert AuditEntry.objects.get(action="deal_rules_changed").detail["partner_sources"] == ["partner"]
