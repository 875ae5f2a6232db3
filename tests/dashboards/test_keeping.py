"""A report is measured once while nothing happens, and never shows less than what was committed."""

import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from django.db import connection, transaction
from django.utils.timezone import now

from dashboards import keeping, report
from dashboards.filters import Filters
from dashboards.keeping import FRESH, Keeper, Patience, StillMeasuringError, Version
from tests.connections import closed_in
from tests.factories import make_user
from tests.sla.stories import arrive

AT = datetime(2026, 4, 1, tzinfo=UTC)
ALL = Filters()

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def somebody_else():
    """A second connection, in a transaction of its own."""
    other = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    yield other.cursor()
    other.rollback()
    other.close()


def measured_by(keeper, at=AT):
    """Whether asking measured anew."""
    calls = []
    keeper.get("all", at, lambda at: calls.append(1))
    return bool(calls)


def test_nothing_happened_nothing_is_measured():
    keeper = Keeper()

    assert measured_by(keeper)
    assert not measured_by(keeper, AT + FRESH)
    assert measured_by(keeper, AT + FRESH + timedelta(seconds=1))


def test_what_stays_for_a_while_is_not_measured_again_whatever_is_written():
    keeper = Keeper(stays=timedelta(minutes=1))

    assert measured_by(keeper)
    arrive()
    assert not measured_by(keeper, AT + timedelta(seconds=59))
    assert measured_by(keeper, AT + timedelta(minutes=1))


def test_the_answer_that_was_asked_for_longest_ago_makes_room():
    keeper, measured = Keeper(stays=FRESH, most=2), []
    for asked in "abacab":
        keeper.get(asked, AT, lambda at, asked=asked: measured.append(asked))

    assert measured == ["a", "b", "c", "b"]


def test_each_question_has_its_own_answer():
    keeper = Keeper()

    assert [keeper.get(asked, AT, lambda at, asked=asked: asked * 2) for asked in ("a", "b", "a")] == ["aa", "bb", "aa"]


def test_every_event_makes_a_new_version():
    seen = [Version.read().numbers]
    arrive()
    seen.append(Version.read().numbers)
    arrive(owner_id=make_user().pk)
    seen.append(Version.read().numbers)

    assert len(set(seen)) == 3


def test_a_report_after_a_write_shows_it():
    # Long after the other tests, whose rows were taken away without an event.
    at = AT + timedelta(days=1)

    assert report.current(ALL, at).funnel.n == 0
    arrive()
    assert report.current(ALL, at).funnel.n == 1


def test_what_was_measured_for_later_is_no_answer_for_before_once_something_was_written():
    keeper = Keeper()

    assert measured_by(keeper, AT + timedelta(days=1))
    arrive()
    assert measured_by(keeper, AT)


def test_what_somebody_is_writing_is_measured_once_they_are_done(somebody_else):
    keeper = Keeper()
    somebody_else.execute("UPDATE people_company SET name = 'Somebody was here'")

    assert measured_by(keeper)
    assert not measured_by(keeper)
    somebody_else.connection.commit()
    assert measured_by(keeper)
    assert not measured_by(keeper)


def test_who_begins_to_write_later_is_no_reason_to_measure_again(somebody_else):
    keeper = Keeper()
    measured_by(keeper)
    somebody_else.execute("UPDATE people_company SET name = 'Somebody was here'")

    assert not measured_by(keeper)


def test_what_a_transaction_wrote_itself_is_not_kept():
    at = AT + timedelta(days=2)
    with transaction.atomic():
        arrive()
        assert report.current(ALL, at).funnel.n == 1
        transaction.set_rollback(True)
    assert report.current(ALL, at).funnel.n == 0


def test_while_others_write_all_who_wait_share_the_next_measurement():
    keeper, gate, measured = Keeper(), threading.Event(), []
    waiting = threading.Semaphore(0)

    def measure(at):
        measured.append(1)
        arrive()  # so that nothing that was kept holds
        gate.wait(5)

    def ask():
        waiting.release()
        keeper.get("all", AT, measure)
        connection.close()

    people = [threading.Thread(target=ask) for _ in range(5)]
    for person in people:
        person.start()
        waiting.acquire()
    while not measured:
        time.sleep(0.01)
    time.sleep(0.3)  # the others have come to the door by now
    gate.set()
    for person in people:
        person.join()

    assert len(measured) == 2


def test_who_comes_while_it_is_measured_waits_for_it():
    keeper, gate, measured, answers = Keeper(), threading.Event(), [], []

    def measure(at):
        measured.append(1)
        gate.wait(5)
        return "done"

    def ask():
        answers.append(keeper.get("all", AT, measure))
        connection.close()

    people = [threading.Thread(target=ask) for _ in range(4)]
    for person in people:
        person.start()
    gate.set()
    for person in people:
        person.join()

    assert (len(measured), answers) == (1, ["done"] * 4)


def test_old_answers_make_room():
    keeper = Keeper()
    for number in range(keeping.MOST_KEPT + 1):
        keeper.get(number, AT, lambda at: None)

    calls = []
    keeper.get(0, AT, lambda at: calls.append(1))
    assert calls


def test_what_is_looked_at_is_measured_before_it_is_asked_for():
    keeper = Keeper()
    at = now()
    measured_by(keeper, at)
    arrive()

    keeper.renew(seconds=10)
    assert not measured_by(keeper, at)


def test_what_still_holds_is_not_measured_ahead():
    keeper, calls = Keeper(), []
    keeper.get("all", now(), lambda at: calls.append(at))

    keeper.renew(seconds=10)
    assert len(calls) == 1


def test_what_nobody_looks_at_is_not_measured_ahead(monkeypatch):
    monkeypatch.setattr(keeping, "LOOKED_AT_SECONDS", 0)
    keeper, calls = Keeper(), []

    def happen_and_renew():
        arrive()
        keeper.renew(seconds=10)

    keeper.get("all", now(), lambda at: calls.append(at))
    arrive()
    keeper.get("all", now(), lambda at: calls.append(at))  # a page that is open asks again, and its question is kept
    happen_and_renew()
    happen_and_renew()

    assert len(calls) == 2


def test_no_further_report_is_measured_ahead_once_the_time_is_up():
    keeper, calls = Keeper(), []
    for asked in ("first", "last"):
        keeper.get(asked, now(), lambda at, asked=asked: calls.append(asked))
    arrive()
    calls.clear()

    keeper.renew(seconds=0)
    assert calls == []
    keeper.renew(seconds=10)
    assert calls == ["last", "first"]


# Who has less patience ----------------------------------------------------------------------------------------

AT_ONCE = Patience(0)


@pytest.fixture
def gate():
    """What is measured goes on once it is opened; no thread keeps a connection to the database of this test."""
    gate = threading.Event()
    yield gate
    gate.set()
    closed_in(keeping.measurers)


def test_who_waits_no_longer_hears_so_and_finds_it_kept_later(gate):
    keeper, at = Keeper(), now()

    def measure(at):
        gate.wait(20)
        return at

    with pytest.raises(StillMeasuringError):
        keeper.get("all", at, measure, AT_ONCE)
    gate.set()
    later = at + timedelta(seconds=1)

    assert keeper.get("all", later, measure, Patience(20)) == at


def test_however_often_somebody_comes_back_it_is_measured_once(gate):
    keeper, calls = Keeper(), []

    def measure(at):
        calls.append(at)
        gate.wait(20)

    for _ in range(20):
        with pytest.raises(StillMeasuringError):
            keeper.get("all", now(), measure, AT_ONCE)
    gate.set()
    keeper.get("all", now(), measure, Patience(20))

    assert len(calls) == 1


def test_where_something_always_happens_who_comes_back_is_answered(gate):
    keeper, at = Keeper(), now()
    gate.set()

    def measure(at):
        arrive()  # so that nothing that was kept holds
        return at

    def come(patience):
        try:
            return keeper.get("all", now(), measure, patience)
        except StillMeasuringError:
            time.sleep(0.02)
            return None

    assert come(AT_ONCE) is None
    answers = [come(Patience(0, since=at)) for _ in range(500)]
    assert next(filter(None, answers)) >= at


def test_who_comes_back_gets_nothing_older_than_they_asked_for(gate):
    keeper = Keeper()
    gate.set()
    before = now()
    keeper.get("all", before, lambda at: "old", Patience(20))
    arrive()

    answer = keeper.get("all", now(), lambda at: "new", Patience(20, since=before + timedelta(microseconds=1)))
    assert answer == "new"


def test_what_fails_is_told_to_who_waits_and_tried_again(gate):
    keeper, fails = Keeper(), [True]
    gate.set()

    def measure(at):
        if fails.pop():
            raise ValueError("no")
        return "done"

    with pytest.raises(ValueError, match="no"):
        keeper.get("all", now(), measure, Patience(20))
    fails.append(False)
    assert keeper.get("all", now(), measure, Patience(20)) == "done"
