"""However many leads there are, no filter of the list reads them all to find a few, and the lead page asks as often
whatever happened.
"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

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
from tests.plans import plan, rows_read, rows_read_while

pytestmark = pytest.mark.django_db

MANY, FEW, MOST_READ = 3_000, 5, 300
LEADS = ("leads_lead", "leads_journey", "leads_score", "leads_leadsearch", "leads_leadtransition", "leads_touchpoint")


@pytest.fixture
def company():
    """Thousands of leads that came in and lie there, and five of which everything is special that a filter asks for;
    returns those five.
    """
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


def test_the_clock_of_each_lead_of_a_queue_is_looked_up_whatever_is_known_of_the_tables(client):
    rep = make_user(Role.REP, team=make_team())
    drafts = [Draft(name=f"Buyer {n}", owner_id=rep.pk, steps=(to("mql", timezone.now()),)) for n in range(HELD)]
    receive(drafts=drafts, cause=by())
    assert Clock.objects.count() >= HELD
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("DELETE FROM pg_statistic WHERE starelid IN ('leads_lead'::regclass, 'sla_clock'::regclass)")
    client.force_login(rep)

    read = rows_read_while(lambda: client.get(reverse("queue")))
    # A few looks at each clock: the page, how many are overdue, how well the promise is kept.
    assert read["sla_clock"] <= 10 * HELD


def test_how_many_stand_in_each_stage_is_counted_from_an_index(client, company):
    client.force_login(make_user(Role.REVOPS))
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("setup_stages"))
    [counted] = [one["sql"] for one in captured if "GROUP BY 1" in one["sql"] and '"leads_lead"' in one["sql"]]

    assert "using lead_standing on leads_lead" in plan(counted)
