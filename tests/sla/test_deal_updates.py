"""Open deals that have to be kept up to date: each update meets a clock and begins the next one."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.lib.invariants import count_broken
from alignment.ops.models import Notification
from alignment.people.models import Role
from leads import lifecycle
from leads.causes import Promise
from leads.deals import closing, deals
from leads.lifecycle import database_now
from leads.models import OpportunityChange, OpportunityContact, Reason
from sla import clocks, pausing
from sla.invariants import INVARIANTS
from sla.models import CancelReason, Clock, ClockEvent, PauseReason
from sla.receipt import receipt
from sla.rules import Rule
from sla.subjects.deals import Kept, Update, owed
from sla.sweep import sweep
from tests.api.asking import api
from tests.factories import make_free_deal, make_lead, make_user
from tests.pages import text
from tests.sla.stories import HOUR, NOON, cause, promise, touch

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def at(days):
    return NOON + days * DAY


def test_the_page_of_each_stage_of_opportunities_tells_what_its_deals_are_promised(client):
    """A clock begins anew with each update, wherever the deal stands then; that of a lead begins once."""
    promise(Rule("Updated", target=120), kind="deal_update")
    client.force_login(make_user(Role.REVOPS))
    for stage in ("sqo", "proposal"):
        page = text(client.get(reverse("setup_stage", args=[stage])))
        assert "nothing is promised" not in page
        assert "For every deal: within 120 hours" in page
    assert "Signed by both sides" not in page


class TestChain:
    """What the clocks of one deal are owed, without a database."""

    def told(self, kept, *days, is_open=True, **more):
        updates = [Update(at(day)) if day >= 0 else Update(at(-day), closes=True) for day in days]
        found = owed(kept, updates, is_open=is_open, **more)
        return {number: (each.since, each.answered_at, each.void) for number, each in found.items()}

    def test_a_deal_without_a_clock_begins_with_its_newest_update(self):
        assert self.told([], 0, 3) == {1: (at(3), None, None)}

    def test_each_update_meets_the_clock_that_ran_and_begins_the_next(self):
        assert self.told([Kept(1, at(0))], 0, 2, 5) == {
            1: (at(0), at(2), None), 2: (at(2), at(5), None), 3: (at(5), None, None),
        }  # fmt: skip

    def test_following_twice_changes_nothing(self):
        kept = [Kept(1, at(0), at(2)), Kept(2, at(2))]
        assert self.told(kept, 0, 2) == {1: (at(0), at(2), None), 2: (at(2), None, None)}

    def test_an_update_that_becomes_known_late_moves_the_stop_of_the_clock_that_ran_then(self):
        kept = [Kept(1, at(0), at(5)), Kept(2, at(5))]
        assert self.told(kept, 0, 2, 5) == {1: (at(0), at(2), None), 2: (at(5), None, None)}

    def test_closing_is_an_update_and_nothing_is_owed_after_it(self):
        assert self.told([Kept(1, at(0))], 0, -4, is_open=False) == {1: (at(0), at(4), None)}

    def test_nothing_was_owed_while_it_was_closed(self):
        kept = [Kept(1, at(0), at(4))]
        assert self.told(kept, 0, -4, 9) == {1: (at(0), at(4), None), 2: (at(9), None, None)}

    def test_closed_before_the_clock_began_it_is_void(self):
        kept = [Kept(1, at(5))]
        assert self.told(kept, -3, 5, is_open=False) == {1: (at(5), None, CancelReason.CLOSED)}

    def test_one_that_should_never_have_been_opened_is_owed_nothing(self):
        kept = [Kept(1, at(0), at(2)), Kept(2, at(2))]
        told = self.told(kept, 0, 2, is_open=False, is_void=True)
        assert told == {1: (at(0), at(2), None), 2: (at(2), None, CancelReason.UNDONE)}


@pytest.fixture
def five_days():
    [policy] = promise(
        Rule("An open deal is updated every five days", target=5, unit="business_days", pauses=["waiting"]),
        kind="deal_update",
    )
    return policy


def clocks_of(deal):
    return list(Clock.objects.of_subjects("deal_update", [deal.pk]).order_by("pass_no"))


def change(deal, **changes):
    deals.change(opportunity_id=deal.pk, changes=changes, cause=cause())


def broken():
    return [sentence for sentence, rows in count_broken(INVARIANTS).items() if rows]


class TestDeals:
    def test_without_a_rule_nothing_is_promised(self):
        assert clocks_of(make_free_deal()) == []

    def test_it_begins_when_it_is_opened_and_again_with_each_change(self, five_days):
        deal = make_free_deal()
        [clock] = clocks_of(deal)
        assert (clock.lead, clock.policy, clock.due_at - clock.started_at) == (None, five_days, 5 * DAY)
        change(deal, name="Renewal of everything")
        first, second = clocks_of(deal)
        assert (first.stopped_at, second.stopped_at) == (second.started_at, None)
        assert [event.kind for event in first.events.all()] == ["started", "met"]
        assert not broken()

    def test_a_talk_with_the_buying_group_counts_and_what_the_buyer_does_does_not(self, five_days):
        lead = make_lead("sqo", owner=make_user())
        deal = lead.contact_roles.get().opportunity
        [clock] = clocks_of(deal)
        assert clock.lead_id == lead.pk
        touch(lead.pk, database_now(), direction="inbound")
        assert len(clocks_of(deal)) == 1
        touch(lead.pk, database_now())
        assert len(clocks_of(deal)) == 2
        assert not broken()

    def test_closing_ends_it_and_reopening_begins_again(self, five_days):
        deal = make_free_deal(owner_id=make_user().pk)
        lost = Reason.objects.offered("lose").first().pk
        closing.lose(opportunity_id=deal.pk, reason_id=lost, note="", cause=cause())
        [clock] = clocks_of(deal)
        assert (clock.stopped_at is not None, clock.is_breached(database_now())) == (True, False)
        closing.reopen(opportunity_id=deal.pk, note="", cause=cause())
        assert [each.is_running for each in clocks_of(deal)] == [False, True]
        assert not broken()

    def test_a_deal_that_its_lead_wins_is_owed_nothing_more(self, five_days):
        lead = make_lead("sqo", owner=make_user())
        lifecycle.win(lead_ids=[lead.pk], cause=cause())
        assert not any(each.is_running for each in clocks_of(lead.contact_roles.get().opportunity))
        assert not broken()

    def test_taken_back_it_was_never_owed_anything(self, five_days):
        deal = make_free_deal()
        deals.withdraw(opportunity_ids=[deal.pk], cause=cause())
        assert [each.cancelled_why for each in clocks_of(deal)] == ["undone"]
        assert not broken()

    def test_history_begins_no_clock(self, five_days):
        [pk] = deals.open_deals(
            drafts=[deals.DealDraft(name="Old", currency="EUR")], cause=cause(promise=Promise.HISTORY)
        )
        assert not Clock.objects.of_subjects("deal_update", [pk]).exists()

    def test_publishing_begins_with_what_is_open_today(self):
        deal, lost = make_free_deal(), make_free_deal(owner_id=make_user().pk)
        reason_id = Reason.objects.offered("lose").first().pk
        closing.lose(opportunity_id=lost.pk, reason_id=reason_id, note="", cause=cause())
        promise(Rule("Updated", target=24), kind="deal_update")
        [clock] = clocks_of(deal)
        assert (clock.is_breached(database_now()), clocks_of(lost)) == (False, [])
        promise(Rule("Updated", target=12), kind="deal_update")
        assert len(clocks_of(deal)) == 1

    def test_its_owner_and_their_manager_hear_of_a_breach_and_the_manager_may_hand_it_over(self, five_days):
        rep, manager = make_user(), make_user(Role.MANAGER)
        rep.team.manager = manager
        rep.team.save()
        deal = make_free_deal(owner_id=rep.pk, name="Alves renewal", opened_at=database_now() - 30 * DAY)
        [clock] = clocks_of(deal)
        sweep()
        told = Notification.objects.filter(kind="breach")
        assert sorted(told.values_list("user_id", flat=True)) == sorted([rep.pk, manager.pk])
        assert {each.title for each in told} == {"No update within 5 business days: Alves renewal"}
        assert {(each.url, each.subject_kind) for each in told} == {(f"/deals/{deal.pk}/", "opportunity")}
        proposal = Notification.objects.get(user=manager, kind="escalation", title__startswith="Hand over?")
        assert proposal.url == f"/deals/{deal.pk}/edit/"
        assert ClockEvent.objects.filter(clock=clock, kind="breached").count() == 1

    def test_an_update_after_the_breach_is_late_and_the_next_clock_is_not(self, five_days):
        deal = make_free_deal(opened_at=database_now() - 30 * DAY)
        change(deal, name="At last")
        now = database_now()
        assert [each.is_breached(now) for each in clocks_of(deal)] == [True, False]

    def test_the_receipt_shows_its_owners(self, five_days):
        first, second = make_user(name="Ada"), make_user(name="Bo")
        deal = make_free_deal(owner_id=first.pk)
        change(deal, owner_id=second.pk)
        clock = clocks_of(deal)[-1]
        assert {each.holder for each in receipt(clock, clock.started_at + HOUR).held} == {second}

    def test_it_is_paused_for_the_reasons_of_its_rule(self, five_days):
        clock = clocks_of(make_free_deal())[0]
        reason = PauseReason.objects.get(key="waiting")
        assert pausing.pause(clock_ids=[clock.pk], reason=reason, cause=cause()).clock_ids == (clock.pk,)

    def test_its_page_and_the_api(self, five_days, client):
        rep = make_user(Role.REP, name="Ada")
        deal = make_free_deal(owner_id=rep.pk, name="Alves renewal")
        [clock] = clocks_of(deal)
        client.force_login(rep)
        page = client.get(f"/clocks/{clock.pk}/").content.decode()
        assert "Update within 5 business days" in page
        assert f'<a href="/deals/{deal.pk}/">Alves renewal</a>' in page
        assert "Pause it" in page
        [told] = api(user=rep).get("promises/?kind=deal_update").json()["results"]
        assert (told["subject"], told["lead"], told["kind"]) == (deal.pk, None, "deal_update")

    def test_the_rules_page_previews_it(self, five_days, client):
        make_free_deal()
        client.force_login(make_user(Role.REVOPS))
        client.post("/setup/slas/deal_update/begin/")
        assert "For every deal" in client.get("/setup/slas/deal_update/draft/").content.decode()
        page = client.get("/setup/slas/deal_update/draft/preview/").content.decode()
        assert '<td data-label="How many" class="num">1</td>' in page

    def test_statements_do_not_depend_on_how_many_deals_changed(self, five_days):
        made = [make_free_deal(owner_id=make_user().pk).pk for _ in range(6)]
        OpportunityChange.objects.bulk_create(
            [
                OpportunityChange(opportunity_id=pk, recorded_at=database_now(), field="name", currency="EUR", rate=1)
                for pk in made
            ]
        )

        def statements(keys):
            with CaptureQueriesContext(connection) as found:
                clocks.follow_up(kind="deal_update", keys=keys, cause=cause())
            return len(found)

        assert statements(made[:1]) == statements(made[1:])


class TestTable:
    def test_a_clock_of_a_pass_is_its_leads(self):
        clock = Clock.objects.get(lead=make_lead())
        for wrong in ({"lead_id": None}, {"subject_id": clock.subject_id + 1}):
            with pytest.raises(IntegrityError, match="clock_of_its_lead"), transaction.atomic():
                Clock.objects.filter(pk=clock.pk).update(**wrong)

    def test_a_kind_has_a_name(self):
        clock = Clock.objects.get(lead=make_lead())
        with pytest.raises(IntegrityError, match="clock_subject_named"), transaction.atomic():
            Clock.objects.filter(pk=clock.pk).update(subject_kind="No name")


def test_a_member_of_two_groups_keeps_both_deals_up_to_date(five_days):
    lead, other = make_lead("sqo", owner=make_user()), make_free_deal()
    OpportunityContact.objects.create(opportunity=other, lead=lead)
    touch(lead.pk, database_now())
    deal = lead.contact_roles.get(is_primary=True).opportunity
    assert [len(clocks_of(each)) for each in (deal, other)] == [2, 2]
