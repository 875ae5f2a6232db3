"""Promises in working time, pauses and ladders: what users of other clocks had to report as bugs."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from alignment.lib.business_time import Hours
from alignment.ops.models import Notification, OutboxMessage
from alignment.people import calendars
from alignment.people.models import Company, Role, Side
from leads import holders, lifecycle
from leads.causes import Promise
from leads.decisions import Step
from leads.holders import Assignment
from leads.milestones import Kind, Milestone
from leads.models import Lead, Territory
from leads.models.touchpoint import Direction
from sla import pausing
from sla.models import ClockPause, PauseReason, TargetUnit
from sla.rules import Rule
from sla.sweep import Swept, sweep
from sla.targets import after_days
from tests.factories import make_team, make_user
from tests.sla.stories import (
    HOUR,
    NOON,
    arrive,
    cause,
    clock_of,
    drop_promises,
    facts,
    kinds,
    promise,
    reason,
    stage,
    touch,
)

pytestmark = pytest.mark.django_db

WORKING = TargetUnit.WORKING_HOURS.value
DAYS = TargetUnit.BUSINESS_DAYS.value
OFFICE = {weekday: [Hours(9 * 60, 12 * 60), Hours(13 * 60, 17 * 60)] for weekday in range(1, 6)}


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of March 2026 in UTC; the 2nd is a Monday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def office():
    """Monday to Friday, 9 to 12 and 13 to 17 in UTC; the company's."""
    calendar = calendars.add(name="Office", time_zone="UTC", week=OFFICE)
    Company.objects.update(calendar=calendar)
    return calendar


@pytest.fixture
def rep():
    team = make_team(Side.SALES)
    team.manager = make_user(Role.MANAGER, team=team)
    team.save()
    return make_user(Role.REP, team=team)


def pause(lead, began_at, key="away"):
    return pausing.pause(clock_ids=[clock_of(lead).pk], reason=PauseReason.objects.get(key=key), cause=cause(began_at))


def resume(lead, ended_at):
    return pausing.resume(clock_ids=[clock_of(lead).pk], cause=cause(ended_at))


def told(kind):
    return list(Notification.objects.filter(kind=kind).order_by("pk").values_list("user_id", flat=True))


class TestWorkingTime:
    def test_working_hours_leave_out_lunch_nights_and_weekends(self, office):
        promise(Rule("Within 4 working hours", target=4, unit=WORKING))
        [lead] = arrive((Milestone.MQL, at(6, 16)))
        assert clock_of(lead).due_at == at(9, 12)

    def test_created_on_a_non_working_day(self, office):
        promise(Rule("Within an hour", target=1, unit=WORKING))
        [lead] = arrive((Milestone.MQL, at(7, 11)))
        assert (clock_of(lead).started_at, clock_of(lead).due_at) == (at(7, 11), at(9, 10))

    @pytest.mark.parametrize(
        ("start", "days", "due"),
        [
            (at(6, 15), 1, at(9, 15)),
            (at(6, 12, 30), 1, at(9, 13)),
            (at(6, 18), 1, at(9, 17)),
            (at(7, 11), 2, at(10, 17)),
            (at(2, 9), 5, at(9, 9)),
        ],
    )
    def test_business_days_keep_the_time_of_day(self, office, start, days, due):
        assert after_days(calendars.load([office.pk])[office.pk], start, days) == due

    def test_a_half_day_ends_what_is_due_after_it(self, office):
        calendars.set_date(calendar_id=office.pk, falls_on=at(9, 0).date(), hours=Hours(9 * 60, 12 * 60))
        promise(Rule("Within a day", target=1, unit=DAYS))
        [lead] = arrive((Milestone.MQL, at(6, 15)))
        assert clock_of(lead).due_at == at(9, 12)

    def test_a_floor_gives_48_hours_of_friday_night_until_mondays_end(self, office):
        promise(Rule("Within 48 hours", floor_hours=7))
        friday, tuesday = (arrive((Milestone.MQL, moment))[0] for moment in (at(6, 22), at(3, 10)))
        assert clock_of(friday).due_at == at(9, 17)
        assert clock_of(tuesday).due_at == at(5, 10)

    def test_a_floor_is_in_the_holders_working_hours_whatever_the_territory_has(self, office, rep):
        rep.calendar = calendars.add(name="Late", time_zone="UTC", week={1: [Hours(14 * 60, 20 * 60)]})
        rep.save()
        [lead] = arrive((Milestone.MGL, at(6, 21)), owner_id=rep.pk)
        Lead.objects.filter(pk=lead).update(territory=Territory.objects.create(key="n", name="North", calendar=office))
        promise(Rule("Within 48 hours", floor_hours=3))
        lifecycle.advance(lead_ids=[lead], to=stage(Milestone.MQL), cause=cause(at(6, 22)))
        assert (clock_of(lead).calendar_of, clock_of(lead).due_at) == ("owner", at(9, 17))

    def test_the_calendar_is_the_policys_else_the_holders_else_the_companys_and_is_kept(self, office, rep):
        late = calendars.add(name="Late", time_zone="UTC", week={1: [Hours(14 * 60, 20 * 60)]})
        promise(Rule("Within an hour", target=1, unit=WORKING))
        [of_company] = arrive((Milestone.MQL, at(2, 10)))
        rep.calendar = late
        rep.save()
        [of_owner] = arrive((Milestone.MQL, at(2, 10)), owner_id=rep.pk)
        promise(Rule("Within an hour", target=1, unit=WORKING, calendar=office.pk))
        [of_policy] = arrive((Milestone.MQL, at(2, 10)), owner_id=rep.pk)
        found = [(clock_of(lead).calendar_of, clock_of(lead).due_at) for lead in (of_company, of_owner, of_policy)]
        assert found == [("company", at(2, 11)), ("owner", at(2, 15)), ("policy", at(2, 11))]

    def test_viewer_in_another_zone_than_the_calendar(self, rep):
        tokyo = calendars.add(name="Tokyo", time_zone="Asia/Tokyo", week={n: [Hours(540, 1020)] for n in range(1, 6)})
        promise(Rule("Within an hour", target=1, unit=WORKING, calendar=tokyo.pk))
        with timezone.override("America/New_York"):
            [lead] = arrive((Milestone.MQL, at(2, 12)))
        assert clock_of(lead).due_at == at(3, 1)

    def test_a_corrected_start_is_due_by_the_same_calendar(self, office):
        promise(Rule("Within 4 working hours", target=4, unit=WORKING))
        [lead] = arrive((Milestone.MQL, at(6, 16)))
        row = clock_of(lead).lead.transitions.get()
        lifecycle.correct(lead_id=lead, transition_id=row.pk, at=at(6, 9), note="Earlier.", cause=cause())
        assert clock_of(lead).due_at == at(6, 14)


class TestFirstMatch:
    WEBINAR = {"match": "all", "of": [{"field": "title", "operator": "contains", "values": ["director"]}]}

    def test_the_first_rule_that_is_met_counts_and_no_sla_is_legal(self):
        promise(
            Rule("Directors are called by their assistant", when=self.WEBINAR, is_promised=False),
            Rule("All others within a day", target=24),
        )
        [lead] = arrive((Milestone.MGL, NOON))
        Lead.objects.filter(pk=lead).update(title="Director of sales")
        [other] = arrive((Milestone.MGL, NOON))
        lifecycle.advance(lead_ids=[lead, other], to=stage(Milestone.MQL), cause=cause(NOON))
        assert facts([lead]) == []
        assert clock_of(other).policy.name == "All others within a day"
        assert clock_of(other).due_at == NOON + 24 * HOUR


class TestPauses:
    def test_what_was_left_is_left_and_the_cap_is_counted_at_once(self):
        [lead] = arrive()
        pause(lead, NOON + 8 * HOUR)
        clock = clock_of(lead)
        assert (clock.paused_until, clock.due_at) == (NOON + 344 * HOUR, NOON + 384 * HOUR)
        resume(lead, NOON + 20 * HOUR)
        clock = clock_of(lead)
        assert (clock.paused_until, clock.due_at, clock.next_at) == (None, NOON + 60 * HOUR, NOON + 30 * HOUR)
        assert kinds(lead) == ["started", "paused", "resumed"]

    def test_off_hours_are_not_counted_twice_in_a_pause(self, office):
        promise(Rule("Within 4 working hours", target=4, unit=WORKING, pauses=["away"]))
        [lead] = arrive((Milestone.MQL, at(6, 16)))
        pause(lead, at(6, 16, 30))
        resume(lead, at(9, 9))
        assert clock_of(lead).due_at == at(9, 13, 30)

    def test_paused_then_answered_directly(self):
        [lead] = arrive()
        pause(lead, NOON + 8 * HOUR)
        lifecycle.accept(lead_ids=[lead], cause=cause(NOON + 100 * HOUR))
        clock = clock_of(lead)
        assert (clock.stopped_at, clock.paused_until, clock.due_at) == (
            NOON + 100 * HOUR, None, NOON + 140 * HOUR,
        )  # fmt: skip
        assert not clock.is_breached(lifecycle.database_now())
        assert kinds(lead) == ["started", "paused", "resumed", "met"]

    def test_reopen_keeps_clock_and_pauses(self):
        [lead] = arrive()
        pause(lead, NOON + 8 * HOUR)
        resume(lead, NOON + 20 * HOUR)
        lifecycle.reject(lead_ids=[lead], reason_id=reason(), cause=cause(NOON + 30 * HOUR))
        lifecycle.reopen(lead_ids=[lead], cause=cause(NOON + 31 * HOUR))
        assert clock_of(lead).due_at == NOON + 60 * HOUR
        assert clock_of(lead).is_running

    def test_pause_kept_over_a_policy_change(self):
        [lead] = arrive()
        pause(lead, NOON + 8 * HOUR)
        before = clock_of(lead)
        promise(Rule("Within a day", target=24))
        after = clock_of(lead)
        assert (after.paused_until, after.due_at, after.policy_id) == (
            before.paused_until, before.due_at, before.policy_id,
        )  # fmt: skip

    def test_the_buyers_reply_ends_it_and_an_older_one_does_not(self):
        [lead] = arrive()
        pause(lead, NOON + 8 * HOUR)
        touch(lead, NOON + 7 * HOUR, Direction.INBOUND)
        assert clock_of(lead).paused_until
        touch(lead, NOON + 9 * HOUR, Direction.INBOUND)
        assert clock_of(lead).due_at == NOON + 49 * HOUR
        assert clock_of(lead).events.last().detail["why"] == "The buyer replied"

    def test_at_its_cap_it_is_over_by_itself(self):
        [lead] = arrive()
        pause(lead, NOON + 8 * HOUR, key="waiting")
        assert clock_of(lead).next_at == NOON + 80 * HOUR
        sweep(at=NOON + 81 * HOUR)
        assert kinds(lead)[:3] == ["started", "paused", "resumed"]
        assert clock_of(lead).paused_until is None
        sweep(at=NOON + 120 * HOUR)
        assert "breached" not in kinds(lead)
        sweep(at=NOON + 121 * HOUR)
        assert "breached" in kinds(lead)

    def test_the_cap_of_a_reason_is_for_all_its_pauses_together(self):
        [lead] = arrive()
        pause(lead, NOON + HOUR, key="waiting")
        resume(lead, NOON + 61 * HOUR)
        pause(lead, NOON + 62 * HOUR, key="waiting")
        assert clock_of(lead).paused_until == NOON + 74 * HOUR
        sweep(at=NOON + 75 * HOUR)
        assert "72 hours in all" in str(pause(lead, NOON + 76 * HOUR, key="waiting").refused)
        assert pause(lead, NOON + 76 * HOUR).clock_ids

    def test_a_pause_takes_no_breach_back_and_stop_beats_pause(self):
        [late], [answered], [twice] = arrive(), arrive(), arrive()
        lifecycle.accept(lead_ids=[answered], cause=cause(NOON + HOUR))
        pause(twice, NOON + HOUR)
        found = [pause(lead, moment).refused for lead, moment in
                 ((late, NOON + 49 * HOUR), (answered, NOON + 2 * HOUR), (twice, NOON + 2 * HOUR))]  # fmt: skip
        whys = [next(iter(refused.values())) for refused in found]
        assert ["overdue" in whys[0], "nothing to pause" in whys[1], "already" in whys[2]] == [True] * 3
        assert ClockPause.objects.count() == 1

    def test_only_for_the_reasons_of_its_policy(self):
        promise(Rule("Within a day", target=24))
        [lead] = arrive()
        assert "is not paused for" in str(pause(lead, NOON + HOUR).refused)

    def test_an_answer_from_before_the_pause_leaves_the_due_time_as_it_was(self):
        [lead] = arrive()
        pause(lead, NOON + 8 * HOUR)
        lifecycle.accept(lead_ids=[lead], cause=cause(NOON + 2 * HOUR))
        assert clock_of(lead).due_at == NOON + 48 * HOUR


class TestLadder:
    def test_reminders_at_50_75_and_90_per_cent_each_once(self, rep):
        [lead] = arrive(owner_id=rep.pk)
        for hours in (25, 26, 37, 44, 45):
            sweep(at=NOON + hours * HOUR)
        assert [event.rung for event in clock_of(lead).events.filter(kind="reminded")] == [50, 75, 90]
        assert told("reminder") == [rep.pk] * 3

    def test_no_reminders_at_night_or_on_holidays(self, office, rep):
        calendars.set_date(calendar_id=office.pk, falls_on=at(3, 0).date(), name="Holiday")
        [lead] = arrive((Milestone.MQL, at(2, 15)), owner_id=rep.pk)
        assert sweep(at=at(3, 15, 1)) == Swept(claimed=1)
        assert clock_of(lead).next_at == at(4, 9)
        assert sweep(at=at(4, 9, 1)) == Swept(claimed=1, stepped=1)
        assert [event.rung for event in clock_of(lead).events.filter(kind="reminded")] == [75]

    def test_several_at_once_are_one_mail(self, rep):
        arrive(leads=5, owner_id=rep.pk)
        sweep(at=NOON + 25 * HOUR)
        assert len(told("reminder")) == 5
        assert OutboxMessage.objects.filter(address=rep.email).count() == 1

    def test_after_a_breach_the_manager_then_both_heads_and_then_nobody(self, office, rep):
        heads = [make_user(Role.EXECUTIVE), make_user(Role.MANAGER, side=Side.MARKETING)]
        Company.objects.update(sales_head=heads[0], marketing_head=heads[1])
        [lead] = arrive((Milestone.MQL, at(2, 14)), owner_id=rep.pk)
        due = at(4, 14)
        sweep(at=due + timedelta(minutes=1))
        assert told("breach") == sorted([rep.pk, rep.team.manager_id])
        assert clock_of(lead).next_at == at(5, 10)
        sweep(at=at(5, 10, 1))
        assert told("escalation") == [rep.team.manager_id]
        sweep(at=at(5, 14, 1))
        assert sorted(told("escalation")) == sorted([rep.team.manager_id, heads[0].pk, heads[1].pk])
        assert clock_of(lead).next_at is None
        assert kinds(lead) == ["started", "breached", "escalated", "escalated"]

    def test_escalation_across_days_does_not_land_at_00_00(self, office, rep):
        [lead] = arrive((Milestone.MQL, at(4, 16)), owner_id=rep.pk)
        sweep(at=at(6, 16, 1))
        assert clock_of(lead).next_at == at(9, 12)

    def test_answered_in_between_nobody_further_up_hears_of_it(self, rep):
        [lead] = arrive(owner_id=rep.pk)
        sweep(at=NOON + 49 * HOUR)
        lifecycle.accept(lead_ids=[lead], cause=cause(NOON + 50 * HOUR))
        touch(lead, NOON + 51 * HOUR)
        sweep(at=NOON + 90 * HOUR)
        assert told("escalation") == []

    def test_merged_and_imported_closed_leads_never_escalate(self, rep):
        [merged] = arrive(owner_id=rep.pk)
        lifecycle.move(steps=[Step(merged, Kind.MERGE)], cause=cause(NOON + HOUR))
        arrive((Milestone.MQL, NOON), (Milestone.SQL, NOON + 900 * HOUR), promise=Promise.HISTORY, owner_id=rep.pk)
        assert sweep(at=NOON + 2000 * HOUR) == Swept()
        assert told("breach") == []


class TestChanges:
    def test_an_unrelated_note_does_not_move_the_clock(self, rep):
        [lead] = arrive(owner_id=rep.pk)
        before = facts([lead])
        touch(lead, NOON + HOUR)
        touch(lead, NOON + 2 * HOUR, Direction.INBOUND)
        assert facts([lead]) == before

    def test_reassignment_to_a_lead_of_another_policy(self, rep):
        other = make_user()
        [lead] = arrive(owner_id=rep.pk)
        before = facts([lead])
        promise(Rule("Within an hour", target=1))
        holders.hold(assignments=[Assignment(lead, other.pk)], cause=cause())
        assert facts([lead]) == before
        assert kinds(lead) == ["started", "reassigned"]
        assert clock_of(lead).events.last().detail == {"holder": [rep.pk, other.pk]}

    def test_a_deactivated_policy_leaves_no_ghost_breach(self):
        [lead] = arrive()
        drop_promises()
        lifecycle.accept(lead_ids=[lead], cause=cause(NOON + HOUR))
        sweep(at=NOON + 900 * HOUR)
        assert kinds(lead) == ["started", "met"]
        assert facts(arrive()) == []

    def test_breach_visible_without_anyone_saving(self):
        [lead] = arrive()
        assert clock_of(lead).is_breached(NOON + 49 * HOUR)
        assert kinds(lead) == ["started"]

    def test_late_and_answered_between_two_sweeps_is_still_late(self):
        [lead] = arrive()
        lifecycle.accept(lead_ids=[lead], cause=cause(NOON + 49 * HOUR))
        assert kinds(lead) == ["started", "stopped", "breached"]

    def test_double_click_answers_once(self):
        [lead] = arrive()
        for _ in range(2):
            lifecycle.accept(lead_ids=[lead], cause=cause(NOON + HOUR))
        assert kinds(lead) == ["started", "met"]
