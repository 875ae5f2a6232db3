"""What `manage.py verify` asks about clocks: nothing to report of sound rows, and each fault is found."""

import pytest

from alignment.lib.invariants import count_broken
from leads import lifecycle
from leads.causes import Promise
from leads.lifecycle import database_now
from leads.milestones import Milestone
from sla.invariants import INVARIANTS
from sla.models import Clock
from tests.sla.stories import HOUR, NOON, arrive, cause, clock_of, policy, touch

pytestmark = pytest.mark.django_db

FAULTS = [
    ("A running clock waits for", "waiting", {"pass_no": 7}),
    ("A running clock waits for", "met", {"stopped_at": None, "next_at": NOON}),
    ("A stopped clock is one of", "met", {"stopped_at": NOON + 2 * HOUR}),
    ("A stopped clock is one of", "waiting", {"stopped_at": NOON, "next_at": None}),
    ("A clock is cancelled only", "waiting", {"cancelled_at": NOON, "cancelled_why": "merged", "next_at": None}),
    ("A clock of elapsed hours", "met", {"due_at": NOON + 50 * HOUR}),
    ("A clock starts at the hand-off", "met", {"started_at": NOON - HOUR, "due_at": NOON + 47 * HOUR}),
    ("A running clock is looked at again", "waiting", {"next_at": None}),
    ("Nothing has been due", "waiting", {"next_at": NOON}),
    ("A late answer has its breach", "met", {"stopped_at": NOON + 49 * HOUR}),
]


def broken():
    return [sentence for sentence, rows in count_broken(INVARIANTS).items() if rows]


@pytest.fixture
def clocks():
    """One that waits and is not due for long, and one that was met."""
    [waiting] = arrive((Milestone.MQL, database_now()))
    [met] = arrive()
    lifecycle.accept(lead_ids=[met], cause=cause(NOON + HOUR))
    touch(met, NOON + 2 * HOUR)
    return {"waiting": clock_of(waiting), "met": clock_of(met)}


def test_sound_rows_break_nothing(clocks):
    assert broken() == []


@pytest.mark.parametrize(("sentence", "name", "fault"), FAULTS)
def test_a_fault_is_found(clocks, sentence, name, fault):
    Clock.objects.filter(pk=clocks[name].pk).update(**fault)
    assert any(found.startswith(sentence) for found in broken())


def test_a_clock_without_a_story_is_found():
    [lead] = arrive(promise=Promise.NONE)
    Clock.objects.create(
        policy=policy(), subject_kind="disposition", subject_id=lead, lead_id=lead, pass_no=1,
        started_at=NOON, due_at=NOON + 48 * HOUR, next_at=NOON + 48 * HOUR,
    )  # fmt: skip
    assert any(found.startswith("The story of a clock") for found in broken())
