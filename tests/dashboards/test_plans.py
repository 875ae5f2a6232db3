"""The counts of a cohort are read from the covering index alone, whatever they are filtered by."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from alignment.people.models import Company
from dashboards.filters import Calendar, Filters
from dashboards.metrics import attainment, cells, funnel, promises, speed
from dashboards.options import Options
from leads.models import Source
from tests.factories import make_clock, make_journey

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


def test_what_happened_in_a_period_is_read_from_indexes_of_its_dates():
    calendar = Calendar.of(Company.get())
    filters = Filters.parse({"period": "90d", "basis": "period"}, options=Options.load(), calendar=calendar, at=now())
    with CaptureQueriesContext(connection) as captured:
        cells.of_period(filters, funnel.frame_of(filters))

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {captured.captured_queries[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    for index in ("journey_cohort", "journey_qualified", "journey_sql", "journey_sqo", "journey_won", "journey_closed"):
        assert f"Index Only Scan using {index} on leads_journey" in plan, plan


def test_promises_read_their_indexes():
    """What was due is read from the index by due time, what is owed from the one of running clocks; journeys of clocks
    are found by lead and pass. A clock in ten is running, fewer lie in the period.
    """
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


def _plans(asked):
    plans = []
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sla_clock, leads_journey, leads_lead")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for sql in asked:
            cursor.execute(f"EXPLAIN {sql}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    return plans
