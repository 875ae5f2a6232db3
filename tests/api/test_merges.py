"""Clean data through the API: merging and taking it back, pairs to decide, and how many there are of each finding."""

from datetime import timedelta

import pytest

from alignment.people.models import Role
from leads.hygiene import scanning
from leads.merging import merging
from leads.models import DuplicatePair, Lead
from tests.api.asking import api, problem
from tests.factories import make_lead, make_user
from tests.leads.stories import by

pytestmark = pytest.mark.django_db

ANA = {"name": "Ana Souza", "phone": "+49 30 1234567"}


@pytest.fixture
def asking():
    return api(Role.REVOPS)


def twins():
    return make_lead("sql", **ANA), make_lead(**ANA)


def test_leads_go_into_one_and_come_back(asking):
    survivor, loser = twins()
    answer = asking.post(f"leads/{survivor.pk}/merge/", {"leads": [loser.pk], "choices": {"email": loser.pk}}).json()
    assert answer["lead"]["email"] == loser.email
    assert (answer["merge"]["survivor"], answer["merge"]["leads"]) == (survivor.pk, [loser.pk])
    gone = problem(asking.get(f"leads/{loser.pk}/"), 410)
    assert gone["merged_into"] == survivor.pk
    [listed] = asking.get("merges/").json()["results"]
    assert listed == answer["merge"]
    undone = asking.post(f"merges/{listed['id']}/undo/").json()
    assert undone["kept"] == []
    assert undone["merge"]["undone_at"]
    assert asking.get(f"leads/{loser.pk}/").json()["email"] == loser.email
    assert "undone already" in problem(asking.post(f"merges/{listed['id']}/undo/"), 409)["detail"]


def test_why_leads_are_not_merged(asking):
    survivor, loser = twins()
    further = problem(asking.post(f"leads/{loser.pk}/merge/", {"leads": [survivor.pk]}), 409)
    assert (further["type"], further["lead"]) == ("urn:accord:problem:further", survivor.pk)
    for body, pointer in (
        ({"leads": [survivor.pk]}, "/leads"),
        ({"leads": [2**40]}, "/leads"),
        ({"leads": []}, "/leads"),
        ({"leads": [loser.pk], "choices": {"email": 2**40}}, "/choices"),
        ({"leads": [loser.pk], "choices": {"shoes": loser.pk}}, "/choices"),
    ):
        errors = problem(asking.post(f"leads/{survivor.pk}/merge/", body), 422)["errors"]
        assert errors[0]["pointer"].startswith(pointer)
    other = make_lead(left=timedelta(hours=1))
    merging.merge(survivor_id=survivor.pk, loser_ids=[loser.pk], cause=by())
    gone = problem(asking.post(f"leads/{other.pk}/merge/", {"leads": [loser.pk]}), 410)
    assert gone["merged_into"] == survivor.pk
    problem(asking.post("merges/99/undo/"), 404)


def test_who_may_merge():
    rep = make_user(Role.REP)
    mine, others = make_lead(owner=rep, left=timedelta(hours=1)), make_lead(owner=make_user())
    problem(api(user=rep).post(f"leads/{mine.pk}/merge/", {"leads": [others.pk]}), 403)
    also_mine = make_lead(owner=rep)
    assert api(user=rep).post(f"leads/{mine.pk}/merge/", {"leads": [also_mine.pk]}).status_code == 200


def test_pairs_are_listed_with_their_evidence_and_decided(asking):
    one, other = twins()
    scanning.catch_up()
    [pair] = asking.get("duplicates/?kind=exact").json()["results"]
    assert pair["leads"] == [one.pk, other.pk]
    assert pair["evidence"] == "Same phone number, same name"
    assert (pair["score"], [part["points"] for part in pair["parts"]]) == (45, [20, 25])
    assert asking.get("duplicates/?kind=likely").json()["results"] == []
    asking.post(f"duplicates/{pair['id']}/dismiss/")
    assert DuplicatePair.objects.get().dismissed_at
    assert asking.get("duplicates/").json()["results"] == []
    problem(asking.post(f"duplicates/{pair['id']}/dismiss/"), 404)


def test_how_many_there_are_of_each_finding(asking):
    make_lead(name="")
    scanning.catch_up()
    told = asking.get("data-quality/").json()
    counts = {each["key"]: each["count"] for each in told["findings"]}
    assert (counts["no_name"], counts["exact"]) == (1, 0)
    assert all(len(each["weeks"]) == len(told["weeks"]) for each in told["findings"])


def test_what_is_logged_with_somebody_who_must_not_be_contacted_warns(asking):
    lead, willing = make_lead(do_not_contact=True), make_lead()
    told = asking.post(
        "activities/", {"activities": [{"lead": pk, "activity": "no_answer"} for pk in (lead.pk, willing.pk)]}
    ).json()
    assert [row["warning"] for row in told["results"]] == [f"Lead {lead.pk} must not be contacted.", None]
    assert told["stored"] == 2
    merging.merge(survivor_id=lead.pk, loser_ids=[willing.pk], cause=by())
    told = asking.post("activities/", {"activities": [{"lead": willing.pk, "activity": "no_answer"}]}).json()
    [error] = told["results"][0]["errors"]
    assert error["detail"] == f"Lead {willing.pk} was merged into lead {lead.pk}."
    assert Lead.objects.get(pk=lead.pk).touchpoints.count() == 1
