"""The queue: whose leads somebody sees, in which order, and what stands beside them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.desk import queue as module
from alignment.people.models import Role, Side, Team
from leads import activities, lifecycle
from leads.activities import Activity
from leads.causes import Cause
from leads.drafts import TouchDraft
from leads.milestones import CauseSource
from leads.models import NurtureTrack, Reason, Segment
from leads.profiles import targets
from leads.scoring.parts import card
from tests.factories import make_deal, make_lead, make_team, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
HOUR = timedelta(hours=1)


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP)
    client.force_login(rep)
    return rep


def see(client, **asked):
    return client.get(reverse("queue"), asked)


def groups(response):
    """Heading → names, in the order of the page."""
    return {group.name: [lead.name for lead in group.leads] for group in response.context["queue"].groups}


def names(response):
    return [name for group in groups(response).values() for name in group]


def counts(response):
    return {link.name: link.shown for link in response.context["queue"].tabs}


def by(user):
    return Cause(CauseSource.PAGE, actor_id=user.pk)


# Whose leads --------------------------------------------------------------------------------------------------------


def test_a_rep_sees_their_own_and_under_team_the_teams_and_nobodys(client, rep):
    colleague = make_user(Role.REP, team=rep.team)
    make_lead(owner=rep, name="Mine")
    make_lead(owner=colleague, name="A colleague's")
    make_lead(owner=make_user(Role.REP), name="Another team's")
    make_lead(name="Nobody's")

    assert names(see(client)) == ["Mine"]
    assert set(names(see(client, view="team"))) == {"Mine", "A colleague's", "Nobody's"}
    assert counts(see(client)) == {
        "Needs an answer": "1", "Not contacted": "0", "Accepted": "0", "Recycled": "0", "Team": "3",
    }  # fmt: skip


def test_a_manager_sees_the_teams_that_they_manage(client):
    manager = make_user(Role.MANAGER)
    managed = make_team(Side.SALES)
    Team.objects.filter(pk=managed.pk).update(manager=manager)
    make_lead(owner=make_user(Role.REP, team=managed), name="Managed")
    make_lead(owner=make_user(Role.REP, team=manager.team), name="Own team")
    make_lead(owner=make_user(Role.REP), name="Another team's")
    make_lead(name="Nobody's")
    client.force_login(manager)
    response = see(client)

    assert set(names(response)) == {"Managed", "Own team", "Nobody's"}
    assert "Team" not in counts(response)
    assert "Nobody holds it" in text(response)


@pytest.mark.parametrize("role", [Role.MARKETER, Role.REVOPS, Role.EXECUTIVE])
def test_who_has_no_queue_sees_what_waits_and_is_told_why(client, role):
    lead = make_lead(owner=make_user(Role.REP, name="Ana Costa"), name="Ana's")
    client.force_login(make_user(role))
    response = see(client)

    assert names(response) == ["Ana's"]
    assert "You hold no leads yourself" in text(response)
    may_answer = reverse("lead_accept", args=[lead.pk]) in response.content.decode()
    assert may_answer == (role == Role.REVOPS)
    if not may_answer:
        assert "Only Ana Costa (the holder)" in text(response)


def test_what_was_answered_is_not_asked_again(client, rep):
    lead = make_lead(owner=rep)
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))

    assert names(see(client)) == []
    assert names(see(client, view="accepted")) == [lead.name]


# Order and groups ---------------------------------------------------------------------------------------------------


def test_leads_are_grouped_by_the_time_that_is_left(client, rep):
    for name, left in (("Later", 30 * HOUR), ("Soon", 7 * HOUR), ("Over", -HOUR), ("Long over", -9 * HOUR)):
        make_lead(owner=rep, name=name, left=left)

    assert groups(see(client)) == {
        "Overdue": ["Long over", "Over"],
        "Due in the next 8 hours": ["Soon"],
        "Due later": ["Later"],
    }


def test_work_next_puts_raised_hands_first_within_each_group(client, rep):
    hand = (TouchDraft("Asked for a demo", is_hand_raise=True),)
    make_lead(owner=rep, name="Sooner", left=10 * HOUR)
    later = make_lead(owner=rep, name="Raised a hand", left=20 * HOUR, touches=hand)
    make_lead(owner=rep, name="Over", left=-HOUR)
    later.journeys.update(qualified_by="hand_raise")

    assert names(see(client)) == ["Over", "Sooner", "Raised a hand"]
    assert names(see(client, sort="next")) == ["Over", "Raised a hand", "Sooner"]


def test_a_row_says_why_it_is_there(client, rep):
    touches = (
        TouchDraft("Asked for a demo", at=timezone.now() - 3 * HOUR),
        TouchDraft("Opened the newsletter", at=timezone.now() - HOUR, is_engaged=False),
    )
    lead = make_lead(owner=rep, title="Director", company_name="Casa Flora", touches=touches)
    activities.log(lead_id=lead.pk, activity=Activity.EMAILED, cause=by(rep))
    row = next(
        part
        for part in see(client).content.decode().split("</ul>")[0].split('<li class="queue-row"')
        if f'id="lead-{lead.pk}"' in part
    )

    assert "Director, Casa Flora" in row
    assert f"Score {lead.score.points}" in row
    assert f"Fit {lead.score.grade}" in row
    assert "Asked for a demo" in row
    assert "Opened the newsletter" not in row


def test_a_row_tells_the_score_of_this_moment_as_the_preview_does(rep):
    lead = make_lead(
        owner=rep, touches=(TouchDraft("Asked for a demo", at=timezone.now() - 30 * HOUR, is_hand_raise=True),)
    )
    later = timezone.now() + timedelta(days=60)

    [[row]] = [group.leads for group in module.Queue(rep, {}, at=later).groups]

    told = card(lead.pk, later)
    assert told is not None
    assert (row.points, row.grade) == (told.points, told.grade)
    assert row.points < lead.score.points, "points of touches fade"


def test_accepted_leads_show_first_who_was_never_contacted(client, rep):
    never, worked, deal = (make_lead("sql", owner=rep, name=name) for name in ("Never", "Worked", "Deal"))
    activities.log(lead_id=worked.pk, activity=Activity.CONNECTED, cause=by(rep))
    make_deal(deal.pk)

    assert groups(see(client, view="accepted")) == {
        "Accepted, not contacted yet": [never.name],
        "In contact, without a next step": ["Worked"],
        "Opportunities without a next step": ["Deal"],
    }


def test_recycled_leads_show_first_what_is_due_for_another_look(client, rep):
    today = timezone.localdate()
    track = NurtureTrack.objects.get(key="newsletter")
    for name, day in (("Later", today + timedelta(days=9)), ("Now", today), ("Some day", None)):
        lead = make_lead(owner=rep, name=name)
        lifecycle.recycle(lead_ids=[lead.pk], cause=by(rep), track_id=track.pk, revisit_on=day)
    response = see(client, view="recycled")

    assert groups(response) == {
        "Look at again": ["Now"],
        "In nurture": ["Later"],
        "In nurture without a date": ["Some day"],
    }
    assert "Newsletter" in text(response)


def test_a_segment_filters_the_rows(client, rep):
    home = Segment.objects.create(key="home", name="Home decor")
    make_lead(owner=rep, name="Home", segment="home")
    make_lead(owner=rep, name="Other")

    assert names(see(client, segment=home.key)) == ["Home"]
    assert "Nothing in this choice" in text(see(client, segment="none"))


def test_target_accounts_and_others_are_told_apart(client, rep):
    wanted = make_lead(owner=rep, name="Wanted", company_name="Acme")
    make_lead(owner=rep, name="Other", company_name="Globex")
    make_lead(owner=rep, name="Alone", email="alone@gmail.com")
    targets.add(account_ids=[wanted.account_id], cause=by(rep))

    assert names(see(client, target="yes")) == ["Wanted"]
    assert set(names(see(client, target="no"))) == {"Other", "Alone"}
    assert "?target=yes" in see(client, target="yes").context["queue"].address


@pytest.mark.parametrize("asked", [{"view": "nonsense"}, {"sort": "up"}, {"rows": "-1"}, {"lead": "x"}, {"do": "rm"}])
def test_an_address_that_makes_no_sense_shows_the_queue(client, rep, asked):
    make_lead(owner=rep, name="Mine")

    assert names(see(client, **asked)) == ["Mine"]


def test_an_unknown_lead_is_not_found(client, rep):
    assert see(client, lead="999999").status_code == 404


# What it costs ------------------------------------------------------------------------------------------------------


def queries(client, **asked):
    with CaptureQueriesContext(connection) as captured:
        see(client, **asked)
    return len(captured)


@pytest.mark.parametrize("view", ["needs_answer", "accepted", "recycled", "team"])
def test_fifty_rows_cost_what_one_costs(client, rep, view):
    stage = "sql" if view == "accepted" else "mql"
    ids = []

    def more(number):
        ids.extend(make_lead(stage, owner=rep, company_name="Casa Flora").pk for _ in range(number))
        if view == "recycled":
            lifecycle.recycle(lead_ids=ids, cause=by(rep))

    more(1)
    one = queries(client, view=view)
    more(49)

    assert queries(client, view=view) == one
    assert one <= 18


def test_a_long_queue_is_cut_and_says_so(client, rep, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "MOST", 4)
    for _ in range(6):
        make_lead(owner=rep)
    first, last = see(client), see(client, rows=4)

    assert (len(names(first)), len(names(last))) == (2, 4)
    assert "The first 2 are shown. Show more" in text(first)
    assert "Choose a segment to see others." in text(last)
    assert counts(first)["Needs an answer"] == "6"


# The promise --------------------------------------------------------------------------------------------------------


def test_the_bar_says_how_the_promise_was_kept(client, rep):
    for left in (-HOUR, 40 * HOUR, -9 * HOUR):
        make_lead("sql", owner=rep, left=left)
    answered = make_lead(owner=rep, left=-30 * HOUR)
    lifecycle.accept(
        lead_ids=[answered.pk], cause=Cause(CauseSource.PAGE, actor_id=rep.pk, at=timezone.now() - 20 * HOUR)
    )
    make_lead(owner=make_user(Role.REP), left=-HOUR)
    kept = see(client).context["queue"].kept

    # Three of this rep's were due: two answered in time, one ten hours late.
    assert (kept.n, round(kept.share, 2), kept.promised, kept.hours) == (3, 0.67, 90, 48)
    assert "67% in 48 h, promise 90%" in text(see(client))


# Beside the list ----------------------------------------------------------------------------------------------------


def test_beside_the_list_stands_the_first_lead_or_the_one_that_was_asked_for(client, rep):
    first, other = make_lead(owner=rep, left=HOUR), make_lead(owner=rep, left=9 * HOUR)

    assert see(client).context["page"].pk == first.pk
    assert see(client, lead=other.pk).context["page"].pk == other.pk
    assert "data-open" in see(client, lead=other.pk).content.decode()


def test_a_lead_without_touches_is_no_list_of_them(client, rep):
    make_lead(owner=rep, left=HOUR)
    html = see(client).content.decode()

    assert ">Nothing was recorded yet.</p>" in html
    assert 'class="touches"' not in html


@pytest.mark.parametrize(("do", "kind"), [("reject", "reject"), ("recycle", "recycle")])
def test_reasons_are_asked_in_place_without_javascript(client, rep, do, kind):
    lead = make_lead(owner=rep)
    page = see(client, lead=lead.pk, do=do)

    for reason in Reason.objects.offered(kind):
        assert reason.label in text(page)
    assert f'action="{reverse(f"lead_{do}", args=[lead.pk])}"' in page.content.decode()
    assert '<input type="hidden" name="next" value="/queue/">' in page.content.decode()


def test_nobody_is_asked_for_reasons_that_they_may_not_give(client, rep):
    lead = make_lead(owner=make_user(Role.REP))

    assert "Why is this not sales-ready?" not in text(see(client, lead=lead.pk, do="reject"))


def test_an_answered_lead_beside_the_list_shows_its_next_step(client, rep):
    lead = make_lead(owner=rep)
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))
    page = text(see(client, lead=lead.pk))

    assert "Answered in 24 h" in page
    assert "Qualify" in page


@pytest.mark.parametrize(
    ("target", "holds", "lacks"),
    [
        ("queue-rows", 'id="queue-rows"', 'id="queue-tabs"'),
        ("queue-tabs", 'id="queue-tabs"', 'id="queue-rows"'),
        ("preview", 'id="preview-lead"', 'id="queue-rows"'),
    ],
)
def test_htmx_gets_the_part_that_it_asks_for(client, rep, target, holds, lacks):
    make_lead(owner=rep)
    response = client.get(reverse("queue"), headers={**HTMX, "HX-Target": target})

    assert holds in response.content.decode()
    assert lacks not in response.content.decode()
    assert "<html" not in response.content.decode()
    assert "HX-Target" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("role", "view", "said"),
    [
        (Role.REP, "needs_answer", "Nothing waits for your answer"),
        (Role.REP, "team", "Nothing waits for your team"),
        (Role.REP, "accepted", "No accepted leads"),
        (Role.REP, "recycled", "Nothing in nurture"),
        (Role.MARKETER, "needs_answer", "Nothing waits for sales"),
    ],
)
def test_an_empty_queue_names_the_next_action(client, role, view, said):
    client.force_login(make_user(role))
    response = see(client, view=view)

    assert said in text(response)
    assert 'class="empty"' in response.content.decode()


# The start page -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "page"),
    [(Role.REP, "queue"), (Role.MANAGER, "funnel"), (Role.MARKETER, "campaigns"), (Role.EXECUTIVE, "funnel")],
)
def test_everybody_starts_where_their_work_is(client, role, page):
    client.force_login(make_user(role))

    assert client.get(reverse("home")).url == reverse(page)
