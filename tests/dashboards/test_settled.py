"""What was measured of ten days stands until something of them changes; never less is told than was committed."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest
from django.db import connection, transaction
from django.db.models import Case, Value, When
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment.lib.periods import Period
from alignment.people.models import Company
from dashboards import ledger, report, settled
from dashboards.clock_figures import FIGURES, OpenedClocks
from dashboards.filters import Anchor, Calendar, Filters
from dashboards.metrics import attainment, funnel, promises, speed
from dashboards.metrics.funnel import STEPS
from dashboards.options import Options
from dashboards.settled import NOTHING_KEPT, Memory
from leads import changed_days
from leads.milestones import Milestone
from leads.models import ChangedDays, Journey, Opportunity, Source
from leads.models.opportunity import DealKind
from sla.models import Clock
from tests.dashboards.stories import AT, ZONE, lives, moments, store
from tests.factories import make_clock, make_journey

pytestmark = pytest.mark.django_db(transaction=True)

PERIOD = Period(date(2018, 9, 10), date(2019, 1, 20))
NOON = datetime(2018, 11, 15, 12, tzinfo=UTC)
OCTOBER = NOON - timedelta(days=31)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def company():
    Company.objects.update_or_create(defaults={"time_zone": ZONE})


def asked(**given):
    """A question about the autumn of these stories."""
    given = {"from": PERIOD.first.isoformat(), "to": PERIOD.last.isoformat(), **given}
    return Filters.parse(given, options=Options.load(), calendar=Calendar.of(Company.get()), at=AT)


class Asked(Memory):
    """A memory of questions that were asked before, so that what is measured is kept."""

    def look(self, about="these stories", **how):
        super().look(about, **how)
        return super().look(about, **how)


def told(filters, look):
    """All that can be kept of a report."""
    counted, kept = funnel.measure(filters, look), promises.measure(filters, AT, look)
    cells = Counter()
    for cell in counted.entries:
        cells[replace(cell, n=0)] += cell.n
    return (
        cells,
        (counted.n, counted.counts, counted.groups, counted.parts),
        speed.stays(filters, AT, look),
        funnel.reached_before(filters, AT, look),
        (kept.kept, kept.weeks, kept.overdue, kept.answer_time),
        attainment.measure(filters, promises.weeks_shown(filters, AT), AT, look),
    )


def stuck_ones(filters, step, look):
    """The journeys that are stuck there."""
    return set(speed.stuck(filters, step, AT, look).values_list("pk", flat=True))


def reads(memory, filters=None):
    """The statements with which the funnel is measured now."""
    filters, look = filters or asked(), memory.look()
    with CaptureQueriesContext(connection) as captured:
        funnel.measure(filters, look)
    return [one["sql"] for one in captured.captured_queries]


# As if nothing had been kept --------------------------------------------------------------------------------------


def moved(journey):
    """It is of another source now."""
    event, _ = Source.objects.get_or_create(key="event", defaults={"name": "Event"})
    journey.update(source=Case(When(source=None, then=Value(event.pk)), default=None))


HAPPENS = {
    "is gone": lambda journey, _: journey.delete(),
    "qualified": lambda journey, moment: journey.update(mql_at=moment),
    "entered": lambda journey, moment: journey.update(mgl_at=moment),
    "closed": lambda journey, moment: journey.exclude(outcome="").update(closed_at=moment),
    "touched": lambda journey, moment: journey.exclude(accepted_at=None).update(worked_at=moment),
    "moved": lambda journey, _: moved(journey),
    "other deal": lambda journey, _: Opportunity.objects.filter(journeys__in=journey).update(kind=DealKind.EXPANSION),
    "answered": lambda journey, moment: Clock.objects.filter(lead__in=journey.values("lead"), cancelled_at=None).update(
        stopped_at=moment
    ),
}


changes = st.lists(
    st.tuples(
        st.sampled_from(["arrives", *HAPPENS]),
        st.integers(0, 13),
        moments,
        lives(),
    ),
    max_size=4,
)
queries = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from(["event", "-"]),
        "anchor": st.just("mql"),
        "by": st.just("team"),
        "passes": st.just("first"),
        "period": st.just("all"),
        "basis": st.just("period"),
    },
)


def happen(kind, row, moment, life):
    """One change of what is stored, of the journey at this place."""
    if kind == "arrives":
        store([life])
    elif found := Journey.objects.order_by("pk")[row : row + 1]:
        HAPPENS[kind](Journey.objects.filter(pk=found[0].pk), moment)


@settings(max_examples=12)
@given(st.lists(lives(), max_size=14), queries, changes)
def test_it_tells_what_measuring_anew_would(told_before, query, happening):
    memory = Asked()
    store(told_before)
    filters = asked(**query)
    try:
        for change in (None, *happening):
            if change:
                happen(*change)
            assert told(filters, memory.look()) == told(filters, NOTHING_KEPT)
            for step in STEPS:
                assert stuck_ones(filters, step, memory.look()) == stuck_ones(filters, step, NOTHING_KEPT)
            opened = [OpenedClocks.find({"figure": name}, []) for name in FIGURES]
            assert [each.count(filters, AT) for each in opened] == [each.rows(filters, AT).count() for each in opened]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE leads_journey, sla_clock CASCADE")


# What is read again -----------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_read_again():
    make_journey(Milestone.MQL, mql_at=NOON)
    memory = Asked()

    assert len(reads(memory)) == 1
    assert reads(memory) == []
    assert len(reads(memory, asked(by="team"))) == 1


def test_what_is_asked_once_is_measured_as_a_whole():
    memory = Memory()

    assert not memory.look("a question").keeps
    assert memory.look("a question").keeps
    assert not memory.look("another one").keeps


def test_what_everybody_asks_is_kept_when_it_is_first_asked():
    assert Memory().look("the usual", is_usual=True).keeps


def test_a_process_that_has_prepared_knows_the_usual_question(monkeypatch):
    monkeypatch.setattr(report, "_memory", Memory())
    make_journey(Milestone.MQL, mql_at=AT - timedelta(days=40))
    report.prepare(AT)

    months = Filters.parse({"period": "90d"}, options=Options.load(), calendar=Calendar.of(Company.get()), at=AT)
    with CaptureQueriesContext(connection) as captured:
        assert funnel.measure(months, report.look(months)).n == 1
    assert len(captured) == 2, "what changed, and the third of a month that the period begins in"
    assert not report.look(replace(months, anchor=Anchor.SQL)).keeps


def test_what_is_kept_of_everybody_tells_of_one_source_too(monkeypatch):
    monkeypatch.setattr(report, "_memory", Memory())
    events = Source.objects.create(key="event", name="Event")
    journey = make_journey(Milestone.MQL, mql_at=AT - timedelta(days=40), source=events)
    make_clock(journey, AT - timedelta(days=38), stopped_at=AT - timedelta(days=39))
    make_clock(make_journey(Milestone.MQL), AT - timedelta(days=38), stopped_at=AT - timedelta(days=39))
    ledger.prepare(AT)

    for query in ({"source": "event"}, {"source": "event", "period": "all", "passes": "first"}):
        of_events = Filters.parse(query, options=Options.load(), calendar=Calendar.of(Company.get()), at=AT)
        with CaptureQueriesContext(connection) as captured:
            assert sum(line.kept.met for line in ledger.measure(of_events, AT).sales.lines) == 1
        assert not [one for one in captured.captured_queries if "is_first" in one["sql"]]

        opened = OpenedClocks.find({"figure": "met", "kind": "disposition"}, attainment.promised())
        with CaptureQueriesContext(connection) as captured:
            assert opened.count(of_events, AT) == 1
        assert not [one for one in captured.captured_queries if 'COUNT(*) AS "__count"' in one["sql"]]

    Journey.objects.filter(pk=journey.pk).update(source=None)
    assert opened.count(of_events, AT) == 0
    assert sum(line.kept.met for line in ledger.measure(of_events, AT).sales.lines) == 0


def test_all_time_is_kept_by_thirds_of_months_and_what_has_no_date_is_read_anew():
    make_journey(Milestone.MQL, mql_at=OCTOBER)
    journey = make_journey(Milestone.MQL, mql_at=NOON)
    make_journey(Milestone.MQL, mgl_at=None, mql_at=None)
    memory, ever = Asked(), asked(period="all")
    assert (funnel.measure(ever, memory.look()).n, funnel.measure(ever, NOTHING_KEPT).undated) == (3, 1)
    assert not any("2018-11-11T" in sql for sql in reads(memory, ever))

    Journey.objects.filter(pk=journey.pk).update(owner=None)
    assert [("2018-11-11T" in sql, "2018-10-11T" in sql) for sql in reads(memory, ever)].count((True, False)) == 1


def test_only_the_third_of_a_month_that_changed_is_read_again():
    journey = make_journey(Milestone.MQL, mql_at=NOON)
    memory = Asked()
    reads(memory)
    Journey.objects.filter(pk=journey.pk).update(owner=None)

    (sql,) = reads(memory)
    assert "2018-11-11T" in sql
    assert "2018-11-21T" in sql
    assert "2018-11-01T" not in sql


def test_days_apart_are_read_with_one_statement():
    apart = [make_journey(Milestone.MQL, mql_at=at) for at in (NOON - timedelta(days=60), NOON)]
    memory = Asked()
    reads(memory)
    for journey in apart:
        Journey.objects.filter(pk=journey.pk).update(owner=None)

    (sql,) = reads(memory)
    assert sql.count("UNION ALL") == 1


def test_a_period_that_was_not_asked_for_shares_its_days():
    make_journey(Milestone.MQL, mql_at=NOON)
    memory = Asked()
    reads(memory)

    assert reads(memory, asked(**{"from": "2018-10-01", "to": "2018-11-30"})) == []


def test_what_moved_is_read_where_it_was_and_where_it_is():
    journey = make_journey(Milestone.MQL, mql_at=NOON)
    memory, november, october = Asked(), asked(**{"from": "2018-11-01"}), asked(to="2018-10-31")
    assert [funnel.measure(each, memory.look()).n for each in (november, october)] == [1, 0]

    Journey.objects.filter(pk=journey.pk).update(mql_at=OCTOBER)
    assert [funnel.measure(each, memory.look()).n for each in (november, october)] == [0, 1]


def test_the_company_has_another_zone():
    make_journey(Milestone.MQL, mql_at=datetime(2018, 11, 1, 1, tzinfo=UTC))
    memory, november = Asked(), {"from": "2018-11-01"}
    assert funnel.measure(asked(**november), memory.look()).n == 0

    Company.objects.update(time_zone="UTC")
    assert funnel.measure(asked(**november), memory.look()).n == 1


def test_tables_that_were_emptied_are_empty():
    make_journey(Milestone.MQL, mql_at=NOON)
    memory = Asked()
    reads(memory)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE leads_journey, leads_changeddays CASCADE")

    assert funnel.measure(asked(), memory.look()).n == 0


# While others write -----------------------------------------------------------------------------------------------


@pytest.fixture
def somebody_else():
    """A second connection, in a transaction of its own."""
    other = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    yield other.cursor()
    other.rollback()
    other.close()


def test_what_is_written_while_it_is_measured_is_told_after_the_commit(somebody_else):
    journey = make_journey(Milestone.MQL, mql_at=NOON)
    memory, november = Asked(), asked(**{"from": "2018-11-01"})
    somebody_else.execute("UPDATE leads_journey SET mql_at = %s WHERE id = %s", [OCTOBER, journey.pk])

    assert funnel.measure(november, memory.look()).n == 1
    assert funnel.measure(november, memory.look()).n == 1
    somebody_else.connection.commit()
    assert funnel.measure(november, memory.look()).n == 0


def test_who_began_to_write_first_may_commit_last(somebody_else):
    journey = make_journey(Milestone.MQL, mql_at=NOON)
    memory, november = Asked(), asked(**{"from": "2018-11-01"})
    somebody_else.execute("UPDATE leads_journey SET mql_at = %s WHERE id = %s", [OCTOBER, journey.pk])
    for _ in range(2):
        make_journey(Milestone.MQL, mql_at=NOON)
        funnel.measure(november, memory.look())

    somebody_else.connection.commit()
    assert funnel.measure(november, memory.look()).n == 2


def test_what_was_looked_at_before_a_commit_does_not_hide_it():
    journey = make_journey(Milestone.MQL, mql_at=NOON)
    memory, november = Asked(), asked(**{"from": "2018-11-01"})
    early = memory.look()
    Journey.objects.filter(pk=journey.pk).update(mql_at=OCTOBER)
    late = memory.look()
    funnel.measure(november, early)  # somebody slow keeps what they measured after their look

    assert funnel.measure(november, late).n == 0
    assert funnel.measure(november, memory.look()).n == 0


def test_what_a_transaction_wrote_itself_is_for_itself_alone(monkeypatch):
    monkeypatch.setattr(report, "_memory", Asked())
    filters = asked()
    assert report.measure(filters, AT).funnel.n == 0
    with transaction.atomic():
        make_journey(Milestone.MQL, mql_at=NOON)
        assert report.measure(filters, AT).funnel.n == 1
        transaction.set_rollback(True)

    assert report.measure(filters, AT).funnel.n == 0


# Room -------------------------------------------------------------------------------------------------------------


def test_it_forgets_what_was_asked_for_first_where_there_is_no_room(monkeypatch):
    make_journey(Milestone.MQL, mql_at=NOON)
    memory, filters = Asked(), asked(**{"from": "2018-11-01", "to": "2018-11-30"})
    monkeypatch.setattr(settled, "MOST_NUMBERS", 10)
    assert len(reads(memory, filters)) == 1
    assert reads(memory, filters) == []
    reads(memory, asked(**{"from": "2018-11-01", "to": "2018-11-30", "by": "team"}))

    assert len(reads(memory, filters)) == 1


def test_whoever_has_not_looked_for_long_forgets_everything(monkeypatch):
    memory = Asked()
    reads(memory)
    monkeypatch.setattr(settled, "UNSEEN_SECONDS", 0)

    assert len(reads(memory)) == 1


def test_days_are_forgotten_once_everybody_has_seen_them():
    make_clock(make_journey(Milestone.MQL, mql_at=NOON), NOON)
    now = datetime.now(UTC)
    told = set(ChangedDays.objects.values_list("dated", "first_on", "last_on"))

    assert {("mql_at", NOON.date(), NOON.date()), ("due_at", NOON.date(), NOON.date())} <= told
    assert changed_days.forget(now=now) == 0
    assert changed_days.forget(now=now + changed_days.KEPT + SECOND) >= 2
    assert not ChangedDays.objects.exists()
