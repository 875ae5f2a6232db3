"""The counts of a cohort are read from the covering index alone, whatever they are filtered by."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from alignment.lib import keysets
from alignment.people.models import Company
from dashboards.drill import PAGE, FigureList
from dashboards.filters import Calendar, Filters
from dashboards.metrics import attainment, cells, funnel, promises, speed
from dashboards.options import Options
from leads.milestones import Milestone, Outcome
from leads.models import AccountProfile, Journey, Source
from leads.profiles import winning
from tests.factories import make_account, make_clock, make_journey
from tests.plans import as_new

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "query", [{}, {"source": "search", "passes": "first"}, {"team": "-", "by": "campaign"}, {"accounts": "target"}]
)
def test_a_cohort_reads_its_index_alone(query):
    Source.objects.create(key="search", name="Search")
    calendar = Calendar.of(Company.get())
    filters = Filters.parse({"period": "90d", **query}, options=Options.load(), calendar=calendar, at=now())
    with CaptureQueriesContext(connection) as captured:
        funnel.measure(filters)
        speed.stays(filters, now())

    with connection.cursor() as cursor:
        # A table of nothing is cheaper to read whole, or by its key; what counts is that the index could answer.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("ALTER TABLE leads_journey DROP CONSTRAINT journey_pass_unique")
        for one in captured.captured_queries:
            cursor.execute(f"EXPLAIN {one['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Index Only Scan using journey_cohort on leads_journey" in plan, plan


DATED = ("journey_cohort", "journey_qualified", "journey_sql", "journey_sqo", "journey_won", "journey_closed")


@pytest.fixture
def years():
    """Journeys that were won over the years: few of them within a quarter."""
    as_new("leads_journey")
    for month in range(100):
        when = now() - timedelta(days=30 * month)
        dates = dict.fromkeys(("mgl_at", "mql_at", "accepted_at", "sql_at", "sqo_at", "won_at", "closed_at"), when)
        make_journey(Milestone.WON, Outcome.WON, **dates)


@pytest.mark.parametrize(
    ("period", "indexes"),
    [("90d", DATED), ("all", ("journey_sql", "journey_sqo", "journey_won", "journey_mql_undated"))],
)
def test_what_happened_is_read_from_indexes_of_its_dates(years, period, indexes):
    filters = _filters(period=period, basis="period")
    with CaptureQueriesContext(connection) as captured:
        cells.of_period(filters, funnel.frame_of(filters))

    (plan,) = _plans([one["sql"] for one in captured.captured_queries][-1:])
    for index in indexes:
        assert f"using {index} on leads_journey" in plan, plan
    assert plan.count("using journey_undated on leads_journey") == (6 if period == "all" else 0), plan
    assert "Seq Scan on leads_journey" not in plan


@pytest.mark.parametrize("after", ["", "a place"])
def test_a_page_of_the_passes_behind_a_number_reads_the_newest_of_an_index(years, after):
    if after:
        newest = Journey.objects.order_by("-entered_at")[3]
        after = keysets.to_text(newest, FigureList.order)
    found = FigureList(
        {"figure": "funnel.reached", "milestone": "MQL", "after": after}, _filters(period="all"), at=now()
    )
    with CaptureQueriesContext(connection) as captured:
        assert len(found.page) == PAGE

    (plan, _) = _plans([one["sql"] for one in captured.captured_queries])
    assert "Index Only Scan Backward using journey_cohort on leads_journey" in plan, plan
    assert ("entered_at <= " in plan) == bool(after)


def test_what_profiles_win_is_read_from_indexes(years):
    account = make_account()
    AccountProfile.objects.create(account=account, profile="plants", tier=1, found_at=now())
    with CaptureQueriesContext(connection) as captured:
        winning.stated_and_won({"plants": "Plants"}, now() - timedelta(days=90), now())

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
    (plan,) = _plans([one["sql"] for one in captured.captured_queries])
    assert "Index Only Scan using journey_qualified on leads_journey" in plan, plan
    assert "Index Only Scan using lead_by_account on leads_lead" in plan, plan


def test_promises_read_their_indexes():
    """What was due is read from the index by due time, what is owed from the one of running clocks; journeys of clocks
    are found by lead and pass. A clock in ten is running, fewer lie in the period.
    """
    as_new("leads_journey", "sla_clock")
    at = now()
    for number in range(120):
        due_at = at + timedelta(days=1) if number % 10 == 0 else at - timedelta(days=30 * number)
        make_clock(make_journey(mql_at=due_at), due_at, stopped_at=due_at if number % 10 else None)
    calendar = Calendar.of(Company.get())
    filters = Filters.parse({"period": "90d"}, options=Options.load(), calendar=calendar, at=at)
    with CaptureQueriesContext(connection) as captured:
        attainment.measure(filters, promises.weeks_shown(filters, at), at)

    overdue, answered, owed, _ = _plans([one["sql"] for one in captured.captured_queries])
    for plan in (overdue, owed):
        assert "clock_running on sla_clock" in plan, plan
    assert "clock_by_due on sla_clock" in answered, answered
    assert not [plan for plan in (overdue, answered, owed) if "Seq Scan" in plan]


def _filters(**asked):
    return Filters.parse(asked, options=Options.load(), calendar=Calendar.of(Company.get()), at=now())


def _plans(asked):
    plans = []
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sla_clock, leads_journey, leads_lead")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for sql in asked:
            cursor.execute(f"EXPLAIN {sql}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    return plans
