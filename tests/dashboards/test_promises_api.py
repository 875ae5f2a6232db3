"""Promises by the API: attainment, clocks and breaches, with the filters and the rights of the page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from alignment.people.models import Role
from leads import holders
from leads.holders import Assignment
from leads.milestones import Milestone
from tests.api.asking import api, problem
from tests.factories import make_team, make_user
from tests.sla.stories import arrive, cause

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = timedelta(hours=1)


@pytest.fixture
def reps():
    team = make_team()
    return [make_user(Role.REP, team=team) for _ in range(2)]


@pytest.fixture
def leads(reps):
    """Two that wait for their answer too long, in the hands of one rep each, and one that still has time."""
    found = []
    for rep, hours in ((reps[0], 60), (reps[1], 60), (reps[0], 2)):
        found += arrive((Milestone.MQL, NOW - hours * HOUR))
        holders.hold(assignments=[Assignment(found[-1], rep.pk, NOW - hours * HOUR)], cause=cause())
    return found


def test_attainment(leads):
    told = api().get("metrics/promises/", {"period": "90d", "by": "team"}).json()
    line = told["sales"][0]

    assert (told["metric"], told["n"], len(told["weeks"])) == ("promises", 2, 13)
    assert (line["met"], line["breached"], line["attainment"], line["open"], line["overdue"]) == (0, 2, 0.0, 1, 2)
    assert told["by"][0]["n"] == 2
    assert sum(week["sales"][0]["n"] for week in told["weeks"]) == 2


def test_breaches_tell_who_held_the_lead_for_how_long(leads, reps):
    found = api().get("breaches/").json()["results"]

    assert {row["lead"] for row in found} == set(leads[:2])
    assert {row["charged"] for row in found} == {rep.name for rep in reps}
    assert {share["who"] for row in found for share in row["held"]} == {rep.name for rep in reps}
    assert all(11 * 3600 < row["late_by_seconds"] < 13 * 3600 for row in found)


def test_clocks_of_a_figure_page_by_page(leads):
    client = api()
    address, seen = "clocks/", []
    query = {"figure": "judged", "limit": 1, "kind": "disposition"}
    while address:
        told = client.get(address, query).json()
        seen += [row["id"] for row in told["results"]]
        address, query = (told["next"] or "").removeprefix("http://testserver"), None

    assert len(seen) == len(set(seen)) == 2
    assert [row["late_by_seconds"] for row in client.get("clocks/", {"figure": "open"}).json()["results"]] == [None]


def test_figures_of_reps_are_for_themselves_their_managers_and_revops(leads, reps):
    rep, other = reps
    for role, status in {Role.MARKETER: 403, Role.EXECUTIVE: 403, Role.MANAGER: 200, Role.REVOPS: 200}.items():
        client = api(role)
        for path in ("metrics/promises/", "breaches/", "clocks/", "promises/"):
            assert client.get(path, {"owner": rep.pk}).status_code == status, (role, path)
        assert client.get("metrics/promises/", {"by": "owner"}).status_code == status
    theirs = api(user=rep)
    for path in ("metrics/promises/", "breaches/", "clocks/", "promises/"):
        assert theirs.get(path, {"owner": rep.pk}).status_code == 200
        problem(theirs.get(path, {"owner": other.pk}), 403)
    named = {row["lead"]: row["charged"] for row in theirs.get("breaches/").json()["results"]}
    assert named == {leads[0]: rep.name, leads[1]: "Rep"}
    assert {row["charged"] for row in api(Role.MARKETER).get("breaches/").json()["results"]} == {"Rep"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("breaches/", {"promise": "999999"}),
        ("breaches/", {"source": "nowhere"}),
        ("clocks/", {"figure": "everything"}),
        ("clocks/", {"cursor": "x"}),
        ("metrics/promises/", {"by": "segment"}),
        ("metrics/promises/", {"from": "2018-05-31", "to": "2018-05-01"}),
    ],
)
def test_mistakes_get_a_sentence(path, query):
    problem(api().get(path, query), 422)


def test_the_number_of_queries_does_not_grow(leads, django_assert_max_num_queries):
    client = api()
    with django_assert_max_num_queries(20):
        client.get("breaches/")
    with django_assert_max_num_queries(24):
        client.get("metrics/promises/")
