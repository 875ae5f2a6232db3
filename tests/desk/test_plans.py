"""However many leads there are, no filter of the list reads them all to find a few, and the lead page asks as often
whatever happened.
"""

from contextlib import closing
from datetime import timedelta

import psycopg2
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.desk.queue import PAGE
from alignment.lib import table_sizes
from alignment.people.models import Role
from leads import holders, lifecycle, touches
from leads.drafts import Draft
from leads.holders import Assignment
from leads.intake import receive
from leads.models import AccountProfile, Lead, Score
from leads.profiles import targets
from leads.touches import Touch
from sla.models import Clock
from tests.factories import make_lead, make_team, make_user
from tests.leads.stories import HISTORY, by, day, reason, to
from tests.ops.processes import database_url
from tests.plans import as_new, plan, rows_read, rows_read_while

pytestmark = pytest.mark.django_db

MANY, FEW, MOST_READ = 3_000, 5, 300
LEADS = ("leads_lead", "leads_journey", "leads_score", "leads_leadsearch", "leads_leadtransition", "leads_touchpoint")


@pytest.fixture
def company():
    """Thousands of leads that came in and lie there, and five of which everything is special that a filter asks for;
    returns those five.
    """
    as_new("leads_lead", "leads_account")
    rows = [Draft(name=f"Ada {n}", email=f"ada{n}@buyer{n % 700}.example", source="Web", steps=(to("mgl", day(1)),))
            for n in range(MANY)]  # fmt: skip
    receive(drafts=rows, cause=HISTORY)
    rare = [
        Draft(name=f"Zdenek {n}", email=f"z{n}@rare.example", company_name="Rare", source="Fair", campaign="Spring",
              segment="Rail", territory="North", steps=(to("mql", day(2)), to("sql", day(3))))
        for n in range(FEW)
    ]  # fmt: skip
    few = list(receive(drafts=rare, cause=HISTORY).lead_ids)
    rep = make_user(Role.REP, team=make_team())
    holders.hold(assignments=[Assignment(pk, rep.pk) for pk in few], cause=by())
    Score.objects.filter(lead__in=few).update(points=100, fit_points=100, grade="A")
    Score.objects.exclude(lead__in=few).update(points=0, fit_points=0, grade="D")
    account = Lead.objects.get(pk=few[0]).account_id
    targets.add(account_ids=[account], cause=by(rep.pk))
    AccountProfile.objects.create(account_id=account, profile="rare", tier=1, found_at=timezone.now())
    return few


def close(few):
    """Each of them ends in another way."""
    won, lost, rejected, recycled = few[:4]
    lifecycle.lose(lead_ids=[lost], reason_id=reason("lose"), cause=by())
    lifecycle.win(lead_ids=[won], cause=by())
    lifecycle.reject(lead_ids=[rejected], reason_id=reason("reject"), cause=by())
    lifecycle.recycle(lead_ids=[recycled], cause=by())


def read_by(client, **asked):
    """Table → rows that the list reads for this; the most that one of its statements does."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(reverse("leads"), asked).status_code == 200
    assert len(captured) <= 12
    most = dict.fromkeys(LEADS, 0)
    for query in captured.captured_queries:
        if query["sql"].startswith(("SELECT", "WITH")):
            read = rows_read(query["sql"])
            most = {table: max(most[table], read[table]) for table in LEADS}
    return most


def test_no_filter_reads_all_leads_to_find_a_few(client, company):
    client.force_login(make_user(Role.REVOPS))
    lead = Lead.objects.get(pk=company[0])
    asked = [
        {"source": "fair"}, {"campaign": "spring"}, {"segment": "rail"}, {"territory": "north"}, {"stage": "sql"},
        {"owner": lead.owner_id}, {"team": lead.team_id}, {"state": "in_sales"}, {"state": "untouched"},
        {"state": "waiting"}, {"state": "overdue"}, {"score": 80}, {"fit": "A"}, {"target": "yes"}, {"tier": 1},
        {"account": lead.account_id}, {"q": "zdenek"}, {"q": "rare"}, {"source": "fair", "score": 80},
        {"target": "yes", "state": "in_sales"}, {"fit": "A", "state": "open"}, {"tier": 1, "q": "zdenek"},
    ]  # fmt: skip
    ended = [{"state": state} for state in ("won", "lost", "rejected", "recycled", "attached")]
    analyze()
    read = {str(each): read_by(client, **each) for each in asked}
    close(company)
    analyze()
    read |= {str(each): read_by(client, **each) for each in ended}
    too_many = [
        f"{each} reads {count:,} of {table}"
        for each, told in read.items() for table, count in told.items() if count > MOST_READ
    ]  # fmt: skip
    assert not too_many, "\n".join(too_many)


def test_the_few_without_a_segment_or_a_territory_are_found_among_many(client, company):
    client.force_login(make_user(Role.REVOPS))
    lead = Lead.objects.get(pk=company[0])
    Lead.objects.exclude(pk__in=company).update(segment=lead.segment_id, territory=lead.territory_id)
    Lead.objects.filter(pk__in=company).update(segment=None, territory=None)
    analyze()

    for facet in ("segment", "territory"):
        assert max(read_by(client, **{facet: "-"}).values()) <= MOST_READ


def analyze():
    """As autovacuum leaves tables: with statistics, and with nothing pending in their indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('lead_facets'), gin_clean_pending_list('lead_search_trigrams')")
        for table in (*LEADS, "leads_account", "leads_accountprofile", "leads_targetaccount", "sla_clock"):
            cursor.execute(f"ANALYZE {table}")


def test_the_lead_page_asks_as_often_whatever_happened(client):
    client.force_login(make_user(Role.REVOPS))
    lead = make_lead("sql", company_name="Flora")

    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("lead", args=[lead.pk])).status_code == 200
        return len(captured)

    def happen(count):
        began = timezone.now() - timedelta(days=count)
        rows = [Touch(lead.pk, began + timedelta(hours=n), "visit", f"Visit {n}") for n in range(count)]
        touches.record(touches=rows, cause=by())

    happen(1)
    few = queries()
    happen(400)
    assert queries() == few <= 15


HELD = 1_000
TAKEN_FOR_EMPTY = """
    UPDATE pg_class SET reltuples = 0, relpages = greatest(1, pg_relation_size(oid) / 8192)
    WHERE relkind IN ('r', 'i') AND relname ~ '^(leads|lead|sla|clock|journey)_'
"""
UNKNOWN = "DELETE FROM pg_statistic WHERE starelid::regclass::text ~ '^(leads|sla)_'"


def hold_many(user, leads=HELD):
    """A rep with many leads that wait for an answer, of which none is late."""
    drafts = [Draft(name=f"Buyer {n}", owner_id=user.pk, steps=(to("mql", timezone.now()),)) for n in range(leads)]
    receive(drafts=drafts, cause=by())
    assert Clock.objects.count() == leads


@pytest.mark.parametrize("part", ["whole", "queue-rows", "queue-tabs"])
@pytest.mark.parametrize("asked", [{}, {"sort": "next"}, {"view": "team"}, {"view": "accepted"}], ids=str)
def test_the_clock_of_each_lead_of_a_queue_is_looked_up_whatever_is_known_of_the_tables(client, asked, part):
    rep = make_user(Role.REP, team=make_team())
    hold_many(rep)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE; {UNKNOWN}")
        if part != "whole":
            # Pages that stand open look again at the moment of the commit.
            cursor.execute(TAKEN_FOR_EMPTY)
    client.force_login(rep)
    fragment = {} if part == "whole" else {"HX-Request": "true", "HX-Target": part}

    read = rows_read_while(lambda: client.get(reverse("queue"), asked, headers=fragment))
    # A few looks at each clock: the order, whether one is overdue, how well the promise is kept; and what the rows say.
    assert read["sla_clock"] <= (10 if part == "whole" else 10 + PAGE + 1) * HELD


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [table_sizes.MANY, table_sizes.LARGE])
def test_what_is_analyzed_amid_a_large_set_is_not_taken_for_empty_once_that_is_committed(client, held):
    rep = make_user(Role.REP, team=make_team())
    with closing(psycopg2.connect(database_url())) as other, transaction.atomic():
        other.autocommit = True
        hold_many(rep, held)
        # As autovacuum, which passes over what others are about to analyze.
        other.cursor().execute(f"ANALYZE (SKIP_LOCKED) {', '.join(GROWN)}")
        assert set(known_sizes().values()) == {held if held == table_sizes.LARGE else 0}

    assert set(known_sizes().values()) == {held}
    client.force_login(rep)
    pages = [reverse("queue"), reverse("leads"), reverse("promises"), reverse("lead", args=[rep.leads.first().pk])]
    with transaction.atomic():
        read = rows_read_while(lambda: [client.get(page) for page in pages])
    assert max(read[table] for table in GROWN) <= 30 * held


def known_sizes():
    """Table → how many rows its planner takes it to have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reltuples FROM pg_class WHERE relname = ANY(%s)", [GROWN])
        return dict(cursor.fetchall())


GROWN = ["leads_lead", "leads_journey", "leads_leadtransition", "sla_clock", "sla_clockevent"]


def test_how_many_stand_in_each_stage_is_counted_from_an_index(client, company):
    client.force_login(make_user(Role.REVOPS))
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("setup_stages"))
    [counted] = [one["sql"] for one in captured if "GROUP BY 1" in one["sql"] and '"leads_lead"' in one["sql"]]

    assert "using lead_standing on leads_lead" in plan(counted)
