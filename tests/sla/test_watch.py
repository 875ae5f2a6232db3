"""How late breaches are found, and what the sweep has not come to."""

import pytest

from alignment.lib.moments import database_now
from leads.causes import Promise
from leads.milestones import Milestone
from sla import watch
from sla.models import Clock
from sla.sweep import RETRY_PARKED_AFTER, sweep
from tests.sla.stories import HOUR, NOON, arrive, clock_of

pytestmark = pytest.mark.django_db

DUE = NOON + 48 * HOUR
SECOND = HOUR / 3600


def test_without_a_breach_there_is_nothing_to_measure():
    assert watch.lag(DUE) == watch.Lag(0, None, None, None)


def test_what_came_in_overdue_was_not_found_late():
    arrive((Milestone.MQL, database_now() - 60 * HOUR), leads=3)
    sweep()
    assert watch.lag(database_now()).n == 0


def test_a_breach_is_measured_from_its_due_time():
    now = database_now()
    arrive((Milestone.MQL, now), leads=100)
    sweep(at=now + 48 * HOUR + 4 * SECOND)
    arrive((Milestone.MQL, now))
    sweep(at=now + 48 * HOUR + 30 * SECOND)
    found = watch.lag(now + 49 * HOUR)
    assert (found.n, found.median, found.p99, found.longest) == (101, 4, 4, 30)


def test_history_is_not_watched_over():
    arrive((Milestone.MQL, NOON), promise=Promise.HISTORY)
    sweep(at=DUE + HOUR)
    assert watch.lag(DUE + HOUR).n == 0


def test_only_the_last_day_counts():
    now = database_now()
    arrive((Milestone.MQL, now))
    sweep(at=now + 49 * HOUR)
    assert watch.lag(now + 50 * HOUR).n == 1
    assert watch.lag(now + 80 * HOUR).n == 0


def test_what_waits_for_the_sweep_is_counted():
    lead, _ = arrive(leads=2)
    now = DUE + HOUR
    standing = watch.read(now)
    assert (standing.due, standing.parked) == (2, 0)
    assert standing.oldest_due_at == clock_of(lead).next_at
    sweep(at=now)
    assert watch.read(now).due == 0


def test_what_was_set_aside_is_counted_apart():
    [lead] = arrive()
    Clock.objects.filter(lead_id=lead).update(
        parked_at=DUE + HOUR, parked_why="spoilt", next_at=DUE + HOUR + RETRY_PARKED_AFTER
    )
    for at in (DUE + HOUR, DUE + 2 * HOUR):
        standing = watch.read(at)
        assert (standing.due, standing.oldest_due_at, standing.parked) == (0, None, 1)


def test_two_questions_whatever_there_is(django_assert_num_queries):
    arrive(leads=20)
    with django_assert_num_queries(2):
        watch.read(DUE)
