"""The agreement by the API."""

from datetime import date

import pytest
from django.test import Client

from alignment.people import tokens
from alignment.people.models import Role, Scope
from sla import agreements
from tests.factories import make_user
from tests.sla.agreements import make_agreement, make_heads

pytestmark = pytest.mark.django_db

Q4 = "?quarter=2026-10-01"


@pytest.fixture
def program():
    _, text = tokens.make(user=make_user(Role.REP), name="Dashboards", scopes=[Scope.READ], days=1)
    return Client(headers={"Authorization": f"Bearer {text}"})


def test_what_is_in_force(program):
    heads = make_heads()
    version = make_agreement(date(2026, 11, 18), heads[0], per_rep=8)
    assert program.get(f"/api/v1/agreement/{Q4}").status_code == 404
    agreements.sign(version_id=version.pk, by=heads[1])
    told = program.get(f"/api/v1/agreement/{Q4}").json()
    assert (told["id"], told["number"], told["name"], told["last"]) == (version.pk, 1, "Q4 2026", "2026-12-31")
    assert [each["side"] for each in told["signatures"]] == ["marketing", "sales"]
    assert told["terms"]["rates"]["won"]["value"] == "0.25"
    assert (told["terms"]["per_rep"], told["terms"]["quality"]) == (8, "0.750000")


def test_the_plan_by_week(program):
    version = make_agreement(date(2025, 2, 3), *make_heads(), review_on=date(2025, 3, 30))
    told = program.get("/api/v1/agreement/plan/?quarter=2025-01-01").json()
    assert (told["first"], told["last"]) == ("2025-01-01", "2025-03-31")
    assert sum(week["planned"] for week in told["weeks"]) == told["pace"]["planned"] == 667
    assert {week["version"] for week in told["weeks"]} == {version.pk}
    assert told["quality"] == {"accepted": 0, "missed": 0, "share": None, "promised": "0.750000"}


def test_a_quarter_without_agreement_has_no_plan(program):
    told = program.get(f"/api/v1/agreement/plan/{Q4}").json()
    assert {week["planned"] for week in told["weeks"]} == {None}
    assert told["pace"]["forecast"] is None


@pytest.mark.parametrize("quarter", ["2026-10-02", "1889-01-01", "soon"])
def test_what_is_no_quarter_is_told(program, quarter):
    assert program.get(f"/api/v1/agreement/?quarter={quarter}").status_code == 422
