"""What waits above capacity: its clock begins on the next working day with a free place, in order of arrival."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignment.lib.business_time import Hours
from alignment.lib.invariants import count_broken
from alignment.people.models import Company, Role, Side
from leads import holders, lifecycle
from leads.holders import Assignment
from leads.models import Lead, Reason
from sla import clocks
from sla.invariants import INVARIANTS
from sla.models import AboveCapacity, Clock
from tests.connections import at_once
from tests.factories import make_calendar, make_team, make_user
from tests.sla.agreements import make_agreement, make_heads
from tests.sla.stories import HOUR, NOON, cause, clock_of, touch
from tests.sla.test_capacity import above, handed_over, owed

MONDAY, TUESDAY, WEDNESDAY, NEXT_MONDAY = (datetime(2026, 3, day, 8, tzinfo=UTC) for day in (2, 3, 4, 9))
"""When they open, in Berlin."""


@pytest.fixture
def rep(db):
    week = {day: [Hours(9 * 60, 17 * 60)] for day in range(1, 6)}
    Company.objects.update(calendar=make_calendar(week=week))
    return make_user(Role.REP, team=make_team(Side.SALES))


def agree(per_rep):
    return make_agreement(NOON.date(), *make_heads(), per_rep=per_rep)


def begin(at):
    return clocks.begin_queued(cause=cause(at))


def turns(leads):
    """When the turn of each came; None while it waits."""
    known = dict(AboveCapacity.objects.filter(lead__in=leads).values_list("lead_id", "begins_at"))
    return [known[lead] for lead in leads]


class TestTurns:
    def test_clocks_begin_when_the_next_working_day_opens_in_order_of_arrival(self, rep):
        agree(2)
        later, sooner, last = (
            handed_over(rep, count, NOON + hours * HOUR) for count, hours in ((2, 0), (2, 1), (1, 2))
        )
        assert begin(MONDAY + 9 * HOUR) == 0
        assert begin(TUESDAY - timedelta(seconds=1)) == 0
        assert begin(TUESDAY) == 2
        assert turns([*sooner, *last]) == [TUESDAY, TUESDAY, None]
        assert begin(TUESDAY + 3 * HOUR) == 0
        assert begin(WEDNESDAY) == 1
        assert owed([*later, *sooner, *last]) == [*later, *sooner, *last]
        clock = clock_of(sooner[0])
        assert (clock.started_at, clock.due_at) == (TUESDAY, TUESDAY + 48 * HOUR)

    def test_the_event_says_since_when_it_waited(self, rep):
        agree(1)
        _, lead = handed_over(rep, 2)
        begin(TUESDAY)
        [started] = clock_of(lead).events.filter(kind="started")
        assert started.at == TUESDAY
        assert datetime.fromisoformat(started.detail["queued_since"]) == NOON

    def test_a_weekend_gives_no_places(self, rep):
        agree(1)
        friday = datetime(2026, 3, 6, 12, tzinfo=UTC)
        _, lead = handed_over(rep, 2, friday)
        assert begin(friday + 24 * HOUR) == 0
        assert begin(NEXT_MONDAY + HOUR) == 1
        assert turns([lead]) == [NEXT_MONDAY]

    def test_what_comes_in_stands_behind_what_waits(self, rep):
        agree(2)
        handed_over(rep, 4)
        new = handed_over(rep, 2, TUESDAY - HOUR)
        assert above(new) == new
        begin(TUESDAY)
        assert above(handed_over(rep, 1, TUESDAY + HOUR))
        begin(WEDNESDAY)
        assert turns(new) == [WEDNESDAY, WEDNESDAY]

    def test_what_is_left_of_a_day_is_for_its_hand_offs(self, rep):
        agree(3)
        handed_over(rep, 4)
        begin(TUESDAY)
        new = handed_over(rep, 3, TUESDAY + HOUR)
        assert owed(new) == new[:2]

    def test_days_that_nobody_looked_at_are_made_up_for(self, rep):
        agree(1)
        leads = handed_over(rep, 4)
        assert begin(WEDNESDAY + HOUR) == 2
        assert turns(leads[1:]) == [TUESDAY, WEDNESDAY, None]
        assert clock_of(leads[1]).due_at == TUESDAY + 48 * HOUR

    def test_each_rep_has_places_and_whoever_holds_it_gives_one(self, rep):
        agree(1)
        other = make_user(Role.REP, team=rep.team)
        leads = [*handed_over(rep, 3), *handed_over(other, 1)]
        holders.hold(assignments=[Assignment(leads[2], other.pk)], cause=cause(NOON + HOUR))
        begin(TUESDAY)
        assert turns(leads[1:3]) == [TUESDAY, TUESDAY]

    def test_without_a_limit_any_more_all_begin(self, rep):
        agree(1)
        leads = handed_over(rep, 4)
        agree(None)
        assert begin(TUESDAY) == 3
        assert owed(leads) == leads

    def test_what_was_answered_needs_no_turn_and_gives_its_place_away(self, rep):
        agree(1)
        _, first, second, third = handed_over(rep, 4)
        lifecycle.reject(
            lead_ids=[first], reason_id=Reason.objects.offered("reject").first().pk, cause=cause(NOON + HOUR)
        )
        assert begin(WEDNESDAY) == 2
        assert turns([first, second, third]) == [None, TUESDAY, WEDNESDAY]

    def test_whoever_was_touched_while_it_waited_is_owed_an_answer_alone(self, rep):
        agree(1)
        _, lead = handed_over(rep, 2)
        touch(lead, NOON + HOUR)
        begin(TUESDAY)
        assert set(Clock.objects.filter(lead=lead).values_list("subject_kind", flat=True)) == {"disposition"}


class TestAfterwards:
    def test_its_clock_is_one_like_any_other(self, rep):
        agree(1)
        _, lead = handed_over(rep, 2)
        begin(TUESDAY)
        touch(lead, TUESDAY + HOUR)
        lifecycle.accept(lead_ids=[lead], cause=cause(TUESDAY + 50 * HOUR))
        clock = clock_of(lead)
        assert (clock.started_at, clock.is_breached(NEXT_MONDAY)) == (TUESDAY, True)
        lifecycle.undo(lead_id=lead, cause=cause(TUESDAY + 51 * HOUR))
        clock = clock_of(lead)
        assert (clock.started_at, clock.due_at, clock.is_running) == (TUESDAY, TUESDAY + 48 * HOUR, True)

    def test_turns_are_taken_once_and_stay(self, rep):
        agree(1)
        handed_over(rep, 2)
        with pytest.raises(IntegrityError, match="above_capacity_begins_later"), transaction.atomic():
            AboveCapacity.objects.update(begins_on=NOON.date(), begins_at=NOON)
        begin(TUESDAY)
        for change in ({"begins_on": date(2026, 3, 9)}, {"most": 9}):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                AboveCapacity.objects.update(**change)

    def test_the_page_of_the_lead_says_since_when(self, rep):
        agree(1)
        _, lead = handed_over(rep, 2)
        begin(TUESDAY)
        client = Client()
        client.force_login(rep)
        assert "It waited above capacity from 2 March on" in client.get(f"/leads/{lead}/").content.decode()
        page = client.get(f"/clocks/{clock_of(lead).pk}/").content.decode()
        assert "It had waited above capacity since" in page

    def test_nothing_is_wrong_with_the_data(self, rep):
        agree(1)
        handed_over(rep, 3)
        begin(TUESDAY)
        mentioned = {name: each for name, each in INVARIANTS.items() if "above capacity" in name}
        assert len(mentioned) == 2
        assert not any(count_broken(mentioned).values())

    def test_the_statements_do_not_grow_with_the_leads(self, rep):
        agree(40)
        handed_over(rep, 41)
        with CaptureQueriesContext(connection) as one:
            assert begin(TUESDAY) == 1
        handed_over(rep, 79, TUESDAY + HOUR)
        with CaptureQueriesContext(connection) as many:
            assert begin(WEDNESDAY) == 40
        assert len(one) == len(many)
        with CaptureQueriesContext(connection) as none:
            assert begin(WEDNESDAY) == 0
        assert len(none) <= 4


@pytest.mark.django_db(transaction=True)
def test_hand_offs_at_once_are_as_many_as_was_agreed():
    rep = make_user(Role.REP, team=make_team(Side.SALES))
    agree(3)
    at_once(*[lambda at=at: handed_over(rep, 1, NOON + at * HOUR) for at in range(6)])
    leads = list(Lead.objects.filter(owner=rep).values_list("pk", flat=True))
    assert (len(owed(leads)), len(above(leads))) == (3, 3)


@pytest.mark.django_db(transaction=True)
def test_turns_are_taken_once_by_two_workers():
    rep = make_user(Role.REP, team=make_team(Side.SALES))
    agree(2)
    leads = handed_over(rep, 5)
    assert sum(at_once(*[lambda: begin(TUESDAY)] * 3)) == 2
    assert len(owed(leads)) == 4
