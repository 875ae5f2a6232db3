"""Clocks follow the passes of their leads."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from leads import lifecycle
from leads.causes import Promise
from leads.decisions import Step
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import LeadTransition, Stage
from sla import clocks
from sla.models import CancelReason, Clock, ClockEvent, Policy
from sla.rules import Rule
from tests.sla.stories import (
    HOUR,
    NOON,
    arrive,
    cause,
    clock_of,
    drop_promises,
    facts,
    kinds,
    open_deal,
    promise,
    reason,
    stage,
)

pytestmark = pytest.mark.django_db


def accept(lead_id, at):
    return lifecycle.move(steps=[Step(lead_id, Kind.ACCEPT, at=at)], cause=cause())


class TestStart:
    def test_an_mql_has_48_hours_from_its_hand_over(self):
        [lead] = arrive()
        clock = clock_of(lead)
        assert (clock.started_at, clock.due_at, clock.next_at) == (NOON, NOON + 48 * HOUR, NOON + 24 * HOUR)
        assert clock.is_running
        assert not clock.is_silent
        assert kinds(lead) == ["started"]

    def test_a_lead_that_is_no_mql_yet_has_no_clock(self):
        [lead] = arrive((Milestone.MGL, NOON))
        assert facts([lead]) == []
        lifecycle.advance(lead_ids=[lead], to=stage(Milestone.MQL), cause=cause(NOON + HOUR))
        assert clock_of(lead).started_at == NOON + HOUR

    def test_an_mql_of_long_ago_is_due_48_hours_after_its_own_date(self):
        [lead] = arrive((Milestone.MQL, NOON - timedelta(days=900)))
        assert clock_of(lead).due_at == NOON - timedelta(days=898)

    def test_an_undated_mql_that_waits_is_due_48_hours_from_now(self):
        before = lifecycle.database_now()
        [lead] = arrive((Milestone.MQL, None), source=CauseSource.IMPORT)
        assert before < clock_of(lead).started_at < lifecycle.database_now()

    def test_a_skipped_mql_has_nothing_to_time(self):
        [lead] = arrive((Milestone.MGL, NOON), (Milestone.SQL, NOON + HOUR))
        assert facts([lead]) == []

    def test_without_a_promise_no_clock_starts_not_even_by_a_later_touch(self):
        [lead] = arrive(promise=Promise.NONE)
        accept(lead, NOON + 900 * HOUR)
        assert facts([lead]) == []

    def test_each_pass_has_a_clock_of_its_own(self):
        [lead] = arrive()
        lifecycle.recycle(lead_ids=[lead], cause=cause(NOON + HOUR))
        lifecycle.requalify(lead_ids=[lead], cause=cause(NOON + 500 * HOUR))
        assert clock_of(lead, 1).stopped_at == NOON + HOUR
        assert clock_of(lead, 2).due_at == NOON + 548 * HOUR
        assert clock_of(lead, 2).is_running

    def test_without_a_policy_in_force_nothing_is_promised(self):
        drop_promises()
        assert facts(arrive()) == []

    def test_a_new_version_of_the_policy_is_for_new_clocks(self):
        [old] = arrive()
        promise(Rule("Within a day", target=24))
        [new] = arrive()
        assert clock_of(new).due_at == NOON + 24 * HOUR
        accept(old, NOON + 30 * HOUR)
        assert clock_of(old).due_at == NOON + 48 * HOUR
        assert kinds(old) == ["started", "met"]


class TestAnswer:
    def test_each_disposition_stops_the_clock_at_its_own_time(self):
        answers = {
            "accept": lambda lead: lifecycle.accept(lead_ids=[lead], cause=cause(NOON + HOUR)),
            "reject": lambda lead: lifecycle.reject(
                lead_ids=[lead], reason_id=reason("reject"), cause=cause(NOON + HOUR)
            ),
            "recycle": lambda lead: lifecycle.recycle(lead_ids=[lead], cause=cause(NOON + HOUR)),
        }
        for answer in answers.values():
            [lead] = arrive()
            answer(lead)
            clock = clock_of(lead)
            assert (clock.stopped_at, clock.next_at) == (NOON + HOUR, None)
            assert not clock.is_breached(NOON + 900 * HOUR)
            assert kinds(lead) == ["started", "met"]

    def test_late_and_answered_between_two_sweeps_is_late(self):
        [lead] = arrive()
        accept(lead, NOON + 48 * HOUR + timedelta(microseconds=1))
        assert clock_of(lead).is_breached(lifecycle.database_now())
        assert kinds(lead) == ["started", "stopped", "breached"]

    def test_an_answer_at_the_due_time_is_in_time(self):
        [lead] = arrive()
        accept(lead, NOON + 48 * HOUR)
        assert kinds(lead) == ["started", "met"]

    def test_a_double_disposition_answers_once(self):
        [lead] = arrive()
        accept(lead, NOON + 2 * HOUR)
        assert accept(lead, None).refused
        assert clock_of(lead).stopped_at == NOON + 2 * HOUR
        assert kinds(lead) == ["started", "met"]

    def test_a_stage_of_sales_before_sql_is_an_answer(self):
        mql = stage(Milestone.MQL)
        Stage.objects.create(
            key="accepted", name="Accepted", milestone=Milestone.MQL, position=mql.position + 1, owning_side="sales"
        )
        [lead] = arrive()
        accept(lead, NOON + HOUR)
        assert clock_of(lead).stopped_at == NOON + HOUR

    def test_an_answer_without_a_date_counts_from_when_it_became_known(self):
        [lead] = arrive()
        before = lifecycle.database_now()
        steps = [Step(lead, Kind.ACCEPT, is_undated=True)]
        lifecycle.move(steps=steps, cause=cause(source=CauseSource.IMPORT))
        stopped_at = clock_of(lead).stopped_at
        assert before < stopped_at < lifecycle.database_now()
        lifecycle.advance(lead_ids=[lead], to=stage(Milestone.SQL), cause=cause())
        assert clock_of(lead).stopped_at == stopped_at


class TestSecondThoughts:
    def test_undo_of_a_disposition_restores_the_same_clock_with_its_due_time(self):
        [lead] = arrive()
        before = clock_of(lead)
        accept(lead, NOON + HOUR)
        lifecycle.undo(lead_id=lead, cause=cause())
        after = clock_of(lead)
        assert (after.pk, after.due_at, after.next_at) == (before.pk, before.due_at, before.next_at)
        assert after.is_running
        assert kinds(lead) == ["started", "met", "reopened"]

    def test_undo_of_a_disposition_without_a_promise_restores_the_clock_as_well(self):
        [lead] = arrive()
        accept(lead, NOON + HOUR)
        lifecycle.undo(lead_id=lead, cause=cause(promise=Promise.NONE))
        assert clock_of(lead).is_running

    def test_reopening_a_rejected_lead_goes_on_with_its_clock(self):
        [lead] = arrive()
        lifecycle.reject(lead_ids=[lead], reason_id=reason(), cause=cause(NOON + HOUR))
        lifecycle.reopen(lead_ids=[lead], cause=cause(NOON + 2 * HOUR))
        assert clock_of(lead).is_running
        assert clock_of(lead).due_at == NOON + 48 * HOUR

    def test_earlier_evidence_settles_a_late_clock(self):
        [lead] = arrive()
        accept(lead, NOON + 60 * HOUR)
        accept(lead, NOON + 20 * HOUR)
        clock = clock_of(lead)
        assert clock.stopped_at == NOON + 20 * HOUR
        assert not clock.is_breached(lifecycle.database_now())
        assert kinds(lead) == ["started", "stopped", "breached", "settled"]

    def test_a_corrected_answer_can_make_a_kept_promise_late(self):
        [lead] = arrive()
        accept(lead, NOON + 20 * HOUR)
        row = LeadTransition.objects.get(lead_id=lead, kind="accept")
        lifecycle.correct(
            lead_id=lead, transition_id=row.pk, at=NOON + 60 * HOUR, note="It was Wednesday.", cause=cause()
        )
        assert clock_of(lead).is_breached(lifecycle.database_now())
        assert kinds(lead) == ["started", "met", "settled", "breached"]

    def test_a_corrected_hand_over_moves_the_due_time(self):
        [lead] = arrive()
        row = LeadTransition.objects.get(lead_id=lead)
        lifecycle.correct(lead_id=lead, transition_id=row.pk, at=NOON + 5 * HOUR, note="Later.", cause=cause())
        clock = clock_of(lead)
        assert (clock.started_at, clock.due_at, clock.next_at) == (
            NOON + 5 * HOUR, NOON + 53 * HOUR, NOON + 29 * HOUR,
        )  # fmt: skip
        [old, new] = clock.events.get(kind="recalculated").detail["due_at"]
        assert (old, new) == ((NOON + 48 * HOUR).isoformat(), (NOON + 53 * HOUR).isoformat())

    def test_an_undone_hand_over_cancels_and_the_next_one_goes_on(self):
        [lead] = arrive((Milestone.MGL, NOON - HOUR))
        lifecycle.advance(lead_ids=[lead], to=stage(Milestone.MQL), cause=cause(NOON))
        lifecycle.undo(lead_id=lead, cause=cause())
        assert clock_of(lead).cancelled_why == CancelReason.UNDONE
        lifecycle.advance(lead_ids=[lead], to=stage(Milestone.MQL), cause=cause(NOON + HOUR))
        clock = clock_of(lead)
        assert clock.is_running
        assert clock.due_at == NOON + 49 * HOUR
        assert kinds(lead) == ["started", "cancelled", "recalculated", "reopened"]

    def test_an_undone_requalification_cancels_the_clock_of_the_pass_that_is_gone(self):
        [lead] = arrive()
        lifecycle.recycle(lead_ids=[lead], cause=cause(NOON + HOUR))
        lifecycle.requalify(lead_ids=[lead], cause=cause())
        lifecycle.undo(lead_id=lead, cause=cause())
        assert clock_of(lead, 2).cancelled_why == CancelReason.UNDONE
        assert clock_of(lead, 1).stopped_at == NOON + HOUR

    def test_merging_cancels(self):
        [lead] = arrive()
        lifecycle.move(steps=[Step(lead, Kind.MERGE)], cause=cause())
        clock = clock_of(lead)
        assert (clock.cancelled_why, clock.next_at) == (CancelReason.MERGED, None)
        assert not clock.is_breached(lifecycle.database_now())

    def test_joining_an_open_deal_cancels_what_sales_has_not_answered(self):
        [waiting], [accepted] = arrive(), arrive()
        accept(accepted, NOON + HOUR)
        for lead in (waiting, accepted):
            lifecycle.attach(lead_ids=[lead], opportunity_id=open_deal(), cause=cause(NOON + 40 * HOUR))
        assert clock_of(waiting).cancelled_why == CancelReason.ATTACHED
        assert clock_of(accepted).stopped_at == NOON + HOUR
        assert kinds(accepted) == ["started", "met"]

    def test_joining_an_open_deal_hides_no_breach(self):
        [overdue] = arrive()
        lifecycle.attach(lead_ids=[overdue], opportunity_id=open_deal(), cause=cause(NOON + 60 * HOUR))
        clock = clock_of(overdue)
        assert (clock.stopped_at, clock.cancelled_why) == (NOON + 60 * HOUR, "")
        assert clock.is_breached(lifecycle.database_now())
        assert kinds(overdue) == ["started", "stopped", "breached"]

    def test_settling_the_same_moves_again_changes_nothing(self):
        moved = []
        clocks_of = arrive()
        moved.append(accept(clocks_of[0], NOON + 60 * HOUR))
        moved.append(lifecycle.undo(lead_id=clocks_of[0], cause=cause()))
        before, events = facts(clocks_of), ClockEvent.objects.count()
        clocks.settle(moved=moved[-1])
        assert facts(clocks_of) == before
        assert ClockEvent.objects.count() == events


class TestHistory:
    def test_history_is_silent_and_answered_as_history_says(self):
        steps = ((Milestone.MQL, NOON), (Milestone.SQL, None), (Milestone.SQO, NOON + 900 * HOUR))
        [lead] = arrive(*steps, promise=Promise.HISTORY, source=CauseSource.IMPORT)
        clock = clock_of(lead)
        assert clock.is_silent
        assert clock.stopped_at == NOON + 900 * HOUR
        assert kinds(lead) == ["started", "stopped", "breached"]

    def test_an_answer_of_history_without_a_date_has_no_verdict(self):
        steps = ((Milestone.MQL, NOON), (Milestone.SQL, None))
        assert facts(arrive(*steps, promise=Promise.HISTORY, source=CauseSource.IMPORT)) == []

    def test_an_undated_mql_of_history_has_nothing_to_time(self):
        assert facts(arrive((Milestone.MQL, None), promise=Promise.HISTORY, source=CauseSource.IMPORT)) == []

    def test_an_answer_before_its_hand_over_is_a_contradiction_but_not_late(self):
        [lead] = arrive((Milestone.MQL, NOON), (Milestone.SQL, NOON - 48 * HOUR), promise=Promise.HISTORY)
        assert kinds(lead) == ["started", "met"]


class TestTables:
    def test_a_pass_has_one_clock_of_a_kind(self):
        [row] = facts(arrive())
        with pytest.raises(IntegrityError, match="clock_one_a_pass"), transaction.atomic():
            Clock.objects.create(**{**row, "id": None})

    @pytest.mark.parametrize(
        ("impossible", "constraint"),
        [
            ({"stopped_at": NOON}, "clock_next_while_running"),
            ({"next_at": None, "stopped_at": NOON, "cancelled_at": NOON, "cancelled_why": "merged"},
             "clock_stopped_or_cancelled"),
            ({"next_at": None, "cancelled_at": NOON}, "clock_cancelled_with_reason"),
            ({"due_at": NOON - HOUR}, "clock_due_after_start"),
            ({"subject_id": 0}, "clock_of_its_lead"),
            ({"paused_until": NOON + 90 * HOUR}, "clock_paused_while_running"),
            ({"calendar_of": "owner"}, "clock_calendar_of_somebody"),
            ({"parked_at": NOON}, "clock_parked_with_reason"),
        ],
    )  # fmt: skip
    def test_impossible_clocks_cannot_be_stored(self, impossible, constraint):
        arrive()
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Clock.objects.update(**impossible)

    def test_events_are_append_only(self):
        arrive()
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            ClockEvent.objects.update(kind="met")

    def test_a_breach_is_recorded_once(self):
        [lead] = arrive()
        breach = {"clock": clock_of(lead), "kind": "breached", "at": NOON, "recorded_at": NOON}
        ClockEvent.objects.create(**breach)
        with pytest.raises(IntegrityError, match="clock_breached_once"), transaction.atomic():
            ClockEvent.objects.create(**breach)

    def test_a_version_of_a_policy_is_never_edited(self):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Policy.objects.update(target=72)


def test_the_number_of_statements_does_not_depend_on_the_number_of_leads():
    def statements(leads):
        with CaptureQueriesContext(
            connection,
        ) as arriving:
            ids = arrive(leads=leads)
        with CaptureQueriesContext(connection) as answering:
            lifecycle.accept(lead_ids=ids, cause=cause(NOON + HOUR))
        assert Clock.objects.dispositions().filter(lead_id__in=ids, stopped_at=NOON + HOUR).count() == leads
        return [len([each for each in captured if '"sla_' in each["sql"]]) for captured in (arriving, answering)]

    assert statements(1) == statements(1000)
