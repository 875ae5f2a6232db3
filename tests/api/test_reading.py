"""Reads: filters, sparse fields, pages that miss nothing, the feed of moves, touches, deals, the funnel."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignment.people.models import Role
from leads import lifecycle, withdrawing
from leads.causes import Cause
from leads.deals import deals
from leads.drafts import DealDraft
from leads.milestones import CauseSource, Kind
from leads.models import Lead, LeadTransition, Opportunity, OpportunityChange, Touchpoint
from tests.api.asking import api, pointers, problem
from tests.connections import at_once
from tests.factories import make_lead, make_user

pytestmark = pytest.mark.django_db


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


class TestLeads:
    def test_pages_walk_through_all_leads_while_they_move(self):
        leads = [make_lead().pk for _ in range(5)]
        asking, seen, address = api(), [], "leads/?limit=2"
        while address:
            response = asking.get(address.removeprefix("http://testserver"))
            seen += ids(response)
            # What moves now comes before the place that was reached.
            lifecycle.accept(lead_ids=[seen[-1]], cause=Cause(CauseSource.API))
            address = response.json()["next"]

        assert seen == leads[::-1]

    @pytest.mark.parametrize(
        "cursor", ["x", "é", "W10", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwxXQ", "eyJhIjoxfQ", "W251bGwsbnVsbF0"]
    )
    def test_a_cursor_that_is_none_is_refused(self, cursor):
        assert pointers(api().get("leads/", {"cursor": cursor})) == {"cursor"}

    @pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"state": "lost?"}, {"sorce": "web"}])
    def test_a_parameter_that_is_not_right_is_named(self, query):
        assert pointers(api().get("leads/", query)) == set(query)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"source": "web"}, True), ({"source": "-"}, False), ({"campaign": "-"}, True), ({"stage": "mql"}, True),
            ({"stage": "sql"}, False), ({"state": "waiting"}, True), ({"state": "won"}, False), ({"q": "flora"}, True),
            ({"q": "nobody"}, False), ({"email": "ADA@flora.example"}, True), ({"owner": "-"}, True),
            ({"team": "-"}, True), ({"system": "crm", "external_id": "7"}, True),
            ({"system": "crm", "external_id": "8"}, False),
            ({"moved_since": "2020-01-01T00:00:00Z"}, True), ({"moved_since": "2999-01-01T00:00:00Z"}, False),
        ],
    )  # fmt: skip
    def test_a_list_is_filtered(self, query, found):
        asking = api()
        body = {
            "email": "ada@flora.example", "company_name": "Flora", "source": "Web", "raised_hand": True,
            "references": [{"system": "crm", "external_id": "7"}],
        }  # fmt: skip
        lead = asking.post("leads/", body).json()["id"]

        assert ids(asking.get("leads/", query)) == ([lead] if found else [])

    @pytest.mark.parametrize(
        "query", [{"source": "nope"}, {"stage": "-"}, {"owner": "me"}, {"owner": "9" * 20}, {"team": "²"}]
    )
    def test_a_filter_for_what_does_not_exist_says_so(self, query):
        assert pointers(api().get("leads/", query)) == set(query)

    def test_half_a_reference_is_none(self):
        assert pointers(api().get("leads/", {"system": "crm"})) == {"external_id"}

    def test_only_the_fields_that_were_asked_for(self):
        lead = make_lead()
        asking = api()

        assert asking.get(f"leads/{lead.pk}/", {"fields": "id, stage"}).json() == {"id": lead.pk, "stage": "mql"}
        assert asking.get("leads/", {"fields": "name"}).json()["results"] == [{"name": lead.name}]
        assert pointers(asking.get("leads/", {"fields": "id,salary"})) == {"fields"}

    def test_two_hundred_leads_cost_the_queries_of_one(self):
        asking = api()

        def queries():
            with CaptureQueriesContext(connection) as captured:
                assert len(ids(asking.get("leads/", {"limit": "200"}))) in (1, 200)
            return len(captured)

        rows = [
            {
                "name": f"Lead {n}",
                "company_name": f"Company {n}",
                "references": [{"system": "crm", "external_id": str(n)}],
            }
            for n in range(200)
        ]
        asking.post("leads/bulk/", {"leads": rows[:1]})
        few = queries()
        asking.post("leads/bulk/", {"leads": rows[1:]})
        assert queries() == few

    def test_a_merged_lead_says_where_it_went(self):
        lead, other = make_lead(), make_lead()
        Lead.objects.filter(pk=lead.pk).update(merged_into=other)

        assert f"merged into lead {other.pk}" in problem(api().get(f"leads/{lead.pk}/"), 410)["detail"]
        assert ids(api().get("leads/")) == [other.pk]

    def test_a_lead_that_was_taken_back_is_there_no_more(self):
        lead = make_lead()
        withdrawing.withdraw(lead_ids=[lead.pk], cause=Cause(CauseSource.PAGE), note="A wrong file.")
        asking = api()

        for response in (
            asking.get(f"leads/{lead.pk}/"),
            asking.patch(f"leads/{lead.pk}/", {"title": "CEO"}),
            asking.get(f"leads/{lead.pk}/transitions/"),
            asking.post(f"leads/{lead.pk}/accept/"),
        ):
            assert "taken back" in problem(response, 404)["detail"]
        assert ids(asking.get("leads/")) == []

    def test_a_deal_that_was_taken_back_is_there_no_more(self):
        [pk] = deals.open_deals(drafts=[DealDraft("Deal", "EUR")], cause=Cause(CauseSource.PAGE))
        assert ids(api().get("opportunities/")) == [pk]
        deals.withdraw(opportunity_ids=[pk], cause=Cause(CauseSource.PAGE))

        assert ids(api().get("opportunities/")) == []
        assert "taken back" in problem(api().get(f"opportunities/{pk}/"), 404)["detail"]
        problem(api().patch(f"opportunities/{pk}/", {"name": "Another"}), 404)


class TestFeed:
    def test_a_reader_who_goes_on_from_the_last_move_is_told_each_once(self):
        asking = api(user=make_user(Role.REP))
        first, second = make_lead(), make_lead()
        response = asking.get("transitions/?limit=2")
        seen = response.json()["results"]
        asking.post(f"leads/{first.pk}/accept/")
        while response.json()["results"]:
            response = asking.get(response.json()["next"].removeprefix("http://testserver"))
            seen += response.json()["results"]

        assert [move["id"] for move in seen] == list(
            LeadTransition.objects.order_by("recorded_at", "id").values_list("pk", flat=True)
        )
        assert {move["lead"] for move in seen} == {first.pk, second.pk}
        assert response.json()["more"] is False

    def test_it_begins_where_it_is_told_to(self):
        asking, lead = api(Role.REP), make_lead()
        now = timezone.now()
        asking.post(f"leads/{lead.pk}/accept/")
        told = asking.get("transitions/", {"since": now.isoformat(), "fields": "kind"}).json()

        assert told["results"] == [{"kind": "accept"}]


@pytest.mark.django_db(transaction=True)
def test_the_feed_waits_for_a_write_that_began_before():
    """Else its moves would turn up behind the place that a reader has reached."""
    asking, slow, quick = api(), make_lead(), make_lead()

    def while_the_slow_write_lasts():
        lifecycle.accept(lead_ids=[quick.pk], cause=Cause(CauseSource.API))
        return asking.get("transitions/").json()["results"]

    with lifecycle.transaction.atomic():
        lifecycle.accept(lead_ids=[slow.pk], cause=Cause(CauseSource.API))
        [told] = at_once(while_the_slow_write_lasts)
    assert {move["kind"] for move in told} == {Kind.ADVANCE}

    told = asking.get("transitions/").json()["results"]
    assert [move["lead"] for move in told][-2:] == [slow.pk, quick.pk]


class TestTouches:
    def test_touchpoints_are_stored_once_each_with_its_own_result(self):
        lead = make_lead("mgl")
        rows = [
            {"lead": lead.pk, "title": "Saw the webinar", "kind": "webinar", "system": "mail", "external_id": "1"},
            {"lead": lead.pk, "title": "Saw the webinar", "kind": "webinar", "system": "mail", "external_id": "1"},
            {"lead": 10**12, "title": "Nobody"},
            {"lead": lead.pk, "title": "", "at": "2999-01-01T00:00:00Z", "system": "mail"},
        ]
        told = api(Role.MARKETER).post("touchpoints/", {"touchpoints": rows}).json()

        assert [row["status"] for row in told["results"]] == ["stored", "stored", "invalid", "invalid"]
        assert (told["stored"], told["invalid"]) == (2, 2)
        assert told["results"][2]["errors"][0]["pointer"] == "/touchpoints/2/lead"
        named = {error["pointer"] for error in told["results"][3]["errors"]}
        assert named == {"/touchpoints/3/title", "/touchpoints/3/at"}
        assert Touchpoint.objects.count() == 1
        again = api().post("touchpoints/", {"touchpoints": rows[:1]}).json()
        assert [row["status"] for row in again["results"]] == ["known"]

    def test_a_raised_hand_goes_to_sales(self):
        lead = make_lead("mgl")
        body = {"touchpoints": [{"lead": lead.pk, "title": "Asked for a demo", "is_hand_raise": True}]}
        api(Role.MARKETER).post("touchpoints/", body)

        assert api().get(f"leads/{lead.pk}/").json()["milestone"] == "MQL"
        assert api().get(f"leads/{lead.pk}/touchpoints/").json()["results"][0]["is_hand_raise"] is True

    def test_activities_are_those_of_the_user(self):
        rep, lead = make_user(Role.REP), make_lead("sql")
        rows = [
            {"lead": lead.pk, "activity": "connected", "note": "Wants a quote"},
            {"lead": lead.pk, "activity": "sang"},
        ]
        told = api(user=rep).post("activities/", {"activities": rows}).json()

        assert (told["stored"], told["invalid"]) == (1, 1)
        touch = Touchpoint.objects.get()
        assert (touch.actor_id, touch.is_engaged, touch.title) == (rep.pk, True, "Reached by phone: Wants a quote")

    @pytest.mark.parametrize("name", ["touchpoints", "activities"])
    def test_a_thousand_cost_the_queries_of_one(self, name):
        asking = api()
        leads = [make_lead("sql").pk for _ in range(3)]
        row = {"title": "Saw it", "direction": "outbound"} if name == "touchpoints" else {"activity": "emailed"}

        def queries(count):
            rows = [{"lead": leads[n % 3], **row} for n in range(count)]
            with CaptureQueriesContext(connection) as captured:
                assert asking.post(f"{name}/", {name: rows}).json()["stored"] == count
            return len(captured)

        assert queries(1) == queries(1_000)

    @pytest.mark.parametrize("rows", [[], [{}] * 1_001, {}, None])
    def test_a_set_has_one_to_a_thousand_rows(self, rows):
        for name in ("touchpoints", "activities"):
            assert pointers(api().post(f"{name}/", {name: rows})) == {f"/{name}"}
        assert pointers(api().post("leads/bulk/", {"leads": rows})) == {"/leads"}


class TestDeals:
    def test_a_renewal_is_opened_without_a_lead_and_changed(self):
        rep = make_user(Role.REP)
        asking, account = api(user=rep), make_lead(company_name="Flora").account_id
        body = {"name": "Renewal", "kind": "renewal", "account": account, "amount": "1200.50"}
        body["expected_close_on"] = "2026-12-31"
        response = asking.post("opportunities/", body)
        assert response.status_code == 201, response.content
        deal = response.json()
        assert (deal["owner"], deal["currency"], deal["base_amount"]) == (rep.pk, "EUR", "1200.50")
        assert ids(asking.get("opportunities/", {"account": account, "kind": "renewal"})) == [deal["id"]]

        changed = asking.patch(response["Location"], {"amount": "1300", "expected_close_on": "2027-01-31"})
        assert changed.json()["amount"] == "1300.00"
        assert OpportunityChange.objects.filter(field="amount").count() == 2
        assert pointers(asking.patch(response["Location"], {"currency": "USD"})) == {"/rate"}
        usd = asking.patch(response["Location"], {"currency": "USD", "rate": "0.5"}).json()
        assert (usd["currency"], usd["base_amount"]) == ("USD", "650.00")
        assert pointers(asking.patch(response["Location"], {"amount": "-1", "currency": "ABC"})) == {
            "/amount",
            "/currency",
        }

    def test_the_deal_of_somebody_else_is_theirs_to_change(self):
        lead = make_lead("sqo", owner=make_user(Role.REP, name="Ada Okafor"))
        deal = Opportunity.objects.get(contacts__lead=lead)

        assert "Ada Okafor" in problem(api(Role.REP).patch(f"opportunities/{deal.pk}/", {"amount": "1"}), 403)["detail"]
        assert api(Role.MANAGER).patch(f"opportunities/{deal.pk}/", {"amount": "1"}).status_code == 200

    def test_what_it_names_must_exist(self):
        body = {"name": "Renewal", "account": 10**12, "owner": 2**30}

        assert pointers(api(Role.MANAGER).post("opportunities/", body)) == {"/account", "/owner"}

    def test_accounts_are_found_by_their_domain(self):
        lead = make_lead(email="ada@flora.example", company_name="Flora")
        asking = api(Role.EXECUTIVE)

        assert ids(asking.get("accounts/", {"domain": "flora.example"})) == [lead.account_id]
        assert asking.get(f"accounts/{lead.account_id}/", {"fields": "name"}).json() == {"name": "Flora"}
        assert "no account 999999" in problem(asking.get("accounts/999999/"), 404)["detail"]
        assert "no opportunity" in problem(asking.get(f"opportunities/{10**30}/"), 404)["detail"]


class TestFunnel:
    def test_it_answers_as_the_command_does(self):
        api().post("leads/", {"name": "Ada", "source": "Web"})
        make_lead("sqo")
        out = StringIO()
        call_command("metric", "funnel", "--json", "--by", "source", "--period", "90d", stdout=out)

        assert api().get("metrics/funnel/", {"by": "source", "period": "90d"}).json() == json.loads(out.getvalue())

    @pytest.mark.parametrize(
        ("query", "named"),
        [
            ({"period": "99d"}, "period"),
            ({"from": "May"}, "from"),
            ({"source": "nope"}, None),
            ({"from": "2026-01-01"}, None),
        ],
    )
    def test_a_filter_that_does_not_exist_is_a_422(self, query, named):
        assert pointers(api().get("metrics/funnel/", query)) == {named}

    def test_reps_are_compared_by_who_may(self):
        rep = make_user(Role.REP)
        make_lead(owner=rep)

        problem(api(user=rep).get("metrics/funnel/", {"by": "owner"}), 403)
        assert api(user=rep).get("metrics/funnel/", {"owner": str(rep.pk)}).json()["n"] == 1
        problem(api(Role.REP).get("metrics/funnel/", {"owner": str(rep.pk)}), 403)
        assert api(Role.MANAGER).get("metrics/funnel/", {"by": "owner"}).json()["by"][0]["n"] == 1

    def test_an_unchanged_funnel_is_not_sent_again(self):
        make_lead()
        asking = api()
        tag = asking.get("metrics/funnel/")["ETag"]

        assert asking.get("metrics/funnel/", **{"If-None-Match": tag}).status_code == 304


class TestPromises:
    def test_they_are_found_by_how_they_stand(self):
        rep = make_user(Role.REP)
        overdue, waiting = make_lead(owner=rep, left=timedelta(hours=-1)), make_lead()
        answered = make_lead()
        asking = api(user=rep)
        asking.post(f"leads/{answered.pk}/accept/")

        def leads(**query):
            return [row["lead"] for row in asking.get("promises/", query).json()["results"]]

        assert leads() == [overdue.pk, waiting.pk, answered.pk]
        assert leads(state="running") == [overdue.pk, waiting.pk]
        assert leads(state="overdue") == leads(state="breached") == [overdue.pk]
        assert leads(state="met") == [answered.pk]
        assert leads(owner=rep.pk, state="running") == [overdue.pk]
        assert leads(due_before=timezone.now().isoformat()) == [overdue.pk]
        [row] = asking.get("promises/", {"lead": overdue.pk}).json()["results"]
        assert (row["is_breached"], row["answered_at"], row["cancelled_why"]) == (True, None, None)


def test_people_are_found_by_the_side_that_holds_leads():
    rep, marketer = make_user(Role.REP, name="Ada Okafor"), make_user(Role.MARKETER)
    make_user(Role.REP, is_active=False)
    asking = api(user=marketer)

    [row] = asking.get("people/", {"side": "sales"}).json()["results"]
    assert (row["id"], row["name"], row["team_name"]) == (rep.pk, "Ada Okafor", rep.team.name)
    assert "email" not in row


def test_stages_and_reasons_name_the_keys_that_moves_ask_for():
    asking = api(Role.EXECUTIVE)

    assert [stage["key"] for stage in asking.get("stages/").json()["results"]][:3] == ["mgl", "mql", "sql"]
    assert {reason["kind"] for reason in asking.get("reasons/").json()["results"]} == {
        "reject",
        "recycle",
        "win",
        "lose",
    }


def test_moments_are_told_in_utc_whatever_the_zone_of_the_user():
    make_lead()
    user = make_user(time_zone="Asia/Tokyo")
    moved_at = api(user=user).get("leads/").json()["results"][0]["moved_at"]

    assert moved_at.endswith("Z")
    assert timezone.now() - timezone.datetime.fromisoformat(moved_at) < timedelta(minutes=5)
