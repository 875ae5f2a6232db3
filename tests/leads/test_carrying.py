"""Another person of the buying group carries the deal: moves, figures and amounts follow, once, and back again."""

import pytest
from django.urls import reverse

from alignment.lib.invariants import count_broken
from alignment.management.commands.verify import INVARIANTS
from alignment.people.models import Role
from leads import lifecycle
from leads.deals import buying_groups, carrying, closing
from leads.deals.carrying import NotCarriedError
from leads.milestones import Milestone, Outcome
from leads.models import Journey, Lead, Opportunity, OpportunityChange, OpportunityContact
from sla.sweep import sweep
from tests.api.asking import api, problem
from tests.factories import make_free_deal, make_lead, make_user
from tests.leads.stories import by, journey, reason, stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def carrier():
    return make_lead("sqo", company_name="Buyer", email="ana@buyer.example")


@pytest.fixture
def deal(carrier):
    return Opportunity.objects.get(contacts__lead=carrier)


@pytest.fixture
def other(deal):
    """An accepted lead of the same account."""
    return make_lead("sql", company_name="Buyer", email="bo@buyer.example")


def carry(deal, lead, **more):
    carrying.carry(opportunity_id=deal.pk, lead_id=lead.pk, cause=by(make_user(Role.REVOPS).pk), **more)


def opportunities():
    """How many journeys figures count as opportunities: one for each deal that a lead carries."""
    return Journey.objects.filter(reached__gte=Milestone.SQO, is_primary=True).count()


def broken():
    sweep()  # an undone move may leave something to do
    return [sentence for sentence, rows in count_broken(INVARIANTS).items() if rows]


def test_the_deal_and_its_amount_are_counted_once_by_who_carries_it_now(deal, carrier, other):
    before = journey(carrier.pk)
    carry(deal, other)
    assert opportunities() == 1
    taken, joined = journey(other.pk), journey(carrier.pk)
    assert (taken.is_primary, taken.opportunity_id, taken.reached) == (True, deal.pk, Milestone.SQO)
    assert (joined.is_primary, joined.outcome) == (False, Outcome.ATTACHED)
    assert taken.sqo_at == max(before.sqo_at, taken.accepted_at)
    assert OpportunityContact.objects.get(is_primary=True).lead == other
    assert not broken()


def test_the_change_is_a_row_by_who_made_it(deal, carrier, other):
    carry(deal, other)
    row = OpportunityChange.objects.filter(opportunity=deal).latest("id")
    assert (row.field, row.old, row.new, row.base_before) == ("carrier", str(carrier.pk), str(other.pk), row.base_after)
    assert row.actor.role == Role.REVOPS


def test_the_deal_follows_its_new_lead_and_not_the_former_one(deal, carrier, other):
    carry(deal, other)
    lifecycle.win(lead_ids=[other.pk], cause=by())
    assert Opportunity.objects.get().state == "won"
    assert Lead.objects.get(pk=carrier.pk).outcome == Outcome.ATTACHED
    assert not broken()


def test_the_stage_of_the_deal_stays(deal, carrier, other):
    lifecycle.advance(lead_ids=[carrier.pk], to=stage("proposal"), cause=by())
    carry(deal, other)
    assert Opportunity.objects.get().stage.key == Lead.objects.get(pk=other.pk).stage.key == "proposal"


def test_it_goes_back_to_who_carried_it(deal, carrier, other):
    carry(deal, other)
    carry(deal, carrier)
    assert (journey(carrier.pk).is_primary, journey(carrier.pk).outcome) == (True, "")
    assert (journey(other.pk).is_primary, journey(other.pk).outcome) == (False, Outcome.ATTACHED)
    assert opportunities() == 1
    assert OpportunityChange.objects.latest("id").field == "carrier"
    assert not broken()


def test_who_had_joined_the_deal_may_carry_it(deal, carrier, other):
    lifecycle.attach(lead_ids=[other.pk], opportunity_id=deal.pk, cause=by())
    carry(deal, other)
    assert (opportunities(), journey(other.pk).is_primary) == (1, True)
    assert not broken()


def test_a_deal_without_a_lead_gets_one(other):
    deal = make_free_deal(account=other.account)
    carry(deal, other, override=True, note="Sales found it before the lead came in")
    assert (journey(other.pk).opportunity_id, opportunities()) == (deal.pk, 2)
    assert not broken()


def test_an_undone_move_leaves_a_deal_that_somebody_else_can_carry(deal, carrier, other):
    carry(deal, other)
    lifecycle.undo(lead_id=other.pk, cause=by())
    assert (opportunities(), Opportunity.objects.get().state) == (0, "open")
    carry(deal, carrier)
    assert opportunities() == 1
    assert not broken()


def test_why_it_stays_with_whom_it_is(deal, carrier, other):
    stranger = make_lead("sql", company_name="Elsewhere", email="x@elsewhere.example")
    busy = make_lead("sqo", company_name="Buyer", email="c@buyer.example")
    gone = make_lead("mql", company_name="Buyer", email="d@buyer.example")
    lifecycle.reject(lead_ids=[gone.pk], reason_id=reason("reject"), cause=by())
    for lead, why in ((carrier, "already"), (stranger, "account"), (busy, "another deal"), (gone, "requalifying")):
        with pytest.raises(NotCarriedError, match=why):
            carry(deal, lead)
    closing.lose(opportunity_id=deal.pk, reason_id=reason("lose"), cause=by())
    with pytest.raises(NotCarriedError, match="closed"):
        carry(deal, other)
    assert journey(carrier.pk).is_primary


def test_on_the_page(client, deal, carrier, other):
    client.force_login(make_user(Role.REVOPS))
    buying_groups.name_roles(opportunity_id=deal.pk, roles={other.pk: "Champion"}, cause=by())
    address = reverse("deal_carrier", args=[deal.pk, other.pk])
    assert address in client.get(reverse("deal", args=[deal.pk])).content.decode()
    said = client.post(address, follow=True).content.decode()
    assert "carries the deal from now on" in said
    assert "Carried by" in said
    assert "carries this deal already" in client.post(address, follow=True).content.decode()


def test_by_the_api(deal, carrier, other):
    asking = api()
    answer = asking.post(f"opportunities/{deal.pk}/contacts/{other.pk}/carry/", {"note": "Ana has left"})
    assert [(each["lead"], each["is_primary"]) for each in answer.json()["results"]] == [
        (other.pk, True), (carrier.pk, False),
    ]  # fmt: skip
    problem(asking.post(f"opportunities/{deal.pk}/contacts/{other.pk}/carry/"), 409)
    problem(asking.post(f"opportunities/{deal.pk}/contacts/999/carry/"), 404)
    problem(api(Role.EXECUTIVE).post(f"opportunities/{deal.pk}/contacts/{carrier.pk}/carry/"), 403)


def test_who_may(client, deal, other):
    client.force_login(make_user(Role.REP))
    assert client.post(reverse("deal_carrier", args=[deal.pk, other.pk])).status_code == 403
