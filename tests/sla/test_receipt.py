"""Who is charged for a breach, and how that is contested."""

from datetime import date

import pytest

from alignment.people import absences
from alignment.people.models import Company, Role, Side
from leads import holders
from leads.holders import Assignment
from sla import pausing
from sla.models import PauseReason
from sla.receipt import receipt, receipts
from tests.factories import make_team, make_user
from tests.sla.stories import HOUR, NOON, arrive, cause, clock_of

pytestmark = pytest.mark.django_db

LATER = NOON + 60 * HOUR


@pytest.fixture
def team():
    team = make_team(Side.SALES)
    team.manager = make_user(Role.MANAGER, team=team)
    team.save()
    return team


@pytest.fixture
def reps(team):
    return [make_user(Role.REP, team=team) for _ in range(2)]


def held(owner, hours, lead=None):
    """A lead of noon in the hands of `owner` so many hours later."""
    [lead] = [lead] if lead else arrive()
    holders.hold(assignments=[Assignment(lead, owner.pk if owner else None, NOON + hours * HOUR)], cause=cause())
    return lead


def test_the_largest_share_of_the_promised_time_is_charged(reps):
    lead = held(reps[0], 0)
    held(reps[1], 20, lead)
    found = receipt(clock_of(lead), LATER)
    assert [(each.holder, each.time) for each in found.held] == [(reps[0], 20 * HOUR), (reps[1], 28 * HOUR)]
    assert [round(each.share, 3) for each in found.held] == [0.417, 0.583]
    assert found.charged == reps[1]


def test_who_got_it_after_it_was_due_is_not_charged(reps):
    lead = held(reps[0], 0)
    held(reps[1], 49, lead)
    assert [each.holder for each in receipt(clock_of(lead), NOON + 900 * HOUR).held] == [reps[0]]


def test_time_in_no_ones_hands_is_charged_to_the_head_of_sales_where_routing_names_nobody(reps):
    head = make_user(Role.EXECUTIVE)
    Company.objects.update(sales_head=head)
    lead = held(reps[0], 40)
    found = receipt(clock_of(lead), LATER)
    assert [(each.holder, each.charged) for each in found.held] == [(None, head), (reps[0], reps[0])]
    assert found.charged == head


def test_the_time_of_somebody_who_is_away_is_charged_to_the_manager(reps, team):
    absences.plan(user_id=reps[0].pk, first_on=date(2026, 3, 3), last_on=date(2026, 3, 9))
    lead = held(reps[0], 0)
    found = receipt(clock_of(lead), LATER)
    assert [(each.is_away, each.time) for each in found.held] == [(False, 12 * HOUR), (True, 36 * HOUR)]
    assert found.charged == team.manager


def test_receipts_of_many_clocks_are_read_together(reps, django_assert_max_num_queries):
    leads = [held(rep, hours) for rep in reps for hours in (0, 20, 40)]
    pausing.pause(
        clock_ids=[clock_of(leads[0]).pk], reason=PauseReason.objects.get(key="away"), cause=cause(NOON + 10 * HOUR)
    )
    clocks = [clock_of(lead) for lead in leads]
    with django_assert_max_num_queries(10):
        found = receipts(clocks, LATER)
    assert found == {clock.pk: receipt(clock, LATER) for clock in clocks}
    assert {found[clock.pk].charged for clock in clocks[1:]} == {reps[0], reps[1], None}


def test_a_pause_is_nobodys_time(reps):
    lead = held(reps[0], 0)
    reason = PauseReason.objects.get(key="away")
    pausing.pause(clock_ids=[clock_of(lead).pk], reason=reason, cause=cause(NOON + 10 * HOUR))
    pausing.resume(clock_ids=[clock_of(lead).pk], cause=cause(NOON + 30 * HOUR))
    held(reps[1], 40, lead)
    found = receipt(clock_of(lead), NOON + 100 * HOUR)
    assert [each.time for each in found.held] == [20 * HOUR, 28 * HOUR]


def test_a_kept_promise_is_charged_to_nobody(reps):
    lead = held(reps[0], 0)
    assert receipt(clock_of(lead), NOON + HOUR).charged is None


def test_the_queries_do_not_depend_on_how_often_it_changed_hands(reps, django_assert_max_num_queries):
    lead = held(reps[0], 0)
    for hours in range(1, 20):
        held(reps[hours % 2], hours, lead)
    clock = clock_of(lead)
    with django_assert_max_num_queries(10):
        assert len(receipt(clock, LATER).held) == 20
