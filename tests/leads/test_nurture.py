"""Nurture tracks: who waits on them, how marketing works them, and who comes back."""

import json
import re
from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from alignment.ops import channels
from alignment.ops.models import AuditEntry, OutboxMessage
from alignment.people.models import Role
from leads import lifecycle, touches
from leads.causes import Cause
from leads.decisions import Step
from leads.milestones import CauseSource, Kind, Outcome
from leads.models import Journey, Lead, LeadTransition, NurtureTrack, Reason
from leads.nurture import handing_over, lists, nurturing
from leads.tasks import nurture_unqualified
from leads.touches import Touch
from tests.factories import make_lead, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db

BY_RULE = Cause(CauseSource.RULE)


def track(key="newsletter"):
    return NurtureTrack.objects.get(key=key)


def today(days=0):
    return timezone.localdate() + timedelta(days=days)


def recycled(*, to="newsletter", on=None, **facts):
    lead = make_lead(**facts)
    lifecycle.recycle(lead_ids=[lead.pk], track_id=track(to).pk, revisit_on=on, cause=BY_RULE)
    return lead


def old_mgl(days=40):
    lead = make_lead("mgl")
    Journey.objects.filter(lead=lead).update(mgl_at=timezone.now() - timedelta(days=days))
    return lead


def place(lead):
    return Journey.objects.values_list("track__key", "revisit_on").get(lead=lead, pass_no=lead.pass_no)


def row(key):
    found = {row.key: row for row in lists.rows(at=timezone.now(), today=today())}
    return found[key]


# Where a lead is in nurture is one of its moves ---------------------------------------------------------------


def test_a_recycled_lead_moves_between_tracks_and_its_pass_stays_closed():
    lead = recycled(on=today(30))
    nurturing.change_track(lead_ids=[lead.pk], track_id=track("event").pk, cause=BY_RULE)

    assert place(lead) == ("event", today(30))
    journey = Journey.objects.get(lead=lead)
    assert (journey.outcome, journey.reason) == (Outcome.RECYCLED, None)


def test_a_move_in_nurture_can_be_undone():
    lead = recycled(on=today(30))
    nurturing.postpone(lead_ids=[lead.pk], revisit_on=today(90), cause=BY_RULE)
    lifecycle.undo(lead_id=lead.pk, cause=BY_RULE)

    assert place(lead) == ("newsletter", today(30))


@pytest.mark.parametrize(
    ("stage", "end", "code"), [("mql", "", "not_allowed"), ("sql", "", "not_allowed"), ("mql", "reject", "conflict")]
)
def test_only_nurture_moves_in_nurture(stage, end, code):
    lead = make_lead(stage)
    if end:
        lifecycle.move(steps=[rejection(lead)], cause=BY_RULE)
    moved = lifecycle.nurture(lead_ids=[lead.pk], track_id=track().pk, revisit_on=None, cause=BY_RULE)

    assert [refusal.code for refusal in moved.refused] == [code]


def rejection(lead):
    return Step(lead.pk, Kind.REJECT, reason_id=Reason.objects.offered("reject").first().pk)


# Leads below the threshold ------------------------------------------------------------------------------------


def test_who_is_no_mql_after_some_time_goes_onto_the_track_that_takes_them():
    NurtureTrack.objects.filter(key="long_term").update(takes_unqualified=True, takes_after_days=30)
    late, young, handed_over = old_mgl(), old_mgl(days=10), make_lead("mql")
    nurture_unqualified()

    assert place(late) == ("long_term", today(180))
    assert place(young) == place(handed_over) == (None, None)
    move = LeadTransition.objects.filter(lead=late).latest("seq")
    assert (move.kind, move.source) == (Kind.NURTURE, CauseSource.RULE)


def test_they_stay_in_the_funnel_and_leave_the_track_when_they_qualify():
    NurtureTrack.objects.filter(key="long_term").update(takes_unqualified=True)
    lead = old_mgl()
    nurturing.collect()
    assert (row("long_term").now, row("long_term").unqualified) == (1, 1)
    assert Journey.objects.get(lead=lead).outcome == ""

    nurturing.bring_back(lead_ids=[lead.pk], cause=BY_RULE)
    assert row("long_term").now == 0
    assert Lead.objects.get(pk=lead.pk).stage.key == "mql"


def test_collecting_twice_moves_nobody_twice():
    NurtureTrack.objects.filter(key="long_term").update(takes_unqualified=True)
    old_mgl()

    assert [nurturing.collect(), nurturing.collect()] == [1, 0]


def test_without_such_a_track_nobody_is_moved():
    old_mgl()
    assert nurturing.collect() == 0


# Coming back --------------------------------------------------------------------------------------------------


def test_who_is_brought_back_begins_the_next_pass_and_counts_for_the_track():
    leads = [recycled() for _ in range(lists.LEAST)]
    nurturing.bring_back(lead_ids=[leads[0].pk], cause=BY_RULE)

    found = row("newsletter")
    assert (found.now, found.recycled, found.back, found.share) == (9, 10, 1, 0.1)
    assert Lead.objects.get(pk=leads[0].pk).pass_no == 2


def test_too_few_recycled_leads_say_nothing():
    recycled()
    assert row("newsletter").share is None


def test_what_is_due_and_what_the_buyer_did_since(client):
    client.force_login(make_user(Role.MARKETER))
    due, waiting = recycled(on=today(), name="Ana"), recycled(on=today(9), name="Ben")
    before = Touch(waiting.pk, timezone.now() - timedelta(days=9), "visit", "Before")
    since = Touch(waiting.pk, timezone.now(), "visit", "Compared the plans")
    touches.record(touches=[before, since], cause=BY_RULE)

    address = reverse("nurture_track", args=["newsletter"])
    assert (row("newsletter").now, row("newsletter").due) == (2, 1)
    assert [one.lead for one in client.get(address).context["list"].page] == [due, waiting]
    assert [one.lead for one in client.get(f"{address}?due=1").context["list"].page] == [due]
    [engaged] = client.get(f"{address}?engaged=1").context["list"].page
    assert (engaged.lead, engaged.engaged_n, engaged.engaged_title) == (waiting, 1, "Compared the plans")


# The pages ----------------------------------------------------------------------------------------------------


@pytest.fixture
def marketer(client):
    marketer = make_user(Role.MARKETER)
    client.force_login(marketer)
    return marketer


def work(client, key="newsletter", query="", **asked):
    return client.post(reverse("nurture_track", args=[key]) + query, asked, follow=True)


def test_ticked_leads_are_postponed_moved_and_handed_to_sales(client, marketer):
    ana, ben = recycled(on=today(3)), recycled(on=today(3))
    assert "1 lead is to look at again on" in text(
        work(client, lead=[ana.pk], do="postpone", revisit_on=today(60).isoformat())
    )
    assert (place(ana), place(ben)) == (("newsletter", today(60)), ("newsletter", today(3)))

    work(client, lead=[ana.pk], do="move", track=track("event").pk)
    assert place(ana) == ("event", today(60))

    assert "1 lead is with sales now." in text(work(client, lead=[ben.pk], do="back"))
    assert LeadTransition.objects.filter(lead=ben).latest("seq").actor == marketer


def test_all_that_are_listed_means_the_filter_too(client, marketer):
    due, later = recycled(on=today()), recycled(on=today(9))
    work(client, query="?due=1", all="1", do="back")

    assert [Lead.objects.get(pk=lead.pk).pass_no for lead in (due, later)] == [2, 1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "back"}, "Tick the leads that you mean."),
        ({"do": "postpone", "revisit_on": "2020-01-01", "all": "1"}, "Choose a day that is still to come."),
        ({"do": "move", "all": "1"}, "Choose the track that they go to."),
    ],
)
def test_what_is_missing_is_said(client, marketer, asked, said):
    recycled()
    response = work(client, **asked)

    assert response.status_code == 422
    assert said in text(response)


def test_what_was_ticked_stays_ticked_when_something_is_missing(client, marketer):
    ana, _ = recycled(), recycled()
    shown = work(client, lead=[ana.pk], do="move").content.decode()
    ticked = r'name="lead" value="(\d+)"[^>]* checked'
    assert re.findall(ticked, shown) == [str(ana.pk)]
    assert not re.search(r'name="all" value="1" checked', shown)

    all_of_them = work(client, all="1", do="move").content.decode()
    assert re.search(r'name="all" value="1" checked', all_of_them)


def test_a_rep_sees_tracks_and_changes_nothing(client):
    client.force_login(make_user(Role.REP))
    lead = recycled(on=today())

    assert 'name="do"' not in client.get(reverse("nurture_track", args=["newsletter"])).content.decode()
    assert work(client, lead=[lead.pk], do="back").status_code == 403


def test_pages_of_a_track_hold_together(client, marketer, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 2)
    leads = [recycled(on=day) for day in (today(1), today(1), today(2), None, None)]
    address, seen = reverse("nurture_track", args=["newsletter"]), []
    after = ""
    while True:
        found = client.get(address, {"after": after} if after else {}).context["list"]
        seen += [one.lead for one in found.page]
        if not (after := found.next):
            break
    assert seen == leads


def test_the_file_has_what_a_marketing_system_asks_for(client, marketer):
    recycled(on=date(2030, 1, 2), name="=Ana", email="ana@buyer.example")
    response = client.get(reverse("nurture_track", args=["newsletter"]) + "?format=csv")

    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].endswith("Consent,Do not contact")
    assert "'=Ana,ana@buyer.example" in lines[1]
    assert "2030-01-02" in lines[1]
    assert AuditEntry.objects.get(action="exported").detail["file"] == "nurture-newsletter"


def test_what_tracks_hold_as_a_file(client, marketer):
    for _ in range(2):
        recycled(on=today())
    response = client.get(reverse("nurture") + "?format=csv")

    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0] == 'Track,Waiting,Below the threshold,Due,"Recycled, one year",Came back,Won since'
    assert "Newsletter,2,0,2,2,0,0" in lines
    assert AuditEntry.objects.get(action="exported").actor == marketer


def test_the_pages_ask_the_same_queries_however_many_wait(client, marketer, django_assert_max_num_queries):
    for _ in range(3):
        recycled(on=today())
    with django_assert_max_num_queries(14):
        client.get(reverse("nurture"))
    with django_assert_max_num_queries(14):
        client.get(reverse("nurture_track", args=["newsletter"]))


# Set up -------------------------------------------------------------------------------------------------------

FACTS = {"name": "Partners", "description": "", "revisit_after_days": 60, "takes_after_days": 30}


def test_a_track_is_made_and_changed_in_the_browser(client, marketer):
    client.post(reverse("nurture_track_new"), FACTS)
    client.post(reverse("nurture_track_edit", args=["partners"]), FACTS | {"description": "A mail each month."})

    assert track("partners").description == "A mail each month."
    actions = AuditEntry.objects.filter(subject_kind="nurture_track").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["track_added", "track_changed"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"name": "newsletter"}, "A track of this name exists."),
        ({"takes_unqualified": "on"}, "Event follow-up takes them: only one track can."),
        ({"revisit_after_days": "0"}, "Give a number of days from 1 to 3650."),
    ],
)
def test_a_track_that_makes_no_sense_is_refused_beside_its_field(client, marketer, facts, said):
    NurtureTrack.objects.filter(key="event").update(takes_unqualified=True)
    response = client.post(reverse("nurture_track_new"), FACTS | facts)

    assert response.status_code == 422
    assert said in text(response)


def test_a_track_in_use_is_retired_only_with_a_place_for_its_leads(client, marketer):
    lead = recycled(on=today(5))
    address = reverse("nurture_track_retire", args=["newsletter"])
    refused = client.post(address, {})
    assert (refused.status_code, "say where they go" in text(refused)) == (422, True)

    client.post(address, {"into": track("event").pk})
    assert place(lead) == ("event", today(5))
    assert track().retired_at

    client.post(address)
    assert track().retired_at is None


def test_an_empty_track_is_retired_at_once():
    assert nurturing.retire_track(track_id=track().pk, into_id=None, by=make_user(Role.MARKETER)) == 0
    with pytest.raises(ValidationError):
        nurturing.add_track(facts=FACTS | {"name": "Newsletter", "takes_unqualified": False}, by=make_user())


# To the marketing system --------------------------------------------------------------------------------------


def test_a_track_is_sent_to_the_marketing_system_without_who_must_not_be_contacted(client, marketer):
    channel = channels.add(
        transport="webhook", name="Mautic", url="https://1.1.1.1/hook", occasions=[], by=make_user(Role.REVOPS)
    )
    ana = recycled(on=date(2030, 1, 2), name="Ana", email="ana@buyer.example")
    recycled(do_not_contact=True)
    recycled(consent="withdrawn")
    elsewhere = recycled(to="event")
    response = work(client, all="1", do="send", channel=channel.pk, lead=[elsewhere.pk])

    assert "1 lead goes to Mautic. 2 were left out: they must not be contacted." in text(response)
    message = OutboxMessage.objects.get(destination=channel)
    sent = json.loads(message.body)
    assert (sent["type"], sent["data"]["track"]["key"]) == ("nurture.handed_over", "newsletter")
    [told] = sent["data"]["leads"]
    assert (told["id"], told["email"], told["revisit_on"]) == (ana.pk, "ana@buyer.example", "2030-01-02")
    entry = AuditEntry.objects.get(action="track_handed_over")
    assert entry.detail == {"channel": "Mautic", "leads": 1, "left_out": 2}


def test_long_tracks_go_in_several_messages(client, marketer, monkeypatch):
    monkeypatch.setattr(handing_over, "LEADS_A_MESSAGE", 2)
    channel = channels.add(
        transport="webhook", name="Mautic", url="https://1.1.1.1/hook", occasions=[], by=make_user(Role.REVOPS)
    )
    for _ in range(3):
        recycled()
    work(client, all="1", do="send", channel=channel.pk)

    assert [len(json.loads(each.body)["data"]["leads"]) for each in OutboxMessage.objects.order_by("id")] == [2, 1]


def test_without_a_program_nothing_is_sent(client, marketer):
    lead = recycled()
    assert "Send there" not in client.get(reverse("nurture_track", args=["newsletter"])).content.decode()
    assert work(client, lead=[lead.pk], do="send").status_code == 422
