"""Who held a lead, and whom its passes count for."""

import pytest

from leads import lifecycle
from leads.drafts import TouchDraft
from leads.holders import Assignment, hold
from leads.milestones import Kind
from leads.models import HolderInterval, Journey, Lead
from leads.touches import Touch, record
from tests.factories import make_user
from tests.leads.stories import arrived, by, day, journey, learn, reason, step, to

pytestmark = pytest.mark.django_db


def give(lead, user, at=None):
    return hold(assignments=[Assignment(lead, user and user.pk, at)], cause=by())


def holdings(lead):
    rows = HolderInterval.objects.filter(lead_id=lead).order_by("held")
    return [(row.user, row.held.lower, row.held.upper) for row in rows]


class TestIntervals:
    def test_one_follows_the_other(self):
        lead, ana, bruno = arrived(), make_user(), make_user()
        give(lead, ana, day(3))
        give(lead, bruno, day(5))
        assert holdings(lead) == [(ana, day(3), day(5)), (bruno, day(5), None)]
        assert Lead.objects.values_list("owner", "team").get(pk=lead) == (bruno.pk, bruno.team_id)

    def test_nobody_is_a_gap(self):
        lead, ana = arrived(), make_user()
        give(lead, ana, day(3))
        give(lead, None, day(4))
        give(lead, ana, day(6))
        assert holdings(lead) == [(ana, day(3), day(4)), (ana, day(6), None)]

    def test_who_holds_it_already_keeps_it(self):
        lead, ana = arrived(), make_user()
        give(lead, ana, day(3))
        assert give(lead, ana, day(4)).lead_ids == ()
        assert holdings(lead) == [(ana, day(3), None)]

    def test_a_date_before_the_last_hand_over_moves_up_to_it(self):
        lead, ana, bruno = arrived(), make_user(), make_user()
        give(lead, ana, day(3))
        give(lead, bruno, day(2))
        [(_, _, upper), (_, lower, _)] = holdings(lead)
        assert day(3) < upper == lower


class TestWhomAPassCountsFor:
    def test_an_open_pass_goes_with_the_lead(self):
        lead, ana, bruno = arrived(), make_user(), make_user()
        give(lead, ana)
        give(lead, bruno)
        assert (journey(lead).owner, journey(lead).team) == (bruno, bruno.team)

    def test_a_closed_pass_stays_with_who_held_it_then(self):
        lead, ana, bruno = arrived(), make_user(), make_user()
        give(lead, ana, day(3))
        learn(lead, step(Kind.RECYCLE, day(5)))
        give(lead, bruno, day(7))
        lifecycle.requalify(lead_ids=[lead], cause=by())
        assert (journey(lead, 1).owner, journey(lead, 2).owner) == (ana, bruno)

    def test_a_closed_pass_goes_to_who_turns_out_to_have_held_it_then(self):
        lead, ana = arrived(), make_user()
        learn(lead, step(Kind.RECYCLE, day(5)))
        lifecycle.requalify(lead_ids=[lead], cause=by())
        give(lead, ana, day(3))
        assert (journey(lead, 1).owner, journey(lead, 2).owner) == (ana, ana)

    def test_a_set_of_leads_with_and_without_closed_passes_changes_hands_at_once(self):
        fresh, back, gone, ana = arrived(), arrived(), arrived(), make_user()
        learn(back, step(Kind.RECYCLE, day(5)))
        lifecycle.requalify(lead_ids=[back], cause=by())
        lifecycle.recycle(lead_ids=[gone], cause=by())
        hold(
            assignments=[Assignment(fresh, ana.pk), Assignment(back, ana.pk, day(3)), Assignment(gone, ana.pk)],
            cause=by(),
        )
        held = [journey(fresh), journey(back, 1), journey(back, 2), journey(gone)]
        assert [each.owner for each in held] == [ana, ana, ana, None]

    def test_a_pass_that_nobody_held_when_it_closed_is_nobodys(self):
        lead, bruno = arrived(), make_user()
        lifecycle.reject(lead_ids=[lead], reason_id=reason("reject"), cause=by())
        give(lead, bruno)
        lifecycle.requalify(lead_ids=[lead], cause=by())
        assert (journey(lead, 1).owner, journey(lead, 2).owner) == (None, bruno)

    @pytest.mark.parametrize("closed_at", [None, day(5)])
    def test_history_counts_for_who_holds_the_lead_when_it_is_recorded(self, closed_at):
        lead, ana, bruno = arrived(), make_user(), make_user()
        give(lead, ana)
        learn(lead, step(Kind.RECYCLE, closed_at))
        give(lead, bruno)
        assert journey(lead).owner == ana

    def test_a_reopened_pass_goes_with_the_lead_again(self):
        lead, ana, bruno = arrived(), make_user(), make_user()
        give(lead, ana)
        lifecycle.recycle(lead_ids=[lead], cause=by())
        give(lead, bruno)
        lifecycle.reopen(lead_ids=[lead], cause=by())
        assert journey(lead).owner == bruno


class TestFirstWork:
    def test_it_is_the_first_human_touch_of_sales_since_acceptance(self):
        lead = arrived(to("mql", day(2)), step(Kind.ACCEPT, day(4)))
        for number, more in [
            (3, {}),
            (5, {"direction": "inbound"}),
            (6, {"is_human": False}),
            (8, {}),
            (7, {}),
        ]:
            touched = {"direction": "outbound"} | more
            record(touches=[Touch(lead, day(number), "call", "Called", **touched)], cause=by())
        assert journey(lead).worked_at == day(7)

    def test_accepted_and_never_touched_shows(self):
        assert journey(arrived(to("mql", day(2)), step(Kind.ACCEPT, day(4)))).worked_at is None

    def test_an_earlier_acceptance_lets_an_earlier_touch_count(self):
        lead = arrived(
            to("mql", day(2)),
            step(Kind.ACCEPT, day(4)),
            touches=(TouchDraft("Called", kind="call", at=day(3), direction="outbound"),),
        )
        assert journey(lead).worked_at is None
        learn(lead, step(Kind.ACCEPT, day(3)))
        assert journey(lead).worked_at == day(3)

    def test_what_happens_after_the_pass_is_not_its_work(self):
        lead = arrived(to("mql", day(2)), step(Kind.ACCEPT, day(4)), step(Kind.RECYCLE, day(5)))
        record(touches=[Touch(lead, day(6), "call", "Called", direction="outbound")], cause=by())
        assert Journey.objects.get(lead=lead).worked_at is None

    def test_a_touch_that_its_system_sends_again_is_stored_once(self):
        lead = arrived()
        for _ in range(2):
            record(touches=[Touch(lead, day(6), "form", "Demo", system="web", external_id="1")], cause=by())
        assert Lead.objects.get(pk=lead).touchpoints.count() == 1
