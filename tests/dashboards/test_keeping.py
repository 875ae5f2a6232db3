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
from dashboards.keeping import FRESH, Keeper, Version
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
