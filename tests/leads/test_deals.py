"""Deals: their changes add up, they follow their leads or stand alone, end with a reason, and may be there twice."""

import itertools
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from leads import lifecycle
from leads.deals import buying_groups, closing, customers, deals
from leads.deals import likeness as deal_likeness
from leads.deals.closing import NotClosedError
from leads.decisions import Code
from leads.drafts import DealDraft
from leads.milestones import Kind
from leads.models import (
    CustomerPeriod,
    Journey,
    Lead,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    Stage,
)
from tests.factories import make_account, make_deal, make_free_deal, make_lead, make_user
from tests.leads.stories import arrived, by, day, journey, reason, stage, step, to

pytestmark = pytest.mark.django_db

TODAY = date(2026, 6, 1)


def opportunity(lead):
    return Opportunity.objects.get(contacts__lead=lead, contacts__is_primary=True)


def changed(deal, field):
    rows = OpportunityChange.objects.filter(opportunity=deal, field=field).order_by("id")
    return list(rows.values_list("old", "new"))


class TestChanges:
    def test_a_deal_has_what_it_begins_with_as_rows(self):
        rep = make_user()
        deal = make_free_deal(owner_id=rep.pk, probability=40)
        told = dict(OpportunityChange.objects.filter(opportunity=deal).values_list("field", "new"))
        assert told == {
            "amount": "9600", "expected_close_on": "2027-03-31", "probability": "40",
            "stage_id": str(stage("sqo").pk), "owner_id": str(rep.pk),
        }  # fmt: skip

    def test_only_what_changes_is_a_row_and_says_who_did_it(self):
        deal, rep = make_free_deal(), make_user()
        before = OpportunityChange.objects.count()
        deals.change(
            opportunity_id=deal.pk, changes={"probability": 60, "name": deal.name, "amount": deal.amount},
            cause=by(rep.pk),
        )  # fmt: skip
        row = OpportunityChange.objects.latest("id")
        assert OpportunityChange.objects.count() == before + 1
        assert (row.field, row.old, row.new, row.actor) == ("probability", "", "60", rep)

    @given(
        edits=st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "amount": st.none() | st.decimals(0, 99_999, places=2),
                    "rate": st.decimals("0.01", 9, places=8),
                    "currency": st.sampled_from(["EUR", "USD", "BRL"]),
                    "probability": st.none() | st.integers(0, 100),
                },
            ),
            max_size=6,
        )
    )
    def test_the_differences_of_all_rows_add_up_to_the_amount_to_the_cent(self, edits):
        with transaction.atomic():
            # A stage that asks for an amount would keep it.
            Stage.objects.update(criteria={})
            deal = make_free_deal()
            for edit in edits:
                deals.change(opportunity_id=deal.pk, changes=edit, cause=by())
            deal.refresh_from_db()
            rows = OpportunityChange.objects.filter(opportunity=deal).order_by("id")
            steps = [((row.base_before or 0), (row.base_after or 0)) for row in rows]
            by_hand = Decimal(0)
            if deal.amount is not None:
                by_hand = (deal.amount * deal.rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert sum(after - before for before, after in steps) == (deal.base_amount or 0) == by_hand
            assert all(one[1] == other[0] for one, other in itertools.pairwise(steps))
            transaction.set_rollback(True)

    def test_the_stage_of_a_deal_that_a_lead_carries_is_the_leads(self):
        lead = make_lead("sqo")
        deal = opportunity(lead)
        with pytest.raises(deals.DealError, match="stands where its lead does"):
            deals.change(opportunity_id=deal.pk, changes={"stage_id": stage("proposal").pk}, cause=by())
        lifecycle.advance(lead_ids=[lead.pk], to=stage("proposal"), cause=by())
        deal.refresh_from_db()
        assert deal.stage == stage("proposal")
        assert changed(deal, "stage_id")[-1] == (str(stage("sqo").pk), str(stage("proposal").pk))

    @pytest.mark.parametrize("key", ["sql", "won"])
    def test_an_open_deal_is_in_a_stage_of_opportunities(self, key):
        with pytest.raises(deals.DealError, match="one of the stages of opportunities"):
            deals.change(opportunity_id=make_free_deal().pk, changes={"stage_id": stage(key).pk}, cause=by())


class TestClosing:
    def test_a_deal_of_a_lead_is_won_and_lost_through_it(self):
        lead = make_lead("sqo")
        deal = opportunity(lead)
        closing.win(opportunity_id=deal.pk, reason_id=reason("win"), cause=by(), note="At last")
        deal.refresh_from_db()
        assert (deal.state, deal.stage, deal.reason_id) == ("won", stage("won"), reason("win"))
        assert (journey(lead.pk).outcome, journey(lead.pk).reason_id) == ("won", reason("win"))

        closing.reopen(opportunity_id=deal.pk, cause=by())
        deal.refresh_from_db()
        assert (deal.state, deal.stage, deal.reason) == ("open", stage("sqo"), None)

        closing.lose(opportunity_id=deal.pk, reason_id=reason("lose"), cause=by())
        deal.refresh_from_db()
        assert (deal.state, deal.stage, deal.reason_id) == ("lost", stage("sqo"), reason("lose"))
        assert [new for _, new in changed(deal, "state")] == ["won", "open", "lost"]

    def test_a_deal_without_a_lead_is_won_and_lost_by_itself(self):
        deal = make_free_deal()
        closing.win(opportunity_id=deal.pk, reason_id=reason("win"), cause=by(at=day(3)))
        deal.refresh_from_db()
        assert (deal.state, deal.closed_at, deal.stage, deal.reason_id) == ("won", day(3), stage("won"), reason("win"))
        closing.reopen(opportunity_id=deal.pk, cause=by())
        deal.refresh_from_db()
        assert (deal.state, deal.closed_at, deal.stage, deal.reason) == ("open", None, stage("sqo"), None)

    @pytest.mark.parametrize("carried", [True, False])
    def test_what_is_closed_is_not_closed_again_and_a_reason_fits(self, carried):
        deal = opportunity(make_lead("sqo")) if carried else make_free_deal()
        with pytest.raises(NotClosedError) as refused:
            closing.lose(opportunity_id=deal.pk, reason_id=reason("win"), cause=by())
        assert refused.value.refusal.code == Code.REASON
        closing.win(opportunity_id=deal.pk, cause=by())
        for again in (
            lambda: closing.win(opportunity_id=deal.pk, cause=by()),
            lambda: closing.lose(opportunity_id=deal.pk, reason_id=reason("lose"), cause=by()),
        ):
            with pytest.raises(NotClosedError) as refused:
                again()
            assert refused.value.refusal.code in (Code.ALREADY, Code.CONFLICT)
        assert Opportunity.objects.get(pk=deal.pk).state == "won"

    def test_a_deal_whose_lead_has_come_back_stays_as_it_ended(self):
        lead = make_lead("sqo")
        deal = opportunity(lead)
        closing.lose(opportunity_id=deal.pk, reason_id=reason("lose"), cause=by())
        lifecycle.requalify(lead_ids=[lead.pk], cause=by())
        with pytest.raises(NotClosedError, match="another pass"):
            closing.reopen(opportunity_id=deal.pk, cause=by())
        assert Journey.objects.get(lead=lead, pass_no=2).outcome == ""


class TestCustomers:
    def periods(self, account):
        return list(CustomerPeriod.objects.filter(account=account).values_list("began_on", "ended_on"))

    def test_the_first_win_begins_it_and_an_undone_one_does_not(self):
        account = make_account()
        first, second = make_free_deal(account=account), make_free_deal(account=account)
        closing.win(opportunity_id=second.pk, cause=by(at=day(9)))
        assert self.periods(account) == [(date(2026, 3, 9), None)]
        closing.win(opportunity_id=first.pk, cause=by(at=day(4)))
        assert self.periods(account) == [(date(2026, 3, 4), None)]
        closing.reopen(opportunity_id=first.pk, cause=by())
        assert self.periods(account) == [(date(2026, 3, 9), None)]
        closing.reopen(opportunity_id=second.pk, cause=by())
        assert self.periods(account) == []

    def test_a_win_of_a_lead_makes_its_account_a_customer(self):
        lead = make_lead("won", company_name="Buyer")
        assert CustomerPeriod.objects.current().get().account_id == lead.account_id

    def test_who_left_and_comes_back_begins_another_time(self):
        account = make_account()
        say = {"account_id": account.pk, "note": "", "cause": by(), "today": TODAY}
        customers.say(began_on=date(2025, 1, 1), ended_on=date(2025, 12, 31), **say)
        deal = make_free_deal(account=account)
        closing.win(opportunity_id=deal.pk, cause=by(at=day(9)))
        assert self.periods(account) == [
            (date(2025, 1, 1), date(2025, 12, 31)), (date(2026, 3, 9), None),
        ]  # fmt: skip
        customers.say(began_on=date(2026, 3, 9), ended_on=date(2026, 5, 1), **say)
        closing.reopen(opportunity_id=deal.pk, cause=by())
        assert self.periods(account)[-1] == (date(2026, 3, 9), date(2026, 5, 1))

    @pytest.mark.parametrize(
        ("began_on", "ended_on", "field"),
        [
            (date(2026, 6, 2), None, "began_on"),
            (date(2026, 1, 1), date(2026, 6, 2), "ended_on"),
            (date(2026, 1, 2), date(2026, 1, 1), "ended_on"),
        ],
    )
    def test_dates_that_cannot_be_are_named(self, began_on, ended_on, field):
        with pytest.raises(customers.CustomerError) as refused:
            customers.say(
                account_id=make_account().pk, began_on=began_on, ended_on=ended_on, note="", cause=by(), today=TODAY
            )
        assert refused.value.field == field

    def test_the_same_statements_whatever_the_number_of_wins(self):
        def won(count):
            pairs = [make_free_deal() for _ in range(count)]
            with CaptureQueriesContext(connection) as captured:
                customers.follow(opportunity_ids=[each.pk for each in pairs], cause=by(), now=day(1))
            return len(captured)

        assert won(1) == won(7) == 2


class TestBuyingGroup:
    def test_roles_are_named_and_people_leave_but_who_carries_the_deal_or_joined_it_stays(self):
        lead = make_lead("sqo", company_name="Buyer")
        deal = opportunity(lead)
        joined = make_lead(company_name="Buyer", email="x@buyer.example")
        Lead.objects.filter(pk=joined.pk).update(account=lead.account_id)
        lifecycle.attach(lead_ids=[joined.pk], opportunity_id=deal.pk, cause=by())
        named = make_lead()
        assert buying_groups.name_roles(opportunity_id=deal.pk, roles={named.pk: "Champion"}, cause=by()) == 1
        assert buying_groups.name_roles(opportunity_id=deal.pk, roles={named.pk: "Champion"}, cause=by()) == 0
        assert changed(deal, "contact") == [("", f"{named.pk} Champion")]

        everybody = [lead.pk, joined.pk, named.pk]
        assert buying_groups.dismiss(opportunity_id=deal.pk, lead_ids=everybody, cause=by()) == 1
        assert set(OpportunityContact.objects.values_list("lead", flat=True)) == {lead.pk, joined.pk}
        assert changed(deal, "contact")[-1] == (f"{named.pk} Champion", "")


class TestLikeness:
    def deal(self, account, name, **fields):
        return make_free_deal(account=account, name=name, **fields)

    def look(self, deal):
        return {each.pk for each in deal_likeness.look([deal.pk]).get(deal.pk, [])}

    def test_open_deals_of_an_account_that_are_alike_in_name_or_in_amount_and_date(self):
        account = make_account(name="Acme")
        deal = self.deal(account, "Acme: Shift planner")
        spelled = self.deal(account, "Acme – shift planners", amount=Decimal(1))
        near = self.deal(account, "Acme: Licence", amount=Decimal(10_000), expected_close_on=date(2027, 4, 20))
        self.deal(account, "Acme: Training", amount=Decimal(700))
        self.deal(account, "Acme: Kiosk", expected_close_on=date(2027, 8, 1))
        self.deal(make_account(name="Acme"), "Acme: Shift planner")
        lost = self.deal(account, "Acme: Shift planner")
        closing.lose(opportunity_id=lost.pk, reason_id=reason("lose"), cause=by())

        assert self.look(deal) == {spelled.pk, near.pk}
        assert self.look(near) == {deal.pk}

    def test_who_knows_that_they_are_two_is_not_asked_again(self):
        account = make_account(name="Acme")
        first, second = self.deal(account, "Planner"), self.deal(account, "Planner")
        deal_likeness.tell_apart(opportunity_id=second.pk, others=[first.pk], cause=by())
        assert self.look(first) == self.look(second) == set()

    def test_a_deal_that_is_about_to_be_opened_is_compared_too(self):
        account = make_account(name="Acme")
        deal = self.deal(account, "Acme: Planner")
        asked = {"name": "acme: planner", "base_amount": None, "expected_close_on": None}
        [found] = deal_likeness.look_for(account_id=account.pk, **asked)
        assert (found.pk, found.evidence) == (deal.pk, "Open, of the same account, with the same name.")
        assert deal_likeness.look_for(account_id=None, **asked) == []


class TestWithdrawing:
    def test_a_deal_that_a_lead_carries_stays_and_a_free_one_leaves(self):
        carried, free = opportunity(make_lead("sqo")), make_free_deal()
        closing.win(opportunity_id=free.pk, cause=by())
        assert deals.withdraw(opportunity_ids=[carried.pk, free.pk], cause=by()) == 1
        assert not CustomerPeriod.objects.filter(account=free.account_id).exists()


def test_criteria_of_a_deal_ask_for_its_close_date_too():
    lead = arrived(to("sql", day(3)))
    [deal] = deals.open_deals(drafts=[DealDraft("Deal", "EUR", lead_id=lead, amount=Decimal(9))], cause=by())
    bant = ("budget", "authority", "need", "timeline")
    moved = lifecycle.advance(lead_ids=[lead], to=stage("sqo"), cause=by(), confirmations=bant, opportunity_id=deal)
    assert moved.refused[0].message == "Sales opportunity needs an opportunity with an expected close date."


def test_a_win_in_history_says_why_only_with_a_reason_for_winning():
    lead = arrived(to("mql", day(2)), to("sqo", day(4)))
    wrong = replace(step(Kind.WIN, day(5), reason_id=reason("reject")), lead_id=lead)
    moved = lifecycle.move(steps=[wrong], cause=by())
    assert [refusal.code for refusal in moved.refused] == [Code.REASON]


def test_a_lead_that_is_qualified_brings_its_deal_into_its_stage():
    lead = make_lead("sql")
    make_deal(lead.pk, "proposal")
    assert opportunity(lead).stage == stage("proposal")
