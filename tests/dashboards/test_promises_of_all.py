"""The promises page counts every kind of promise, each side's own, beside the period before, and what waits above."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.utils import timezone

from alignment.people.models import Role, Side
from leads.milestones import Milestone
from sla import contesting
from sla.models import Clock
from sla.rules import Rule
from tests.api.asking import api
from tests.dashboards.test_promises_page import COUNT, numbers_of
from tests.factories import make_clock, make_dispute, make_free_deal, make_journey, make_lead, make_team, make_user
from tests.sla.agreements import make_agreement, make_heads
from tests.sla.stories import arrive, promise

pytestmark = pytest.mark.django_db

NOW = timezone.now()
DAY = timedelta(days=1)


@pytest.fixture
def rep():
    return make_user(Role.REP, team=make_team(Side.SALES))


@pytest.fixture
def disputed(rep):
    """One dispute that sales answered too late, one that marketing has to answer."""
    lead = make_lead(owner=rep)
    asks_sales = make_dispute(lead)
    clock = Clock.objects.filter(subject_kind="dispute_answer", subject_id=asks_sales.pk)
    clock.update(started_at=NOW - 5 * DAY, due_at=NOW - 3 * DAY, next_at=None, stopped_at=NOW - 2 * DAY)
    contesting.contest_move(lead_id=make_lead(owner=rep).pk, evidence="A student.", by=rep)
    return Clock.objects.filter(subject_kind="dispute_answer").order_by("pk")


def listed(client, query):
    page = client.get(f"/dash/promises/clocks/?{query}").content.decode()
    return int(COUNT.search(page)[1]), page


def test_the_answer_to_a_dispute_is_the_promise_of_whom_it_asks(client, disputed):
    told = api().get("metrics/promises/").json()
    [of_sales] = [line for line in told["sales"] if line["kind"] == "dispute_answer"]
    [of_marketing] = told["marketing"]["promises"]
    assert (of_sales["side"], of_sales["breached"], of_sales["open"]) == ("sales", 1, 0)
    assert (of_marketing["side"], of_marketing["n"], of_marketing["open"]) == ("marketing", 0, 1)
    promise_id = of_sales["promise"]
    weeks = [line["n"] for week in told["weeks"] for line in week["sales"] if line["promise"] == promise_id]
    assert sum(weeks) == 1

    client.force_login(make_user(Role.REVOPS))
    assert listed(client, f"figure=breached&promise={promise_id}&side=sales")[0] == 1
    assert listed(client, f"figure=breached&promise={promise_id}&side=marketing")[0] == 0
    count, page = listed(client, f"figure=open&promise={promise_id}&side=marketing")
    assert count == 1
    assert "by marketing" in page


def test_every_number_of_every_kind_opens_its_rows(client, disputed):
    promise(Rule("Deals are kept up to date", target=24), kind="deal_update")
    make_free_deal()
    Clock.objects.filter(subject_kind="deal_update").update(started_at=NOW - 3 * DAY, due_at=NOW - DAY, next_at=None)
    client.force_login(make_user(Role.REVOPS))
    html = client.get("/dash/promises/").content.decode()
    assert "Deals are kept up to date" in html
    shown = numbers_of(html)
    opened = {}
    for address in shown:
        page = client.get(address).content.decode()
        opened[address] = {int(COUNT.search(page)[1].replace(",", ""))}
    assert opened == shown


def test_what_a_rep_owes_opens_without_what_others_owe_about_their_leads(client, disputed, rep):
    arrive((Milestone.MQL, NOW), owner_id=rep.pk)
    client.force_login(rep)
    html = client.get("/dash/promises/").content.decode()
    [(address, n)] = re.findall(r'href="([^"]+figure=open[^"]*)">(\d+)</a> <small>open', unescape(html))
    rows = b"".join(client.get(f"{address}&format=csv")).decode().splitlines()[1:]
    shown = [int(COUNT.search(client.get(address).content.decode())[1]), len(rows)]
    assert shown == [int(n)] * 2
    assert "that the holder of the lead owes" in listed(client, urlsplit(address).query)[1]
    judged = f"figure=judged&owner={rep.pk}"
    assert (listed(client, judged)[0], listed(client, f"{judged}&owed_by=holder")[0]) == (1, 0)
    assert client.get("/dash/promises/clocks/?owed_by=nobody").status_code == 422


def test_a_row_names_what_it_is_about(client, disputed):
    promise(Rule("Deals are kept up to date", target=24), kind="deal_update")
    deal = make_free_deal()
    client.force_login(make_user(Role.REVOPS))
    _, page = listed(client, "figure=open&kind=deal_update")
    assert f'href="/deals/{deal.pk}/"' in page
    assert deal.name in unescape(page)
    rows = api().get("clocks/", {"kind": "deal_update", "figure": "open"}).json()["results"]
    assert [(row["lead"], row["about"]) for row in rows] == [(None, deal.name)]


def test_filters_narrow_by_the_lead_and_the_tables_tell_of_its_holder(client, disputed, rep):
    client.force_login(make_user(Role.REVOPS))
    assert listed(client, f"kind=dispute_answer&figure=breached&owner={rep.pk}")[0] == 1
    assert listed(client, f"kind=dispute_answer&figure=breached&owner={make_user(Role.REP).pk}")[0] == 0
    by = api().get("metrics/promises/", {"by": "owner"}).json()["by"]
    assert all("dispute_answer" not in group["kinds"] for group in by)


@pytest.fixture
def two_periods():
    """Forty answers of 90 days, 32 in time; thirty of the 90 days before, twelve in time."""
    for number in range(70):
        days = 10 + number if number < 40 else 60 + number
        journey = make_journey(Milestone.MQL, mql_at=NOW - (days + 2) * DAY)
        in_time = number < 32 or number >= 58
        stopped_at = NOW - (days + 1) * DAY if in_time else NOW - (days - 1) * DAY
        make_clock(journey, NOW - days * DAY, stopped_at=stopped_at)


def test_each_value_stands_beside_that_of_the_period_before(client, two_periods):
    client.force_login(make_user(Role.REVOPS))
    html = client.get("/dash/promises/?period=90d").content.decode()
    text = re.sub(r"\s+", " ", re.sub("<[^>]+>", "", unescape(html)))
    assert "+40 points against 40% of 30 before" in text
    assert "Compared with" in text
    few = client.get("/dash/promises/?period=last_quarter&passes=returning").content.decode()
    assert "points against" not in few
    alone = client.get("/dash/promises/?period=90d&compare=none").content.decode()
    assert "points against" not in alone
    assert "points against" not in client.get("/dash/promises/?period=90d&compare=year").content.decode()
    assert client.get("/dash/promises/?compare=ever").status_code == 422


def test_the_comparison_is_in_the_api_the_file_and_the_command(client, two_periods, capsys):
    told = api().get("metrics/promises/", {"period": "90d"}).json()
    before = told["sales"][0]["before"]
    assert (before["met"], before["n"], told["sales"][0]["n"]) == (12, 30, 40)
    assert told["compared"]["to"] < told["period"]["from"]
    assert api().get("metrics/promises/", {"period": "90d", "compare": "none"}).json()["compared"] is None
    call_command("metric", "promises", "--period", "90d", "--compare", "none", "--json")
    assert '"compared": null' in capsys.readouterr().out
    client.force_login(make_user(Role.REVOPS))
    file = b"".join(client.get("/dash/promises/?period=90d&format=csv&table=promises")).decode()
    assert "0.4,30" in file.replace(" ", "")


def test_what_waits_above_capacity_is_seen(client, rep):
    make_agreement(timezone.localdate(NOW), *make_heads(), per_rep=1)
    arrive((Milestone.MQL, NOW), leads=3, owner_id=rep.pk)
    client.force_login(make_user(Role.REVOPS))
    html = client.get("/dash/promises/").content.decode()
    assert re.search(r">2</a> wait above capacity", html)
    opened = client.get("/dash/funnel/leads/?figure=promises.above").content.decode()
    assert COUNT.search(opened)[1] == "2"
    assert api().get("metrics/promises/").json()["above_capacity"] == 2
