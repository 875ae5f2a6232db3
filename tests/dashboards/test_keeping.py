"""A report is measured once while nothing happens, and never shows less than what was committed."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from django.db import connection, transaction

from dashboards import keeping, report
from dashboards.filters import Filters
from dashboards.keeping import FRESH, Keeper
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
    keeper.get("all", at, lambda: calls.append(1))
    return bool(calls)


def test_nothing_happened_nothing_is_measured():
    keeper = Keeper()

    assert measured_by(keeper)
    assert not measured_by(keeper, AT + FRESH)
    assert measured_by(keeper, AT + FRESH + timedelta(seconds=1))


def test_each_question_has_its_own_answer():
    keeper = Keeper()

    assert [keeper.get(asked, AT, lambda asked=asked: asked * 2) for asked in ("a", "b", "a")] == ["aa", "bb", "aa"]


def test_every_event_makes_a_new_version():
    seen = [keeping.version()]
    arrive()
    seen.append(keeping.version())
    arrive(owner_id=make_user().pk)
    seen.append(keeping.version())

    assert len(set(seen)) == 3


def test_a_report_after_a_write_shows_it():
    # Long after the other tests, whose rows were taken away without an event.
    at = AT + timedelta(days=1)

    assert report.current(ALL, at).funnel.n == 0
    arrive()
    assert report.current(ALL, at).funnel.n == 1


def test_nothing_is_kept_while_somebody_writes(somebody_else):
    keeper = Keeper()
    measured_by(keeper)
    somebody_else.execute("UPDATE people_company SET name = 'Somebody was here'")

    assert keeping.version() is None
    assert measured_by(keeper)
    somebody_else.connection.commit()
    assert keeping.version() is not None


def test_what_a_transaction_wrote_itself_is_not_kept():
    at = AT + timedelta(days=2)
    with transaction.atomic():
        arrive()
        assert keeping.version() is None
        assert report.current(ALL, at).funnel.n == 1
        transaction.set_rollback(True)
    assert report.current(ALL, at).funnel.n == 0


def test_who_comes_while_it_is_measured_waits_for_it():
    keeper, gate, measured, answers = Keeper(), threading.Event(), [], []

    def measure():
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
        keeper.get(number, AT, lambda: None)

    calls = []
    keeper.get(0, AT, lambda: calls.append(1))
    assert calls
