"""The wall: who has a link sees totals, and nothing else; who made it can end it."""

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.desk.models import WallLink
from alignment.desk.wall import links
from alignment.desk.wall.frame import Look
from alignment.desk.wall.scenes import few, most_off, sentence
from alignment.ops.models import AuditEntry
from alignment.people.models import Role
from dashboards import ledger, report
from dashboards.numbers import Number
from dashboards.promise_card import Bullet
from leads.milestones import Milestone
from leads.models import Source
from sla.models import Policy
from tests.factories import make_clock, make_journey, make_user, make_wall_link
from tests.sla.stories import policy

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
FACTS = re.compile(r'"(leads|sla)_\w+"')


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """What other tests measured has nothing to do with this one."""
    for each in (report, ledger):
        monkeypatch.setattr(each, "_kept", type(each._kept)())


@pytest.fixture
def revops(client):
    revops = make_user(Role.REVOPS, name="Tomas Novak")
    client.force_login(revops)
    return revops


def address(token, scene="funnel", query=""):
    return reverse("wall", args=[token, scene]) + query


def text(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def shown(token, scene="funnel", query=""):
    """What a screen shows that has nothing but the link."""
    return Client().get(address(token, scene, query))


# What it shows ------------------------------------------------------------------------------------------------


def test_the_funnel_is_that_of_the_funnel_page(client, revops):
    now = timezone.now()
    for outcome in ("won", "", "rejected", "rejected"):
        reached = Milestone.WON if outcome == "won" else Milestone.MQL
        dates = {"mgl_at": now, "mql_at": now, **({"won_at": now} if outcome == "won" else {})}
        make_clock(make_journey(reached, outcome, **dates), now + timedelta(hours=-1 if outcome == "" else 40))
    _, token = make_wall_link()

    page = text(shown(token))

    assert "1 of 4 MQLs won." in page
    assert "Hand-off to sales in 48 h." in page
    assert "1 overdue now" in page
    assert "2 rejected, 1 open" in page
    assert "25.0%" in page
    assert "25.0%" in text(client.get("/dash/funnel/"))


def test_the_promises_are_those_of_the_promises_page(client, revops):
    now = timezone.now()
    touch = Policy.objects.in_force().get(subject_kind="first_touch")
    for hours in (1, 2, 3):
        journey = make_journey(Milestone.MQL, mql_at=now)
        make_clock(journey, now - timedelta(hours=hours))
        make_clock(
            journey,
            now - timedelta(hours=hours),
            stopped_at=now - timedelta(hours=4),
            policy=touch,
            subject_kind="first_touch",
        )
    _, token = make_wall_link()

    page = text(shown(token, "promises"))

    assert f"{policy().name} Promise 90% 0%" in page
    assert f"{touch.name} Promise 90% 100%" in page
    assert "sales kept one and missed one ." in page
    assert "Sales kept 1 of 2 promises" in text(client.get("/dash/promises/"))


def test_it_names_nobody():
    owner = make_user(Role.REP, name="Júlia Rocha")
    journey = make_journey(Milestone.MQL, mgl_at=timezone.now(), mql_at=timezone.now(), owner=owner)
    make_clock(journey, timezone.now() - timedelta(hours=1))
    link, token = make_wall_link(name="Screen of the secret room")

    for scene in ("funnel", "promises"):
        page = shown(token, scene).content.decode()
        assert not any(name in page for name in (owner.name, journey.lead.name, link.name, link.created_by.name))
        assert "/leads/" not in page
        assert "/dash/" not in page


def test_nothing_to_show_is_said():
    _, token = make_wall_link()

    assert "Nothing to show here yet." in text(shown(token))


def test_it_keeps_the_filters_it_was_made_with():
    search = Source.objects.create(key="search", name="Search engine")
    make_journey(Milestone.MQL, mql_at=timezone.now(), source=search)
    make_journey(Milestone.MQL, mql_at=timezone.now())
    _, token = make_wall_link(query="period=90d&source=search")

    page = text(shown(token, query="?source=-&period=all"))

    assert ", Search engine" in page
    assert "0 of 1 MQLs won." in page


def test_filters_that_are_gone_are_no_error_page():
    _, token = make_wall_link(query="source=retired-long-ago")

    response = shown(token)

    assert response.status_code == 422
    assert "There is no source “retired-long-ago”." in text(response)


def test_it_needs_no_session_and_starts_none():
    _, token = make_wall_link()
    client = Client()
    client.cookies["sessionid"] = "one-that-ended"

    response = client.get(address(token))

    assert response.status_code == 200
    assert "sessionid" not in Client().get(address(token)).cookies


@pytest.mark.parametrize(
    ("query", "look"),
    [
        ({}, Look()),
        ({"theme": "dark", "scale": "1.45", "every": "60", "keys": "off"}, Look("dark", "1.45", 60, keys=False)),
        ({"theme": "neon", "scale": "3", "every": "soon"}, Look()),
        ({"every": "1"}, Look(every=5)),
        ({"every": "999999999999"}, Look(every=3600)),
        ({"every": "0"}, Look(every=0)),
    ],
)
def test_a_screen_has_nobody_to_correct_its_address(query, look):
    assert Look.of(query) == look
    assert Look.of(dict(part.split("=") for part in look.query.split("&") if part)) == look


def test_scenes_keep_the_look():
    _, token = make_wall_link()

    assert f'href="{address(token, "promises")}?theme=dark&amp;every=60"' in (
        shown(token, query="?every=60&theme=dark&nonsense=1").content.decode()
    )


def test_a_link_of_one_scene_has_no_tabs():
    _, token = make_wall_link(scenes=["promises"])

    assert "<nav" not in shown(token, "promises").content.decode()
    assert shown(token, "funnel").status_code == 404


def test_many_losses_are_summed_up():
    losses = [Number(n, "", label) for n, label in ((5, "rejected"), (9, "recycled"), (1, "lost"), (7, "still open"))]

    assert [(part.n, part.label) for part in few(losses, 3)] == [(9, "recycled"), (7, "open"), (6, "other")]
    assert [part.n for part in few(losses[:2], 2)] == [5, 9]


@pytest.mark.parametrize(
    ("marketing", "sales", "said"),
    [
        ("KK", "KK", "Both sides kept their promises."),
        ("KM", "MK", "Each side kept one promise and missed one."),
        ("KK", "KM", "Marketing kept both promises, sales kept one and missed one."),
        ("M", "MM", "Marketing missed its promise, sales missed both promises."),
        ("K-", "--", "Marketing kept its promise, sales has nothing to show yet."),
        ("KK", "KKKKKM", "Marketing kept both promises, sales kept 5 and missed one."),
    ],
)
def test_the_sentence_of_the_promises(marketing, sales, said):
    pieces = sentence(*((marks.count("K"), marks.count("M")) for marks in (marketing, sales)))

    assert "".join(piece for piece, _ in pieces) == said
    assert all(("missed" in piece) == is_bad for piece, is_bad in pieces)


def test_of_many_promises_those_that_are_furthest_off_are_shown():
    values = {"kept": 1.0, "first": 0.2, "nothing due": None, "second": 0.1}
    bullets = [Bullet(title, value, 0.5, Number(1, ""), Number(1, ""), "") for title, value in values.items()]

    assert [bullet.title for bullet in most_off(bullets)] == ["first", "second"]
    assert [bullet.title for bullet in most_off(bullets[:1] + bullets[2:3])] == ["kept", "nothing due"]


def test_what_rests_on_few_is_not_the_furthest_off_while_more_was_missed():
    few, many = (Bullet("", value, 0.5, Number(0, ""), Number(n, ""), "") for value, n in ((0.0, 1), (0.4, 30)))

    assert max((few, many), key=Bullet.rank) == many
    assert most_off([few, many, many], 2) == [many, many]


# The same answer again ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_did_not_change_is_answered_without_the_facts(monkeypatch):
    moment = timezone.now().replace(second=20)
    monkeypatch.setattr("alignment.desk.wall.views.now", lambda: moment)
    make_journey(Milestone.MQL, mql_at=moment)
    _, token = make_wall_link()
    client = Client()
    first = client.get(address(token), headers=HTMX)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        again = client.get(address(token), headers=HTMX | {"If-None-Match": first["ETag"]})

    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert "<html" not in first.content.decode()
    assert not [query["sql"] for query in asked if FACTS.search(query["sql"])]
    assert len(asked) <= 4

    make_journey(Milestone.MQL, mql_at=moment)
    changed = client.get(address(token), headers=HTMX | {"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert "0 of 2 MQLs" in text(changed)


def test_it_is_seen_once_a_minute():
    link, token = make_wall_link()
    assert link.last_seen_at is None
    shown(token)
    link.refresh_from_db()
    first = link.last_seen_at
    assert first is not None

    shown(token)
    link.refresh_from_db()
    assert link.last_seen_at == first

    long_ago = first - timedelta(minutes=2)
    WallLink.objects.update(last_seen_at=long_ago)
    shown(token)
    link.refresh_from_db()
    assert link.last_seen_at > long_ago


def test_the_address_goes_nowhere():
    _, token = make_wall_link()
    response = shown(token)

    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Cache-Control"] == "private, no-cache"


# Its links ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.MANAGER, Role.REVOPS])
def test_a_link_is_made_and_shown_once(client, role):
    maker = make_user(role)
    client.force_login(maker)
    given = {"name": "Sales room", "scenes": ["promises", "funnel"], "days": "30", "query": "period=90d&by=team"}

    page = client.post(reverse("walls"), given).content.decode()

    link = WallLink.objects.get()
    [path] = re.findall(r'<input id="made-link" readonly value="https?://[^/"]+(/wall/[^"]+)">', page)
    token = path.split("/")[2]
    assert len(token) == 43, "256 bits"
    assert (link.name, link.scenes, link.query) == ("Sales room", ["funnel", "promises"], "period=90d")
    assert link.expires_at - link.created_at == timedelta(days=30)
    assert Client().get(path).status_code == 200
    assert path not in client.get(reverse("walls")).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(link)::text FROM desk_walllink link")
        assert token not in cursor.fetchone()[0]
    entry = AuditEntry.objects.get(action="wall_link_made")
    assert (entry.actor, entry.subject_id, entry.detail["name"]) == (maker, link.pk, "Sales room")
    assert token not in str(entry.detail)


def test_the_list_says_what_is_shown_where(client, revops, django_assert_max_num_queries):
    make_wall_link(name="Open one", scenes=["funnel"], by=make_user(Role.MANAGER, name="Grace Adeyemi"))
    expired, _ = make_wall_link(name="Old one")
    past = timezone.now() - timedelta(days=2)
    WallLink.objects.filter(pk=expired.pk).update(created_at=past, expires_at=past + timedelta(days=1))
    revoked, _ = make_wall_link(name="Stopped one")
    links.revoke(link_id=revoked.pk, by=revops)

    with django_assert_max_num_queries(11):
        response = client.get(reverse("walls"))

    page = text(response)
    assert "Open one Funnel Grace Adeyemi" in page
    assert "Old one Expired" in page
    assert "Stopped one Revoked" in page
    assert "Revoked by Tomas Novak" in page
    assert response.content.decode().count("/revoke/") == 1, "only what is open can be revoked"


def test_a_revoked_link_ends(client, revops):
    link, token = make_wall_link(name="Sales room")

    response = client.post(reverse("wall_revoke", args=[link.pk]), follow=True)

    assert "“Sales room” is revoked" in text(response)
    assert shown(token).status_code == 410
    assert AuditEntry.objects.get(action="wall_link_revoked").actor == revops
    again = client.post(reverse("wall_revoke", args=[link.pk]), follow=True)
    assert "Tomas Novak has revoked “Sales room” already." in text(again)


def test_an_expired_link_ends():
    link, token = make_wall_link(days=1)
    past = timezone.now() - timedelta(days=2)
    WallLink.objects.filter(pk=link.pk).update(created_at=past, expires_at=past + timedelta(days=1))

    response = shown(token)

    assert response.status_code == 410
    assert "This link has ended." in text(response)


@pytest.mark.parametrize("token", ["made-up", "x" * 43, "%00", "ä" * 9])
def test_a_link_that_never_was_tells_nothing(token):
    response = shown(token)

    assert response.status_code == 404
    assert "Nothing is shown at this address." in text(response)
    assert "login" not in response.content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"scenes": []}, "Choose at least one scene."),
        ({"scenes": ["secrets"]}, "secrets is not one of the available choices"),
        ({"days": "9999"}, "9999 is not one of the available choices"),
        ({"query": "source=nowhere"}, "There is no source “nowhere”."),
    ],
)
def test_bad_input_is_explained_and_kept(client, revops, wrong, sentence):
    given = {"name": "Sales room", "scenes": ["funnel"], "days": "30", "query": ""}

    response = client.post(reverse("walls"), given | wrong)

    assert sentence in text(response)
    assert not WallLink.objects.exists()
    assert "name" in wrong or 'value="Sales room"' in response.content.decode()


def test_no_wall_for_the_figures_of_one_person(client, revops):
    rep = make_user(Role.REP)
    refused = "A wall shows no figures of single people."

    assert refused in text(client.get(reverse("walls"), {"owner": rep.pk, "period": "90d"}))
    given = {"name": "Sales room", "scenes": ["funnel"], "days": "30", "query": f"owner={rep.pk}"}
    assert refused in text(client.post(reverse("walls"), given))
    assert not WallLink.objects.exists()


def test_the_funnel_page_leads_there_with_its_filters(client, revops):
    page = client.get("/dash/funnel/?period=90d").content.decode()
    assert f'href="{reverse("walls")}?period=90d"' in page
    assert "90 days" in page
    assert 'value="period=90d"' in client.get(reverse("walls"), {"period": "90d"}).content.decode()

    client.force_login(make_user(Role.REP))
    assert reverse("walls") not in client.get("/dash/funnel/").content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"scenes": []},
        {"scenes": ["secrets"]},
        {"digest": "token in clear"},
        {"expires_at": timezone.now() - timedelta(days=9)},
        {"revoked_at": timezone.now()},
    ],
)
def test_wrong_links_cannot_be_stored(changes):
    link, _ = make_wall_link()

    with pytest.raises(IntegrityError), transaction.atomic():
        WallLink.objects.filter(pk=link.pk).update(**changes)
