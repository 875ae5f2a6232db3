"""Saved views by the API: one's own, one's team's and everybody's; only their owner changes them."""

import pytest

from alignment.desk.models import DefaultView, SavedView, Sharing
from alignment.people.models import Role
from tests.api.asking import api, pointers, problem
from tests.factories import make_team, make_user, make_view

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep():
    return make_user(Role.REP, team=make_team())


@pytest.fixture
def asking(rep):
    return api(user=rep)


def names(asking):
    return [view["name"] for view in asking.get("views/").json()["results"]]


def test_one_sees_ones_own_ones_teams_and_everybodys(rep, asking):
    colleague, stranger = make_user(team=rep.team), make_user(team=make_team())
    make_view(rep, name="Mine", sharing=Sharing.ME)
    make_view(colleague, name="Ours", sharing=Sharing.TEAM)
    make_view(colleague, name="Private", sharing=Sharing.ME)
    make_view(stranger, name="Theirs", sharing=Sharing.TEAM)
    make_view(stranger, name="All", sharing=Sharing.ALL)
    assert names(asking) == ["All", "Mine", "Ours"]


def test_a_view_is_saved_changed_and_deleted(rep, asking):
    answer = asking.post("views/", {"name": "Waiting", "query": "state=waiting&q=Ana", "is_default": True})
    assert answer.status_code == 201
    told = asking.get(answer["Location"]).json()
    assert (told["query"], told["sharing"], told["owner"]) == ("state=waiting&q=Ana", "me", rep.pk)
    assert told["url"] == f"/leads/?state=waiting&q=Ana&view={told['id']}"
    assert DefaultView.objects.get().user == rep
    changed = asking.patch(f"views/{told['id']}/", {"name": "Ours", "sharing": "team"}).json()
    assert (changed["name"], changed["query"], changed["team"]) == ("Ours", told["query"], rep.team_id)
    assert DefaultView.objects.exists()
    assert asking.patch(f"views/{told['id']}/", {"query": "state=open"}).json()["query"] == "state=open"
    assert asking.post(f"views/{told['id']}/delete/").json()["name"] == "Ours"
    problem(asking.get(f"views/{told['id']}/"), 404)
    assert not DefaultView.objects.exists()


def test_what_the_list_does_not_know_is_refused(asking):
    assert pointers(asking.post("views/", {"name": "A", "query": "colour=red"})) == {"/query"}
    assert pointers(asking.post("views/", {"name": "A", "query": "stage=nowhere"})) == {"/query"}
    assert pointers(asking.post("views/", {"name": "A", "query": "q=%00"})) == {"/query"}
    assert pointers(asking.post("views/", {"query": ""})) == {"/name"}
    assert not SavedView.objects.exists()


def test_a_name_is_taken_once(rep, asking):
    make_view(rep, name="Mine")
    other = make_view(rep, name="Other")
    problem(asking.post("views/", {"name": "Mine", "query": ""}), 409)
    problem(asking.patch(f"views/{other.pk}/", {"name": "Mine"}), 409)


def test_only_its_owner_or_revops_changes_it(rep, asking):
    view = make_view(make_user(), name="All", sharing=Sharing.ALL)
    problem(asking.patch(f"views/{view.pk}/", {"name": "Mine"}), 403)
    problem(asking.post(f"views/{view.pk}/delete/"), 403)
    assert api().patch(f"views/{view.pk}/", {"name": "Everybody's"}).status_code == 200
    loner = api(user=make_user(Role.REVOPS, team=None))
    assert pointers(loner.post("views/", {"name": "A", "query": "", "sharing": "team"})) == {"/sharing"}
