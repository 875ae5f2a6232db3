"""A human touch that was promised: to whom, from when, and what counts as one."""

from datetime import timedelta

import pytest

from leads import lifecycle
from leads.causes import Promise
from leads.milestones import Milestone
from leads.models.touchpoint import Direction
from sla.models import CancelReason, Clock
from tests.sla.stories import HOUR, NOON, arrive, cause, clock_of, kinds, open_deal, reason, stage, touch

pytestmark = pytest.mark.django_db


def accepted(at=NOON + HOUR):
    [lead] = arrive()
    lifecycle.accept(lead_ids=[lead], cause=cause(at))
    return lead


def raised_hand():
    [lead] = arrive((Milestone.MGL, NOON - HOUR))
    lifecycle.advance(lead_ids=[lead], to=stage(Milestone.MQL), qualified_by="hand_raise", cause=cause(NOON))
    return lead


class TestAcceptedLead:
    def test_its_touch_is_due_a_business_day_after_acceptance(self):
        clock = clock_of(accepted(), kind="worked")
        assert (clock.started_at, clock.due_at) == (NOON + HOUR, NOON + 25 * HOUR)

    def test_an_mql_that_nobody_accepted_has_none(self):
        [lead] = arrive()
        assert kinds(lead, "worked") == []

    def test_a_logged_call_keeps_it(self):
        lead = accepted()
        touch(lead, NOON + 2 * HOUR)
        assert clock_of(lead, kind="worked").stopped_at == NOON + 2 * HOUR
        assert kinds(lead, "worked") == ["started", "met"]

    def test_a_second_call_changes_nothing(self):
        lead = accepted()
        touch(lead, NOON + 2 * HOUR)
        touch(lead, NOON + 3 * HOUR)
        assert kinds(lead, "worked") == ["started", "met"]

    @pytest.mark.parametrize(
        "what", [{"direction": Direction.INBOUND}, {"direction": Direction.OUTBOUND, "is_human": False}]
    )
    def test_what_the_buyer_or_a_machine_did_is_no_human_touch(self, what):
        lead = accepted()
        touch(lead, NOON + 2 * HOUR, **what)
        assert clock_of(lead, kind="worked").is_running

    def test_a_call_before_acceptance_does_not_count(self):
        lead = accepted()
        touch(lead, NOON)
        assert clock_of(lead, kind="worked").is_running

    def test_a_call_that_becomes_known_late_counts_by_its_own_time(self):
        lead = accepted()
        touch(lead, NOON + 40 * HOUR)
        touch(lead, NOON + 3 * HOUR)
        assert clock_of(lead, kind="worked").stopped_at == NOON + 3 * HOUR
        assert kinds(lead, "worked") == ["started", "stopped", "breached", "settled"]

    def test_closed_in_time_nothing_is_owed_any_more(self):
        lead = accepted()
        lifecycle.lose(lead_ids=[lead], reason_id=reason("lose"), cause=cause(NOON + 2 * HOUR))
        assert clock_of(lead, kind="worked").cancelled_why == CancelReason.CLOSED

    def test_closed_too_late_it_was_never_touched_in_time(self):
        lead = accepted()
        lifecycle.lose(lead_ids=[lead], reason_id=reason("lose"), cause=cause(NOON + 90 * HOUR))
        assert clock_of(lead, kind="worked").is_breached(lifecycle.database_now())
        assert kinds(lead, "worked") == ["started", "stopped", "breached"]

    def test_an_undone_acceptance_cancels_it_and_the_next_one_goes_on_with_it(self):
        lead = accepted()
        lifecycle.undo(lead_id=lead, cause=cause())
        assert clock_of(lead, kind="worked").cancelled_why == CancelReason.UNDONE
        lifecycle.accept(lead_ids=[lead], cause=cause(NOON + 5 * HOUR))
        clock = clock_of(lead, kind="worked")
        assert clock.is_running
        assert clock.due_at == NOON + 29 * HOUR

    def test_a_lead_that_joins_a_deal_is_owed_none(self):
        lead = accepted()
        lifecycle.attach(lead_ids=[lead], opportunity_id=open_deal(), cause=cause(NOON + 2 * HOUR))
        assert clock_of(lead, kind="worked").cancelled_why == CancelReason.ATTACHED

    def test_history_knows_not_every_touch_and_times_none(self):
        arrive((Milestone.MQL, NOON), (Milestone.SQL, NOON + HOUR), promise=Promise.HISTORY)
        assert set(Clock.objects.values_list("subject_kind", flat=True)) == {"disposition"}


class TestHandRaiser:
    def test_a_touch_is_due_within_a_working_hour(self):
        clock = clock_of(raised_hand(), kind="first_touch")
        assert (clock.started_at, clock.due_at) == (NOON, NOON + HOUR)

    def test_who_did_not_ask_is_promised_none(self):
        [lead] = arrive()
        assert kinds(lead, "first_touch") == []

    def test_one_target_does_not_overrule_another(self):
        lead = raised_hand()
        touch(lead, NOON + timedelta(minutes=20))
        assert kinds(lead, "first_touch") == ["started", "met"]
        assert clock_of(lead).is_running
        assert clock_of(lead).due_at == NOON + 48 * HOUR

    def test_accepting_is_an_answer_but_no_touch(self):
        lead = raised_hand()
        lifecycle.accept(lead_ids=[lead], cause=cause(NOON + timedelta(minutes=5)))
        assert clock_of(lead).stopped_at
        assert clock_of(lead, kind="first_touch").is_running
        touch(lead, NOON + timedelta(minutes=30))
        assert kinds(lead, "first_touch") == ["started", "met"]
        assert kinds(lead, "worked") == ["started", "met"]
