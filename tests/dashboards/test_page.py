"""The funnel page: every number opens the rows that make it, for whoever may see it."""

import csv
import io
import json
import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import pairwise
from random import Random
from urllib.parse import urljoin

import pytest
from django.urls import reverse
from django.utils import timezone

from alignment.ops.models import AuditEntry
from alignment.people.models import Role
from dashboards import keeping
from leads.milestones import Milestone, Outcome
from leads.models import Journey, Reason, Source
from tests.connections import closed_in
from tests.factories import make_clock, make_journey, make_user
from tests.sla.stories import arrive

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LINK = re.compile(r'<a[^>]* href="(/dash/funnel/leads/\?[^"]*)"[^>]*>([^<]*)</a>')
COUNT = re.compile(r'<b id="count">([\d,]+)</b>')


def ago(days):
    return NOW - timedelta(days=days)


@pytest.fixture
def crowd():
    """A year of leads that did a bit of everything."""
    rng = Random(7)
    sources = [Source.objects.create(key=key, name=key.capitalize()) for key in ("search", "event")] + [None]
    reasons = {kind: list(Reason.objects.offered(kind)) for kind in ("reject", "lose")}
    for number in range(160):
        outcome = rng.choice(["", "", Outcome.WON, Outcome.LOST, Outcome.REJECTED, Outcome.RECYCLED, Outcome.ATTACHED])
        reached = {
            Outcome.WON: Milestone.WON, Outcome.LOST: Milestone.SQO, Outcome.REJECTED: Milestone.MQL,
        }.get(outcome) or rng.choice(list(Milestone)[:4])  # fmt: skip
        start, dates = rng.uniform(5, 330), {}
        for milestone in range(1, reached + 1):
            dates[f"{Milestone(milestone).name.lower()}_at"] = ago(start)
            start -= rng.uniform(0, start / 3)
        kind = {Outcome.REJECTED: "reject", Outcome.LOST: "lose"}.get(outcome)
        journey = make_journey(
            Milestone(reached), outcome, **dates, closed_at=ago(start) if outcome else None,
            accepted_at=dates.get("sql_at"), worked_at=ago(start) if number % 3 else None, source=rng.choice(sources),
            is_primary=outcome != Outcome.ATTACHED and number % 9 != 0,
            revisit_on=ago(start).date() if outcome == Outcome.RECYCLED else None,
            **({"reason": rng.choice(reasons[kind])} if kind else {}),
        )  # fmt: skip
        if reached >= Milestone.MQL:
            due_at = dates["mql_at"] + timedelta(hours=48)
            answered = journey.accepted_at or journey.closed_at
            make_clock(journey, due_at, started_at=dates["mql_at"], stopped_at=answered)


def numbers_of(html):
    """The addresses of all numbers on a page, with the first whole number in each link's text."""
    found = {}
    for address, text in LINK.findall(html):
        number = re.match(r"[\d,]+(?![\d,.]*%)", unescape(text).strip())
        if number:
            found[unescape(address)] = int(number[0].replace(",", ""))
    return found


@pytest.mark.parametrize("query", ["", "basis=period&passes=first", "period=all&source=search", "anchor=sql&by=team"])
def test_every_number_opens_its_rows(client, crowd, query):
    client.force_login(make_user(Role.REVOPS))
    shown = numbers_of(client.get(f"/dash/funnel/?{query}").content.decode())

    opened = {}
    for address in shown:
        listed = client.get(address)
        assert listed.status_code == 200, address
        opened[address] = int(COUNT.search(listed.content.decode())[1].replace(",", ""))

    assert len(shown) > 60
    assert opened == shown


def test_pages_of_rows_show_each_once(client, crowd):
    """Those that entered at an unknown date come last, over more than one page."""
    undated = list(Journey.objects.order_by("-pk").values_list("pk", flat=True)[:70])
    dates = ("mgl_at", "mql_at", "sql_at", "sqo_at", "won_at")
    Journey.objects.filter(pk__in=undated).update(**dict.fromkeys(dates))
    client.force_login(make_user(Role.MARKETER))
    address, rows = "/dash/funnel/leads/?figure=funnel.entered&period=all", []
    while address:
        html = client.get(address).content.decode()
        rows += re.findall(r'data-row="(\d+)"', html)
        following = re.search(r'href="([^"]*&amp;after=[^"]+)"', html)
        address = urljoin(address, unescape(following[1])) if following else None

    assert len(rows) == len(set(rows)) == 160
    assert [int(row) for row in rows[-70:]] == undated


def test_rows_as_a_file(client, crowd):
    client.force_login(make_user(Role.EXECUTIVE))
    response = client.get("/dash/funnel/leads/?figure=funnel.reached&milestone=WON&period=all&format=csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    listed = client.get("/dash/funnel/leads/?figure=funnel.reached&milestone=WON&period=all").content.decode()

    assert response["Content-Type"].startswith("text/csv")
    assert len(rows) == int(COUNT.search(listed)[1])
    assert {row["Reached"] for row in rows} == {"WON"}


def test_figures_as_a_file(client, crowd):
    user = make_user(Role.MARKETER)
    client.force_login(user)
    response = client.get("/dash/funnel/?period=all&format=csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    found = {(row["Part"], row["Of"], row["Figure"]): row["Value"] for row in rows}

    assert found["Funnel", "MGL", "Reached"] == "160"
    assert AuditEntry.objects.get(action="exported").actor == user


def test_an_export_escapes_formulas(client):
    journey = make_journey(mql_at=ago(3))
    journey.lead.name = "=HYPERLINK(1)"
    journey.lead.save()
    client.force_login(make_user(Role.MARKETER))

    assert b"'=HYPERLINK(1)" in b"".join(client.get("/dash/funnel/leads/?format=csv"))


def test_step_rates_recompute_from_the_counts_shown(client, crowd):
    client.force_login(make_user(Role.MANAGER))
    html = client.get("/dash/funnel/?period=all").content.decode()
    counts = [
        int(text.replace(",", "")) for text in re.findall(r'class="funnel-count"[^>]*><a [^>]*>([\d,]+)</a>', html)
    ]
    rates = re.findall(r'class="funnel-rate" role="cell">([\d.]+%)', html)

    assert rates == [f"{after / before:.1%}" for before, after in pairwise(counts)]


def test_bars_are_as_long_as_their_counts(client, crowd):
    client.force_login(make_user(Role.MANAGER))
    html = client.get("/dash/funnel/?period=all").content.decode()
    counts = [int(text) for text in re.findall(r'class="funnel-count"[^>]*><a [^>]*>(\d+)</a>', html)]
    lengths = [float(width) for width in re.findall(r'class="fill-team" width="([\d.]+)%" height="100%"', html)]

    assert lengths == pytest.approx([count / counts[0] * 100 for count in counts], abs=0.01)


def test_the_number_of_queries_does_not_grow(client, crowd, django_assert_max_num_queries):
    client.force_login(make_user(Role.REVOPS))
    address = reverse("funnel")
    client.get(address)
    with django_assert_max_num_queries(24):
        client.get(address)
    with django_assert_max_num_queries(22):
        client.get(address, headers={"HX-Request": "true"})
    with django_assert_max_num_queries(12):
        client.get(reverse("funnel_leads"))


def test_htmx_gets_the_figures_alone(client, crowd):
    client.force_login(make_user(Role.MARKETER))
    response = client.get("/dash/funnel/?source=&basis=period", headers={"HX-Request": "true", "HX-Trigger": "filters"})

    assert response.content.lstrip().startswith(b'<div id="figures"')
    assert b"<html" not in response.content
    assert response["HX-Push-Url"] == "/dash/funnel/?basis=period"
    assert "HX-Request" in response["Vary"]


@pytest.mark.django_db(transaction=True)
def test_figures_that_a_browser_has_are_not_sent_again(client, django_assert_max_num_queries):
    def ask(etag="", trigger=""):
        headers = {"HX-Request": "true", "If-None-Match": etag, "HX-Trigger": trigger}
        return client.get("/dash/funnel/", headers={name: value for name, value in headers.items() if value})

    marketer = make_user(Role.MARKETER)
    client.force_login(marketer)
    first = ask()
    with django_assert_max_num_queries(8) as captured:
        again = ask(first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert not [each["sql"] for each in captured if "journey" in each["sql"] and "sequence" not in each["sql"]]
    assert "no-cache" in first["Cache-Control"]
    assert ask(first["ETag"], trigger="filters").status_code == 200

    arrive()
    after = ask(first["ETag"])
    assert after.status_code == 200
    client.force_login(make_user(Role.MARKETER))
    assert ask(after["ETag"]).status_code == 200


@pytest.fixture
def impatient(settings):
    """No page waits for figures that must be measured first."""
    settings.FIGURES_PATIENCE = 0
    yield
    closed_in(keeping.measurers)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["funnel", "promises"])
def test_a_page_shows_itself_while_its_figures_are_measured(client, impatient, page):
    arrive()
    client.force_login(make_user(Role.REVOPS))
    address = reverse(page, query={"period": "all"})

    response = client.get(address)
    html = response.content.decode()
    assert response.status_code == 200
    assert 'aria-busy="true"' in html
    assert 'id="filters"' in html
    assert "no-store" in response["Cache-Control"]
    assert "ETag" not in response

    waiting = html[html.index('id="figures"') :]
    asks = unescape(re.search(r'hx-get="([^"]*)"', waiting)[1])
    headers = {"HX-Request": "true", **json.loads(re.search(r"hx-headers='([^']*)'", waiting)[1])}
    figures = until_measured(client, asks, headers)
    assert figures.content.lstrip().startswith(b'<div id="figures"')
    assert b"aria-busy" not in figures.content


@pytest.mark.django_db(transaction=True)
def test_a_filter_is_chosen_at_once_and_what_shows_older_figures_keeps_them(client, impatient):
    arrive()
    client.force_login(make_user(Role.REVOPS))
    address = reverse("funnel", query={"period": "90d"})

    chosen = client.get(address, headers={"HX-Request": "true", "HX-Trigger": "filters"})
    assert (chosen.status_code, chosen["HX-Push-Url"]) == (200, address)
    assert b"Measuring" in chosen.content

    arrive()
    live = client.get(address, headers={"HX-Request": "true"})
    assert (live.status_code, live.content) == (204, b"")
    until_measured(client, address, {"HX-Request": "true", "Figures-Since": live["Figures-Since"]})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["funnel_leads", "promise_clocks"])
def test_a_list_shows_its_rows_while_they_are_counted(client, impatient, page):
    [lead_id] = arrive((Milestone.MQL, timezone.now()))
    client.force_login(make_user(Role.REVOPS))
    address = reverse(page, query={"figure": "open", "kind": "disposition"} if page == "promise_clocks" else {})

    html = client.get(address).content.decode()
    assert f"/leads/{lead_id}/" in html
    waiting = re.search(r'<b id="count" aria-busy="true" hx-get="([^"]*)"[^>]*hx-headers=\'([^\']*)\'', html)
    counted = until_measured(client, unescape(waiting[1]), {"HX-Request": "true", **json.loads(waiting[2])})
    assert counted.content.decode().strip() == '<b id="count">1</b>'


@pytest.mark.django_db(transaction=True)
def test_a_file_waits_for_its_figures(client, impatient):
    arrive()
    client.force_login(make_user(Role.REVOPS))

    response = client.get(reverse("funnel", query={"period": "90d", "format": "csv"}))
    assert response["Content-Type"].startswith("text/csv")


def until_measured(client, address, headers):
    """The answer to who comes back for it."""
    for _ in range(400):
        response = client.get(address, headers=headers)
        if response.status_code != 204:
            return response
        assert response.headers.get("Figures-Since", headers["Figures-Since"]) == headers["Figures-Since"]
        time.sleep(0.05)
    raise AssertionError("nothing was measured")


def test_only_the_page_with_the_chart_may_style_inline(client):
    client.force_login(make_user(Role.MARKETER))

    assert "style-src-attr 'unsafe-inline'" in client.get("/dash/funnel/")["Content-Security-Policy"]
    assert "unsafe-inline" not in client.get("/dash/funnel/leads/")["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/dash/funnel/?source=nowhere", "There is no source “nowhere”."),
        ("/dash/funnel/?from=2018-13-01&to=2018-12-31", "is not a date"),
        ("/dash/funnel/?basis=%00", "is no basis"),
        ("/dash/funnel/leads/?figure=funnel.everything", "There is no figure “funnel.everything”."),
        ("/dash/funnel/leads/?figure=funnel.lost&step=MQL-WON", "“MQL-WON” is no step of this figure."),
        ("/dash/funnel/leads/?figure=promises.reason&reason=99999999999999999999", "is no reason"),
    ],
)
def test_an_address_that_asks_for_nothing_says_so(client, address, sentence):
    client.force_login(make_user(Role.MARKETER))
    response = client.get(address)

    assert response.status_code == 422
    assert sentence in unescape(response.content.decode())


def test_years_in_which_nobody_entered_do_not_hide_the_others(client):
    """A history of long ago, and one lead of today: the first cohorts are those that tell something."""
    for year in (2017, 2018):
        entered_at = datetime(year, 3, 1, tzinfo=UTC)
        make_journey(Milestone.WON, Outcome.WON, mql_at=entered_at, won_at=entered_at + timedelta(days=9))
    make_journey(mql_at=timezone.now())
    client.force_login(make_user(Role.MARKETER))
    page = client.get("/dash/funnel/?period=all").context["page"]

    assert [(row.name, row.entered.n) for row in page.first_cohorts] == [("2017", 1), ("2018", 1)]


def test_without_leads_the_page_says_what_to_do(client):
    client.force_login(make_user(Role.MARKETER))
    html = client.get("/dash/funnel/").content.decode()

    assert "No lead entered here" in html
    assert f'href="{reverse("imports")}">Import a file</a>' in html


def test_who_may_not_import_is_not_asked_to(client):
    client.force_login(make_user(Role.REP))

    assert "Import a file" not in client.get("/dash/funnel/").content.decode()


def test_figures_of_reps_are_for_themselves_their_managers_and_revops(client):
    rep, other = make_user(Role.REP), make_user(Role.REP)
    may = {
        (Role.MARKETER, rep): 403, (Role.EXECUTIVE, rep): 403, (Role.MANAGER, rep): 200, (Role.REVOPS, rep): 200,
    }  # fmt: skip
    for (role, owner), status in may.items():
        client.force_login(make_user(role))
        assert client.get(f"/dash/funnel/?owner={owner.pk}").status_code == status
        assert client.get(f"/dash/funnel/leads/?owner={owner.pk}").status_code == status
        assert client.get("/dash/funnel/?by=owner").status_code == status
    client.force_login(rep)
    assert client.get(f"/dash/funnel/?owner={rep.pk}").status_code == 200
    assert client.get(f"/dash/funnel/?owner={other.pk}").status_code == 403
    html = client.get("/dash/funnel/").content.decode()
    assert rep.name in html
    assert other.name not in html


def test_strangers_are_sent_to_sign_in(client):
    make_user(Role.REVOPS)
    response = client.get("/dash/funnel/?source=search")

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("page", ["funnel_leads", "promise_clocks"])
def test_a_list_says_whose_accounts_it_is_about(client, page):
    client.force_login(make_user(Role.REVOPS))
    told = client.get(reverse(page), {"accounts": "target"})
    assert "target accounts" in told.content.decode().split("</main>")[0].rpartition("<main")[2]
