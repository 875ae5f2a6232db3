"""Leads come in: found again or new, filled in, and never without a place in the funnel."""

from decimal import Decimal

import pytest

from alignment.lib.invariants import count_broken
from leads import intake, rebuild
from leads.decisions import Code
from leads.drafts import DealDraft, Draft, Reference, TouchDraft
from leads.invariants import INVARIANTS
from leads.merging import merging
from leads.milestones import CauseSource, Kind, Milestone, Outcome, QualifiedBy
from leads.models import Account, HolderInterval, Lead, LeadTransition, Opportunity, Stage, Touchpoint
from tests.factories import make_user
from tests.leads.stories import HISTORY, arrived, by, codes, day, journey, rows, step, to, where

pytestmark = pytest.mark.django_db


def receive(*drafts, cause=None, **how):
    return intake.receive(drafts=drafts, cause=cause or by(), **how)


@pytest.fixture(autouse=True)
def in_order():
    yield
    assert not any(count_broken(INVARIANTS).values())
    assert rebuild.rebuild(dry_run=True).differing == 0


class TestEntry:
    def test_a_new_lead_is_marketing_generated_now(self):
        received = receive(Draft(name="Ada"))
        [lead] = received.lead_ids
        assert (where(lead), journey(lead).mgl_at) == (("mgl", ""), received.moved.recorded_at)

    def test_who_raises_a_hand_is_qualified_by_it(self):
        [lead] = receive(Draft(name="Ada", touches=(TouchDraft("Asked for a demo", is_hand_raise=True),))).lead_ids
        assert (where(lead), journey(lead).qualified_by) == (("mql", ""), QualifiedBy.HAND_RAISE)

    def test_history_without_a_date_stays_without_one(self):
        [lead] = receive(Draft(name="Ada"), cause=HISTORY).lead_ids
        assert (journey(lead).mgl_at, journey(lead).entered_at) == (None, None)

    @pytest.mark.parametrize(
        ("kind", "place"), [(Kind.WIN, ("won", Outcome.WON)), (Kind.REJECT, ("mgl", Outcome.REJECTED))]
    )
    def test_history_that_only_knows_the_end_skips_what_came_before(self, kind, place):
        lead = arrived(step(kind, day(9)))
        assert where(lead) == place
        assert (journey(lead).mgl_at, journey(lead).closed_at) == (None, day(9))

    def test_a_win_that_a_program_reports_of_a_stranger_opens_and_wins_a_pass(self):
        lead = arrived(step(Kind.WIN, day(9)), cause=by())
        assert (journey(lead).mgl_at, journey(lead).won_at) == (day(9), day(9))

    def test_a_lead_that_its_stage_does_not_admit_comes_in_below_it(self):
        stage = Stage.objects.filter(key="mql")
        asked = stage.get().criteria
        stage.update(criteria={"fields": ["phone"]})
        hand = TouchDraft("Asked for a demo", is_hand_raise=True)
        received = receive(Draft(name="Ada", touches=(hand,)), Draft(name="Bo", touches=(hand,), phone="+49 30 1234"))
        assert [where(lead)[0] for lead in received.lead_ids] == ["mgl", "mql"]
        assert codes(received.moved) == [Code.CRITERIA]
        [row] = rows(received.lead_ids[0])
        assert (row.is_override, row.note.text) == (True, "Marketing qualified needs a phone number.")
        assert received.moved.lead_ids == sorted(received.lead_ids)
        # No version says so, and a stage is what its version says.
        stage.update(criteria=asked)

    def test_what_cannot_be_first_is_refused_and_the_lead_comes_in_all_the_same(self):
        received = receive(Draft(name="Ada", steps=(to("won", day(3)),)), cause=HISTORY)
        assert codes(received.moved) == [Code.NOT_ALLOWED]
        assert where(received.lead_ids[0]) == ("mgl", "")


class TestFoundAgain:
    def test_by_address_whatever_its_case(self):
        lead = arrived(email="Ada@Buyer.example")
        received = receive(Draft(email=" ada@buyer.EXAMPLE"))
        assert (received.lead_ids, received.created) == ((lead,), frozenset())

    def test_by_reference_before_address(self):
        one, _ = arrived(references=(Reference("crm", "1"),)), arrived(email="bo@buyer.example")
        assert receive(Draft(email="bo@buyer.example", references=(Reference("crm", "1"),))).lead_ids == (one,)

    def test_twice_in_one_set(self):
        received = receive(Draft(email="ada@buyer.example"), Draft(email="ada@buyer.example", phone="+49 30 1234"))
        assert len(set(received.lead_ids)) == len(received.created) == 1
        assert Lead.objects.get().phone == "+49 30 1234"

    def test_a_merged_lead_as_the_one_that_it_went_into(self):
        gone, survivor = arrived(references=(Reference("crm", "1"),)), arrived()
        merging.merge(survivor_id=survivor, loser_ids=[gone], cause=by())
        assert receive(Draft(references=(Reference("crm", "1"),))).lead_ids == (survivor,)

    def test_blanks_are_filled_and_words_are_kept(self):
        lead = arrived(email="ada@buyer.example", title="CTO", phone="")
        received = receive(Draft(email="ada@buyer.example", title="CEO", phone="+49 30 1234"))
        assert received.updated == {lead}
        assert Lead.objects.values_list("title", "phone").get(pk=lead) == ("CTO", "+49 30 1234")
        receive(Draft(email="ada@buyer.example", title="CEO"), overwrite=True)
        assert Lead.objects.get(pk=lead).title == "CEO"

    def test_who_withdrew_consent_or_asked_for_silence_is_not_contacted_again(self):
        lead = arrived(email="ada@buyer.example", consent="withdrawn", do_not_contact=True)
        receive(Draft(email="ada@buyer.example"), overwrite=True)
        assert Lead.objects.values_list("consent", "do_not_contact").get(pk=lead) == ("withdrawn", True)

    def test_another_lead_keeps_its_address(self):
        one, other = arrived(email="", references=(Reference("crm", "1"),)), arrived(email="bo@buyer.example")
        receive(Draft(email="bo@buyer.example", references=(Reference("crm", "1"),)), overwrite=True)
        assert dict(Lead.objects.values_list("pk", "email_key")) == {one: "", other: "bo@buyer.example"}

    def test_a_lead_that_stands_is_not_moved_by_a_draft_without_moves(self):
        lead = arrived(email="ada@buyer.example")
        hand = TouchDraft("Asked for a demo", is_hand_raise=True)
        assert receive(Draft(email="ada@buyer.example", touches=(hand,))).moved.taken == ()
        assert len(rows(lead)) == 1


def everything():
    return [
        Draft(
            name=f"Ada {number}", email=f"ada{number}@acme.example", company_name="Acme", source="Web",
            references=references, owner_id=owner.pk, owned_at=day(1),
            touches=(TouchDraft("Form", at=day(1), system="web", external_id=str(number)),),
            steps=(to("mql", day(2)), step(Kind.ACCEPT, day(3)), to("sqo", day(4)), step(Kind.WIN, day(5))),
            deal=DealDraft("Deal", "EUR", amount=Decimal(9), references=references, opened_at=day(4)),
        )
        for owner in [make_user()]
        for number, references in enumerate([(Reference("crm", "1"),), ()])
    ]  # fmt: skip


def test_receiving_the_same_twice_changes_nothing():
    drafts = everything()
    first = receive(*drafts, cause=HISTORY)
    before = counts()
    again = receive(*drafts, cause=HISTORY)
    assert (again.lead_ids, again.created, again.updated) == (first.lead_ids, frozenset(), frozenset())
    assert set(codes(again.moved)) == {Code.ALREADY}
    assert counts() == before


def counts():
    return {
        model.__name__: model.objects.count()
        for model in (Lead, LeadTransition, Account, Touchpoint, HolderInterval, Opportunity)
    }


def test_a_deal_belongs_to_the_company_of_its_lead_and_follows_it():
    lead, _ = receive(*everything(), cause=HISTORY).lead_ids
    deal = Opportunity.objects.get(journeys__lead=lead)
    assert (deal.account_id, deal.state, deal.closed_at) == (Lead.objects.get(pk=lead).account_id, "won", day(5))


def test_a_step_may_name_the_deal_itself():
    [deal, _] = [receive(draft, cause=HISTORY) and Opportunity.objects.latest("pk").pk for draft in everything()]
    lead = arrived(to("mql", day(2)), step(Kind.ATTACH, day(3), opportunity_id=deal))
    assert journey(lead).opportunity_id == deal


def test_of_two_owners_in_one_set_the_later_one_holds_the_lead():
    first, second = make_user(), make_user()
    drafts = [
        Draft(email="ada@buyer.example", owner_id=user.pk, owned_at=day(at)) for user, at in [(first, 1), (second, 3)]
    ]
    [lead] = set(receive(*drafts).lead_ids)
    held = HolderInterval.objects.filter(lead=lead).order_by("held").values_list("user", "held")
    assert [(user, span.lower, span.upper) for user, span in held] == [
        (first.pk, day(1), day(3)),
        (second.pk, day(3), None),
    ]
    assert Lead.objects.get(pk=lead).owner == journey(lead).owner == second


def test_the_source_is_found_by_its_name_and_frozen_with_the_pass():
    lead = arrived(source="Organic  Search")
    assert journey(lead).source.key == "organic_search"
    assert arrived(source="organic search", name="Other") != lead
    assert journey(lead).reached == Milestone.MQL
    assert rows(lead)[0].source == CauseSource.IMPORT
