"""What comes next with an accepted lead: the next step, sleep, and who was never contacted."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.people.models import Role
from leads import activities, following, lifecycle
from leads.activities import Activity
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import FollowUp, Lead, Touchpoint
from leads.views import following as follow_up_pages
from sla.models import Clock
from tests.api.asking import Api, api, make_token
from tests.factories import make_lead, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db

BY_API = Cause(CauseSource.API)
HTMX = {"HX-Request": "true"}


def today(days=0):
    return timezone.localdate() + timedelta(days=days)


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Ravi Menon")
    client.force_login(rep)
    return rep


def plan(lead, days, step="Send the offer"):
    following.plan(lead_ids=[lead.pk], step=step, on=today(days), cause=BY_API)


def groups(client, view="accepted"):
    """Heading → the leads under it."""
    queue = client.get(reverse("queue"), {"view": view}).context["queue"]
    return {group.name: [lead.name for lead in group.leads] for group in queue.groups}


# The queue ----------------------------------------------------------------------------------------------------


def test_accepted_leads_are_grouped_by_when_their_next_step_is_due(client, rep):
    names = ("late", "today", "later", "quiet", "sleeps", "untouched")
    leads = {name: make_lead("sql", owner=rep, name=name) for name in names}
    for name, days in (("late", -1), ("today", 0), ("later", 3)):
        plan(leads[name], days)
    activities.log(lead_id=leads["quiet"].pk, activity=Activity.CONNECTED, cause=BY_API)
    following.snooze(lead_ids=[leads["sleeps"].pk], until=today(2), cause=BY_API)

    assert groups(client) == {
        "Next step overdue": ["late"],
        "Next step today": ["today"],
        "Accepted, not contacted yet": ["untouched"],
        "Next step to come": ["later"],
        "In contact, without a next step": ["quiet"],
        "Snoozed": ["sleeps"],
    }


def test_a_snoozed_lead_is_out_of_what_is_due_and_its_promise_runs_on(client, rep):
    lead = make_lead(owner=rep, name="Marina", left=timedelta(hours=-2))
    due_at = Clock.objects.get(lead=lead).due_at
    following.snooze(lead_ids=[lead.pk], until=today(1), cause=BY_API)

    assert groups(client, "needs_answer") == {"Snoozed; the promise runs on": ["Marina"]}
    clock = Clock.objects.get(lead=lead)
    assert (clock.due_at, clock.is_running) == (due_at, True)


def test_a_lead_wakes_up_by_itself_on_its_day(client, rep):
    lead = make_lead("sql", owner=rep, name="Marina")
    following.snooze(lead_ids=[lead.pk], until=today(1), cause=BY_API)
    FollowUp.objects.update(wakes_on=today())

    assert groups(client) == {"Accepted, not contacted yet": ["Marina"]}


def test_accepted_and_never_touched_is_a_list_of_its_own(client, rep):
    touched, untouched = (make_lead("sql", owner=rep, name=name) for name in ("touched", "untouched"))
    activities.log(lead_id=touched.pk, activity=Activity.VOICEMAIL, cause=BY_API)
    make_lead("mql", owner=rep)

    assert list(groups(client, "untouched").values()) == [["untouched"]]
    found = client.get(reverse("leads"), {"state": "untouched"}).context["list"].page
    assert [lead.name for lead in found] == ["untouched"]
    rows = api(Role.REP).get("leads/?state=untouched").json()["results"]
    assert [row["id"] for row in rows] == [untouched.pk]


def test_the_queue_asks_the_same_queries_for_one_lead_and_for_many(client, rep):
    for number in range(2):
        plan(make_lead("sql", owner=rep), number)
    client.get(reverse("queue"))

    def asked():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(reverse("queue"), {"view": "accepted"})
        return len(queries)

    few = asked()
    for number in range(4):
        plan(make_lead("sql", owner=rep), number)
    assert asked() == few


# Planning -----------------------------------------------------------------------------------------------------


def test_a_step_is_planned_replaced_and_done_from_the_page(client, rep):
    lead = make_lead("sql", owner=rep, name="Marina")
    address = reverse("lead_step", args=[lead.pk])
    for step in ("Call again", "Send the offer"):
        response = client.post(address, {"step": step, "on": today(2).isoformat()}, headers=HTMX)
        assert f": {step}." in text(response)
    assert "Send the offer" in client.get(reverse("lead", args=[lead.pk])).content.decode()

    client.post(address, {"done": "1"})
    assert FollowUp.objects.get(lead=lead).next_step == ""


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"step": "", "on": "2099-01-01"}, "Say what comes next."),
        ({"step": "Call", "on": "2020-01-01"}, "Choose today or a day that is still to come."),
        ({"step": "Call", "on": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_with_a_step_is_said_beside_it_and_kept(client, rep, asked, said):
    lead = make_lead("sql", owner=rep)
    for headers in ({}, HTMX):
        response = client.post(reverse("lead_step", args=[lead.pk]), asked, headers=headers)
        assert response.status_code == 422
        assert said in text(response)
        assert f'value="{asked["step"]}"' in response.content.decode() or not asked["step"]


def test_snoozing_from_the_page_and_waking_up(client, rep):
    lead = make_lead(owner=rep, name="Marina")
    address = reverse("lead_snooze", args=[lead.pk])
    assert "sleeps until" in text(client.post(address, {"until": today(2).isoformat()}, headers=HTMX))
    assert client.post(address, {"until": today().isoformat()}).status_code == 422

    assert "is awake" in text(client.post(address, {"wake": "1", "until": today(2).isoformat()}, headers=HTMX))
    assert FollowUp.objects.get(lead=lead).wakes_on is None


def test_another_rep_plans_nothing_with_it_and_a_closed_lead_has_no_next_step(client, rep):
    lead = make_lead("sql", owner=make_user())
    asked = {"step": "Call", "on": today(1).isoformat()}
    assert client.post(reverse("lead_step", args=[lead.pk]), asked).status_code == 403

    own = make_lead(owner=rep)
    lifecycle.recycle(lead_ids=[own.pk], cause=BY_API)
    assert client.post(reverse("lead_step", args=[own.pk]), asked).status_code == 404


def test_logging_an_activity_does_the_step_that_was_due(client, rep):
    due, later = make_lead("sql", owner=rep), make_lead("sql", owner=rep)
    plan(due, 0)
    plan(later, 5)
    for lead in (due, later):
        client.post(reverse("lead_touch", args=[lead.pk]), {"activity": "no_answer"})

    assert FollowUp.objects.get(lead=due).next_step == ""
    assert FollowUp.objects.get(lead=later).next_step == "Send the offer"
    assert Touchpoint.objects.filter(lead=due, direction="outbound").count() == 1


def test_the_next_pass_begins_without_the_plan_of_the_last_one(client, rep):
    lead = make_lead("sql", owner=rep)
    plan(lead, 3)
    lifecycle.recycle(lead_ids=[lead.pk], cause=BY_API)
    lifecycle.requalify(lead_ids=[lead.pk], cause=BY_API)

    assert "Send the offer" not in client.get(reverse("lead", args=[lead.pk])).content.decode()
    following.snooze(lead_ids=[lead.pk], until=today(1), cause=BY_API)
    assert FollowUp.objects.get(lead=lead).next_step == ""


def test_planning_for_many_leads_is_the_same_statements():
    one, many = [make_lead("sql")], [make_lead("sql") for _ in range(4)]

    def asked(leads):
        with CaptureQueriesContext(connection) as queries:
            following.plan(lead_ids=[lead.pk for lead in leads], step="Call", on=today(1), cause=BY_API)
        return len(queries)

    assert asked(one) == asked(many)
    assert FollowUp.objects.filter(next_step="Call").count() == Lead.objects.count()


# The API ------------------------------------------------------------------------------------------------------


def test_programs_plan_and_snooze_too():
    rep = make_user(Role.REP)
    lead = make_lead("sql", owner=rep)
    asking = Api(make_token(rep))
    told = asking.post(f"leads/{lead.pk}/step/", {"step": "Call", "on": today(1).isoformat()}).json()
    assert (told["next_step"], told["next_on"]) == ("Call", today(1).isoformat())
    told = asking.post(f"leads/{lead.pk}/snooze/", {"until": today(2).isoformat()}).json()
    assert (told["next_step"], told["wakes_on"]) == ("Call", today(2).isoformat())

    assert asking.post(f"leads/{lead.pk}/step/", {"step": "Call", "on": "2020-01-01"}).status_code == 422
    lifecycle.recycle(lead_ids=[lead.pk], cause=BY_API)
    assert asking.post(f"leads/{lead.pk}/snooze/", {"until": None}).status_code == 409


@pytest.mark.parametrize(
    ("today", "step_on", "awake_on"),
    [
        (date(2026, 11, 27), date(2026, 11, 30), date(2026, 11, 30)),  # a Friday
        (date(2026, 11, 25), date(2026, 11, 26), date(2026, 11, 30)),  # a Wednesday
        (date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 26)),  # a Monday
    ],
)
def test_what_is_proposed_is_no_weekend(monkeypatch, today, step_on, awake_on):
    monkeypatch.setattr(follow_up_pages.timezone, "localdate", lambda *at: today)
    assert follow_up_pages.StepForm().initial["on"] == step_on
    assert follow_up_pages.SnoozeForm().initial["until"] == awake_on
