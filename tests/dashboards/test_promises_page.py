"""The promises page: what both sides promised and kept, every number with the clocks that make it."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from random import Random
from urllib.parse import urljoin

import pytest
from django.utils import timezone

from alignment.ops.models import AuditEntry
from alignment.people.models import Role
from leads import holders
from leads.holders import Assignment
from leads.milestones import Milestone, Outcome
from leads.models import Source
from sla.models import Clock, Policy
from tests.factories import make_clock, make_journey, make_team, make_user
from tests.sla.agreements import make_agreement, make_heads
from tests.sla.stories import arrive, cause

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = timedelta(hours=1)
LINK = re.compile(r'<a[^>]* href="(/dash/(?:promises/clocks|funnel/leads)/\?[^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
COUNT = re.compile(r'<b id="count">([\d,]+)</b>')
KINDS = ("disposition", "first_touch", "worked")


@pytest.fixture
def reps():
    team = make_team()
    return [make_user(Role.REP, team=team) for _ in range(3)]


@pytest.fixture
def crowd(reps):
    """Half a year of promises of each kind, kept and broken, open, paused and overdue, in the hands of three reps."""
    rng = Random(5)
    sources = [Source.objects.create(key=key, name=key.capitalize()) for key in ("search", "event")] + [None]
    policies = {policy.subject_kind: policy for policy in Policy.objects.in_force()}
    for number in range(120):
        rep = reps[number % 3]
        mql_at = NOW - timedelta(hours=rng.uniform(1, 4000))
        outcome = Outcome.REJECTED if number % 5 == 0 else ""
        reached = Milestone.MQL if outcome or number % 4 == 0 else Milestone.SQL
        journey = make_journey(
            reached, outcome, mql_at=mql_at, accepted_at=mql_at + 20 * HOUR if reached > Milestone.MQL else None,
            closed_at=mql_at + 9 * HOUR if outcome else None, owner=rep, team=rep.team, source=rng.choice(sources),
        )  # fmt: skip
        for kind in KINDS[: rng.randint(1, 3)]:
            due_at = mql_at + timedelta(hours={"disposition": 48, "first_touch": 1, "worked": 44}[kind])
            stopped_at = mql_at + timedelta(hours=rng.uniform(0.1, 80)) if number % 7 else None
            paused = {} if stopped_at or due_at < NOW or number % 2 else {"paused_until": due_at - HOUR / 4}
            make_clock(
                journey, due_at, policy=policies[kind], subject_kind=kind, started_at=mql_at, stopped_at=stopped_at,
                **paused,
            )  # fmt: skip


def numbers_of(html):
    """The addresses of all counts on a page, with the count that each is the link of."""
    found = {}
    for address, text in LINK.findall(html):
        number = re.match(r"[\d,]+(?![\d,.]*%)", unescape(re.sub("<[^>]+>", "", text)).strip())
        if number:
            found.setdefault(unescape(address), set()).add(int(number[0].replace(",", "")))
    return found


@pytest.mark.parametrize("query", ["", "period=90d&source=search", "period=all&passes=first"])
def test_every_number_opens_its_rows(client, crowd, query):
    client.force_login(make_user(Role.REVOPS))
    shown = numbers_of(client.get(f"/dash/promises/?{query}").content.decode())

    opened = {}
    for address in shown:
        listed = client.get(address)
        assert listed.status_code == 200, address
        opened[address] = {int(COUNT.search(listed.content.decode())[1].replace(",", ""))}

    assert len(shown) > 60
    assert opened == shown


def test_pages_of_clocks_show_each_once(client, crowd):
    client.force_login(make_user(Role.MARKETER))
    first = address = "/dash/promises/clocks/?figure=judged&period=all"
    rows = []
    while address:
        html = client.get(address).content.decode()
        rows += re.findall(r'data-row="(\d+)"', html)
        following = re.search(r'href="([^"]*&amp;after=[^"]+)"', html)
        address = urljoin(address, unescape(following[1])) if following else None

    assert len(rows) > 100
    assert len(rows) == len(set(rows)) == int(COUNT.search(client.get(first).content.decode())[1])


def test_a_row_tells_who_held_the_lead_and_for_how_long(client, reps):
    [lead] = arrive((Milestone.MQL, NOW - 60 * HOUR))
    for rep, since in ((reps[0], NOW - 60 * HOUR), (reps[1], NOW - 24 * HOUR)):
        holders.hold(assignments=[Assignment(lead, rep.pk, since)], cause=cause())
    client.force_login(make_user(Role.REVOPS))
    html = client.get("/dash/promises/?period=all").content.decode()

    assert f"{reps[0].name} <small" in html
    assert "36 h 00 m, 75%" in html
    assert "12 h 00 m, 25%" in html
    assert f"Charged to {reps[0].name}" in html


def test_a_promise_of_which_nothing_was_due_is_no_zero(client):
    arrive((Milestone.MQL, NOW - HOUR))
    client.force_login(make_user(Role.MARKETER))
    html = client.get("/dash/promises/").content.decode()

    assert "Nothing was due." in html
    assert not re.findall(r">0%<", html)


def test_weeks_without_a_plan_say_so_and_are_no_zero(client, crowd):
    client.force_login(make_user(Role.MARKETER))
    html = client.get("/dash/promises/?period=90d").content.decode()

    assert "No promise agreed for this week." in html
    assert "Kept 0 of" not in html[html.index("MQLs handed over") : html.index("MQLs accepted")]


def test_marketing_is_held_against_the_plan_that_both_heads_signed(client):
    today = timezone.localdate(NOW)
    heads = make_heads()
    for day in (today - timedelta(days=95), today):
        make_agreement(day, *heads, at=NOW - timedelta(days=120))
    for days in (8, 9, 16):
        make_journey(Milestone.MQL, mql_at=NOW - timedelta(days=days))
    client.force_login(make_user(Role.MARKETER))
    html = client.get("/dash/promises/?period=90d").content.decode()
    narrowed = client.get("/dash/promises/?period=90d&source=-").content.decode()

    assert "No promise agreed" not in html
    assert "Kept 0 of" in html
    assert "of 75%" in html
    assert "The plan is for all leads" in narrowed


def test_excused_breaches_stand_apart(client):
    [lead] = arrive((Milestone.MQL, NOW - 60 * HOUR))
    Clock.objects.filter(lead=lead).update(excused_at=NOW)
    client.force_login(make_user(Role.MARKETER))
    html = client.get("/dash/promises/").content.decode()

    assert ">1 excused</a>" in html
    assert COUNT.search(client.get("/dash/promises/clocks/?figure=excused").content.decode())[1] == "1"
    assert COUNT.search(client.get("/dash/promises/clocks/?figure=breached").content.decode())[1] == "0"


def test_files(client, crowd):
    user = make_user(Role.MANAGER)
    client.force_login(user)

    def read(address):
        response = client.get(address)
        assert response["Content-Type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))

    whole = read("/dash/promises/?period=all&format=csv")
    promises = read("/dash/promises/?period=all&format=csv&table=promises")
    judged = {row["Promise"]: int(row["Of"]) for row in promises if row["Within"]}
    clocks = read("/dash/promises/clocks/?figure=judged&period=all&format=csv")
    by_rep = read("/dash/promises/?period=all&format=csv&table=by_owner")

    assert {row["Part"] for row in whole} >= {"Report", "Sales promises", "By rep", "By source", "Breaches"}
    assert {name: sum(row["Promise"] == name for row in clocks) for name in judged} == judged
    assert sum(int(row["Of"]) for row in by_rep) == len(clocks)
    assert len(read("/dash/promises/?period=all&format=csv&table=weeks")) == 13 * 7
    assert AuditEntry.objects.filter(action="exported", actor=user, subject_kind="promises").count() == 5


def test_the_number_of_queries_does_not_grow(client, reps, crowd, django_assert_num_queries):
    client.force_login(make_user(Role.REVOPS))
    client.get("/dash/promises/")
    with django_assert_num_queries(25):
        client.get("/dash/promises/")
    with django_assert_num_queries(15):
        client.get("/dash/promises/clocks/?figure=judged")


def test_htmx_gets_the_figures_alone(client, crowd):
    client.force_login(make_user(Role.MARKETER))
    headers = {"HX-Request": "true", "HX-Trigger": "filters"}
    response = client.get("/dash/promises/?source=&period=90d", headers=headers)

    assert response.content.lstrip().startswith(b'<div id="figures"')
    assert b"<html" not in response.content
    assert response["HX-Push-Url"] == "/dash/promises/?period=90d"
    assert "HX-Request" in response["Vary"]


@pytest.mark.django_db(transaction=True)
def test_figures_that_a_browser_has_are_not_sent_again(client, django_assert_max_num_queries):
    def ask(etag=""):
        headers = {"HX-Request": "true"} | ({"If-None-Match": etag} if etag else {})
        return client.get("/dash/promises/", headers=headers)

    client.force_login(make_user(Role.MARKETER))
    first = ask()
    with django_assert_max_num_queries(8) as captured:
        again = ask(first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert not [each["sql"] for each in captured if "sla_clock" in each["sql"] and "sequence" not in each["sql"]]
    arrive()
    assert ask(first["ETag"]).status_code == 200


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/dash/promises/?source=nowhere", "There is no source “nowhere”."),
        ("/dash/promises/clocks/?figure=everything", "There is no figure “everything”."),
        ("/dash/promises/clocks/?promise=99999999999999999999", "There is no promise “99999999999999999999”."),
        ("/dash/promises/clocks/?kind=coffee", "There is no kind of promise “coffee”."),
        ("/dash/promises/clocks/?period=never", "is no period"),
    ],
)
def test_an_address_that_asks_for_nothing_says_so(client, address, sentence):
    client.force_login(make_user(Role.MARKETER))
    response = client.get(address)

    assert response.status_code == 422
    assert sentence in unescape(response.content.decode())
    assert 'href="/dash/promises/"' in response.content.decode()


def test_without_leads_the_page_says_what_to_do(client):
    client.force_login(make_user(Role.MARKETER))

    assert "Nothing was due here" in client.get("/dash/promises/").content.decode()


# Who may see whose figures --------------------------------------------------------------------------------------


def text_of(client, address):
    response = client.get(address)
    return unescape(b"".join(response).decode() if response.streaming else response.content.decode())


@pytest.mark.parametrize("role", [Role.MANAGER, Role.REVOPS])
def test_managers_and_revops_see_each_rep(client, reps, crowd, role):
    client.force_login(make_user(role))
    html = text_of(client, "/dash/promises/?period=all")
    table = html[html.index("<h2>By rep</h2>") : html.index("<h2>By team</h2>")]

    assert all(rep.name in table for rep in reps)
    assert all(client.get(f"/dash/promises/clocks/?owner={rep.pk}").status_code == 200 for rep in reps)


@pytest.mark.parametrize("role", [Role.MARKETER, Role.EXECUTIVE])
@pytest.mark.parametrize(
    "address",
    [
        "/dash/promises/?period=all",
        "/dash/promises/?period=all&format=csv",
        "/dash/promises/?period=all&format=csv&table=by_owner",
        "/dash/promises/clocks/?figure=breached&period=all",
        "/dash/promises/clocks/?figure=breached&period=all&format=csv",
    ],
)
def test_others_see_no_rep_by_name(client, reps, crowd, role, address):
    for rep in reps:
        [lead] = arrive((Milestone.MQL, NOW - 60 * HOUR))
        holders.hold(assignments=[Assignment(lead, rep.pk, NOW - 59 * HOUR)], cause=cause())
    client.force_login(make_user(role))
    told = text_of(client, address)

    assert "Rep" in told or "by_owner" in address
    assert not [rep.name for rep in reps if rep.name in told]
    assert client.get(f"/dash/promises/?owner={reps[0].pk}").status_code == 403
    assert client.get(f"/dash/promises/clocks/?owner={reps[0].pk}").status_code == 403


def test_reps_see_their_own_first_and_nobody_elses(client, reps, crowd):
    mine, *others = reps
    client.force_login(mine)
    html = text_of(client, "/dash/promises/?period=all")
    content = html[html.index('<div id="figures"') :]

    assert content.index('aria-label="Yours"') < content.index("Sales to marketing")
    assert re.search(r"<b>\d+</b>.overdue</a> <a[^>]*><b>\d+</b>.at risk</a>", content)
    assert mine.name in content
    assert not [other.name for other in others if other.name in content]
    assert client.get(f"/dash/promises/?owner={mine.pk}").status_code == 200
    assert client.get(f"/dash/promises/clocks/?owner={others[0].pk}").status_code == 403


def test_strangers_are_sent_to_sign_in(client):
    make_user(Role.REVOPS)

    assert client.get("/dash/promises/").status_code == 302
    assert client.get("/dash/promises/clocks/").status_code == 302
