"""Moves by the API: each is the page's own, with the page's refusals."""

from datetime import timedelta

import pytest
from django.utils import timezone

from alignment.ops.models import AuditEntry
from alignment.people.models import Role, Scope, Side
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource, Kind, Outcome
from leads.models import Lead, LeadTransition, NurtureTrack, Reason
from tests.api.asking import api, pointers, problem
from tests.factories import make_lead, make_user

pytestmark = pytest.mark.django_db

BANT = ["budget", "authority", "need", "timeline"]


@pytest.fixture
def rep():
    return make_user(Role.REP)


@pytest.fixture
def asking(rep):
    return api(user=rep)


def reason(kind):
    return Reason.objects.offered(kind).first().key


def test_a_lead_goes_all_the_way(rep, asking):
    lead = make_lead("mgl", owner=rep)
    marketer = api(Role.MARKETER)
    told = marketer.post(f"leads/{lead.pk}/hand-over/").json()
    assert (told["lead"]["milestone"], told["transition"]["qualified_by"]) == ("MQL", "manual")

    steps = {
        "accept": ({"note": "Gladly"}, "SQL"),
        "qualify": ({"amount": "9600.00", "expected_close_on": "2027-03-31", "confirmations": BANT}, "SQO"),
        "win": ({}, "WON"),
    }
    for name, (body, milestone) in steps.items():
        response = asking.post(f"leads/{lead.pk}/{name}/", body)
        assert response.status_code == 200, response.content
        assert response.json()["lead"]["milestone"] == milestone
    moves = asking.get(f"leads/{lead.pk}/transitions/").json()["results"]
    assert [move["kind"] for move in moves][:4] == ["win", "advance", "accept", "advance"]
    assert (moves[2]["note"], moves[2]["actor"], moves[2]["source"]) == ("Gladly", rep.pk, "api")
    deal = asking.get("opportunities/", {"lead": lead.pk}).json()["results"][0]
    assert (deal["state"], deal["amount"]) == ("won", "9600.00")


def test_a_lead_that_nobody_held_belongs_to_who_accepted_it(rep, asking):
    lead = make_lead()

    assert asking.post(f"leads/{lead.pk}/accept/").json()["lead"]["owner"] == rep.pk


def test_the_second_is_told_who_was_first(rep, asking):
    lead = make_lead(owner=rep)
    asking.post(f"leads/{lead.pk}/accept/")
    told = problem(asking.post(f"leads/{lead.pk}/accept/"), 409)

    assert told["detail"] == "You accepted it just now."
    row = LeadTransition.objects.get(kind=Kind.ACCEPT)
    assert told["first"]["transition"] == row.pk
    assert told["first"]["kind"] == "accept"
    assert told["first"]["actor"] == rep.pk


def test_of_a_lead_that_another_rep_took_the_answer_is_409_and_not_403(rep, asking):
    lead = make_lead()
    other = make_user(Role.REP, name="Bruno Sá")
    api(user=other).post(f"leads/{lead.pk}/accept/")

    assert problem(asking.post(f"leads/{lead.pk}/accept/"), 409)["detail"] == "Bruno Sá accepted it just now."


def test_the_lead_of_somebody_else_is_not_ones_own_to_move(asking):
    lead = make_lead("sql", owner=make_user(Role.REP, name="Ada Okafor"))

    assert "Ada Okafor (the holder)" in problem(asking.post(f"leads/{lead.pk}/win/"), 403)["detail"]


def test_a_rejection_needs_a_reason_of_the_list(rep, asking):
    lead = make_lead(owner=rep)

    assert pointers(asking.post(f"leads/{lead.pk}/reject/")) == {"/reason"}
    wrong = asking.post(f"leads/{lead.pk}/reject/", {"reason": "because"})
    assert pointers(wrong) == {"/reason"}
    assert reason("reject") in wrong.json()["detail"]
    told = asking.post(f"leads/{lead.pk}/reject/", {"reason": reason("reject"), "note": "No"}).json()
    assert (told["lead"]["outcome"], told["transition"]["reason"]) == ("rejected", reason("reject"))


def test_a_recycled_lead_comes_back_when_its_track_says(rep, asking):
    lead = make_lead(owner=rep)
    track = NurtureTrack.objects.first()
    told = asking.post(f"leads/{lead.pk}/recycle/", {"track": track.key}).json()["transition"]
    assert told["revisit_on"]
    assert pointers(asking.post(f"leads/{lead.pk}/recycle/", {"revisit_on": "2020-01-01"})) == {"/revisit_on"}

    assert api(Role.MARKETER).post(f"leads/{lead.pk}/requalify/").json()["lead"]["pass_no"] == 2


def test_a_recycled_lead_moves_in_nurture_and_tracks_count_it(rep, asking):
    lead = make_lead(owner=rep)
    asking.post(f"leads/{lead.pk}/recycle/", {"track": "newsletter"})
    marketing = api(Role.MARKETER)
    told = marketing.post(f"leads/{lead.pk}/nurture/", {"track": "event", "revisit_on": "2099-01-01"}).json()
    assert (told["transition"]["kind"], told["transition"]["track"]) == ("nurture", "event")
    assert told["lead"]["outcome"] == "recycled"

    tracks = {row["key"]: row for row in marketing.get("nurture-tracks/").json()["results"]}
    assert (tracks["newsletter"]["waiting"], tracks["event"]["waiting"], tracks["event"]["due"]) == (0, 1, 0)
    assert tracks["newsletter"]["recycled"] == 0
    assert asking.post(f"leads/{lead.pk}/nurture/", {"track": "event", "revisit_on": None}).status_code == 403


def test_a_lost_deal_can_be_reopened_and_the_reopening_undone(rep, asking):
    lead = make_lead("sqo", owner=rep)
    asking.post(f"leads/{lead.pk}/lose/", {"reason": reason("lose")})
    reopened = asking.post(f"leads/{lead.pk}/reopen/").json()
    assert reopened["lead"]["outcome"] is None
    undone = asking.post(f"leads/{lead.pk}/undo/", {"transition": reopened["transition"]["id"]}).json()
    assert undone["lead"]["outcome"] == "lost"
    assert undone["transition"]["reverts"] == reopened["transition"]["id"]


def test_a_move_can_be_undone_for_a_day(rep, asking):
    lead = make_lead(owner=rep, left=timedelta(hours=-10))
    yesterday = Cause(CauseSource.DEMO, actor_id=rep.pk, at=timezone.now() - timedelta(hours=25))
    lifecycle.accept(lead_ids=[lead.pk], cause=yesterday)
    told = problem(asking.post(f"leads/{lead.pk}/undo/"), 409)

    assert told["type"] == "urn:accord:problem:too_late"
    assert "24 hours" in told["detail"]


def test_an_undo_without_a_name_takes_back_the_newest_move_that_counts(rep, asking):
    lead = make_lead(owner=rep)
    first = asking.post(f"leads/{lead.pk}/accept/").json()["transition"]["id"]

    assert asking.post(f"leads/{lead.pk}/undo/").json()["transition"]["reverts"] == first
    problem(api(user=make_user(Role.REP)).post(f"leads/{lead.pk}/undo/"), 403)


def test_a_lead_moves_on_to_a_stage_that_has_no_move_of_its_own(rep, asking):
    lead = make_lead("sqo", owner=rep)
    stages = asking.get("stages/").json()["results"]
    later = [stage["key"] for stage in stages if stage["milestone"] == "SQO"][1]

    assert asking.post(f"leads/{lead.pk}/advance/", {"stage": later}).json()["lead"]["stage"] == later
    assert pointers(asking.post(f"leads/{lead.pk}/advance/", {"stage": "mql"})) == {"/stage"}
    assert "winning its deal" in problem(asking.post(f"leads/{lead.pk}/advance/", {"stage": "won"}), 409)["detail"]


def test_entry_criteria_hold_and_can_be_passed_by_who_may_with_a_note(rep, asking):
    lead = make_lead("sql", owner=rep)
    told = problem(asking.post(f"leads/{lead.pk}/qualify/", {"amount": "10"}), 422)
    assert told["type"] == "urn:accord:problem:criteria"
    assert "budget confirmed" in told["detail"]

    past = {"override": True, "note": "They signed already"}
    problem(asking.post(f"leads/{lead.pk}/qualify/", past), 403)
    manager = make_user(Role.MANAGER)
    narrow = api(Role.MANAGER, Scope.LEADS, user=manager)
    assert problem(narrow.post(f"leads/{lead.pk}/qualify/", past), 403)["type"] == "urn:accord:problem:scope"
    wide = api(user=manager)
    assert pointers(wide.post(f"leads/{lead.pk}/qualify/", {"override": True})) == {"/note"}
    told = wide.post(f"leads/{lead.pk}/qualify/", past).json()
    assert told["transition"]["is_override"] is True
    entry = AuditEntry.objects.get(action="criteria_overridden")
    assert (entry.actor_id, entry.subject_id) == (manager.pk, lead.pk)


def test_a_deal_in_another_currency_needs_its_rate(rep, asking):
    lead = make_lead("sql", owner=rep)
    body = {"amount": "10", "currency": "USD", "expected_close_on": "2027-03-31", "confirmations": BANT}

    assert pointers(asking.post(f"leads/{lead.pk}/qualify/", body)) == {"/rate"}
    assert asking.post(f"leads/{lead.pk}/qualify/", body | {"rate": "0.9"}).status_code == 200


def test_only_revops_corrects_history(rep):
    lead = make_lead(owner=rep)
    row = LeadTransition.objects.filter(lead=lead).latest("seq")
    address, body = f"leads/{lead.pk}/transitions/{row.pk}/correct/", {"at": "2026-01-02T03:04:05Z", "note": "Typo"}

    problem(api(Role.MANAGER).post(address, body), 403)
    revops = api(Role.REVOPS)
    assert pointers(revops.post(address, {"at": None})) == {"/note"}
    assert revops.post(address, body).json()["transition"]["corrects"] == row.pk
    problem(revops.post(f"leads/{lead.pk}/transitions/{row.pk + 99}/correct/", body), 404)


def test_a_manager_hands_leads_to_people_in_sales(rep):
    lead = make_lead()
    manager = api(Role.MANAGER)

    assert manager.post(f"leads/{lead.pk}/assign/", {"owner": rep.pk}).json()["owner"] == rep.pk
    marketer = make_user(Role.MARKETER)
    assert pointers(manager.post(f"leads/{lead.pk}/assign/", {"owner": marketer.pk})) == {"/owner"}
    assert manager.post(f"leads/{lead.pk}/assign/", {"owner": None}).json()["owner"] is None


def test_a_lead_joins_a_deal_of_its_company(rep, asking):
    carrier = make_lead("sqo", owner=rep, email="a@same.example", company_name="Same")
    lead = make_lead("sql", owner=rep, email="b@same.example", company_name="Same")
    deal = asking.get("opportunities/", {"lead": carrier.pk}).json()["results"][0]["id"]
    told = problem(asking.post(f"leads/{lead.pk}/attach/", {"opportunity": deal + 99}), 422)
    assert "open deal" in told["detail"]

    told = asking.post(f"leads/{lead.pk}/attach/", {"opportunity": deal}).json()
    assert (told["lead"]["outcome"], told["transition"]["opportunity"]) == (Outcome.ATTACHED, deal)


@pytest.mark.parametrize("name", ["accept", "undo", "win"])
def test_a_lead_that_is_not_there_is_a_404(asking, name):
    problem(asking.post(f"leads/{2**40}/{name}/"), 404)
    lead, other = make_lead(), make_lead()
    Lead.objects.filter(pk=lead.pk).update(merged_into=other)
    assert f"merged into lead {other.pk}" in problem(asking.post(f"leads/{lead.pk}/{name}/"), 410)["detail"]


def test_a_refused_move_leaves_nothing_behind(rep, asking):
    lead = make_lead(owner=rep)
    before = LeadTransition.objects.count()
    problem(asking.post(f"leads/{lead.pk}/lose/", {"reason": reason("lose")}), 409)

    assert LeadTransition.objects.count() == before


def test_a_marketing_manager_does_not_answer_for_sales():
    problem(api(user=make_user(Role.MANAGER, Side.MARKETING)).post(f"leads/{make_lead().pk}/accept/"), 403)
