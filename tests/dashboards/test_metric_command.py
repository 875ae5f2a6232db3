"""`manage.py metric`: the figures of the page, in one form."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from leads.milestones import Milestone, Outcome
from leads.models import Source
from tests.factories import make_clock, make_journey, make_team

pytestmark = pytest.mark.django_db

MAY = datetime(2018, 5, 3, tzinfo=UTC)


def metric(*arguments, name="funnel"):
    out = StringIO()
    call_command("metric", name, *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def leads():
    """Three of May, one of them won; one whose date nobody knows."""
    search = Source.objects.create(key="search", name="Search")
    make_journey(Milestone.MQL, mql_at=MAY, source=search)
    make_journey(Milestone.WON, Outcome.WON, mql_at=MAY, source=search)
    make_journey(Milestone.MGL, mgl_at=MAY)
    make_journey(Milestone.SQL)


def test_the_form_of_an_answer(leads):
    answer = json.loads(metric("--from", "2018-05-01", "--to", "2018-05-31", "--by", "source", "--json"))

    assert answer == {
        "metric": "funnel",
        "basis": "cohort",
        "period": {"from": "2018-05-01", "to": "2018-05-31"},
        "n": 3,
        "reached": {"MGL": 3, "MQL": 2, "SQL": 1, "SQO": 1, "WON": 1},
        "by": [
            {"source": "search", "n": 2, "reached": {"MGL": 2, "MQL": 2, "SQL": 1, "SQO": 1, "WON": 1}},
            {"source": None, "n": 1, "reached": {"MGL": 1, "MQL": 0, "SQL": 0, "SQO": 0, "WON": 0}},
        ],
    }


def test_undated_journeys_count_where_no_period_is_set_and_are_named(leads):
    answer = json.loads(metric("--json"))

    assert (answer["n"], answer["undated"], answer["period"], "by" in answer) == (4, 1, None, False)


def test_on_the_period_basis_each_number_goes_by_its_own_dates(leads):
    dates = ["--from", "2018-05-01", "--to", "2018-05-31"]

    assert json.loads(metric(*dates, "--basis", "period", "--json"))["reached"] == {
        "MGL": 1, "MQL": 2, "SQL": 0, "SQO": 0, "WON": 0,
    }  # fmt: skip


def test_for_people_there_is_a_table(leads):
    team = make_team(name="North")
    make_journey(Milestone.MQL, mql_at=MAY, team=team)
    lines = metric("--by", "team").splitlines()

    assert lines[0] == "Funnel, cohort basis, all time (1 undated)"
    assert [line.split() for line in lines[2:]] == [
        ["All", "5", "5", "4", "2", "1", "1"],
        ["(none)", "4", "4", "3", "2", "1", "1"],
        ["North", "1", "1", "1", "0", "0", "0"],
    ]


def test_only_what_is_asked_for(leads):
    assert json.loads(metric("--source", "-", "--json"))["n"] == 2
    assert json.loads(metric("--source", "search", "--passes", "returning", "--json"))["n"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--from", "2018-05-01"], "Choose the last day too."),
        (["--source", "nowhere"], "There is no source “nowhere”."),
        (["--from", "2018-05-31", "--to", "2018-05-01"], "The first day is after the last one."),
    ],
)
def test_mistakes_get_a_sentence(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        metric(*arguments)


def test_promises(leads):
    for hours in (10, 40, 60):
        journey = make_journey(Milestone.SQL, mql_at=MAY, accepted_at=MAY + timedelta(hours=hours))
        make_clock(journey, MAY + timedelta(hours=48), stopped_at=MAY + timedelta(hours=hours))
    dates = ["--from", "2018-05-01", "--to", "2018-05-31", "--by", "source"]
    answer = json.loads(metric(*dates, "--json", name="promises"))

    answers = answer["sales"][0]
    assert {key: answers[key] for key in ("kind", "within", "met", "breached", "n", "promised", "overdue")} == {
        "kind": "disposition", "within": "48 hours", "met": 2, "breached": 1, "n": 3, "promised": 0.9, "overdue": 0
    }  # fmt: skip
    assert answers["attainment"] == pytest.approx(2 / 3)
    assert {line["attainment"] for line in answer["sales"][1:]} == {None}
    assert answer["marketing"]["delivered"] == 5
    assert answer["marketing"]["planned_per_week"] is None
    assert answer["by"][0]["source"] is None
    assert answer["by"][0]["kinds"]["disposition"]["met"] == 2
    assert "Promises, 2018-05-01 to 2018-05-31" in metric(*dates, name="promises")
    assert "66.7%" in metric(*dates, name="promises")
    with pytest.raises(CommandError, match="owner, team, source"):
        metric("--by", "segment", name="promises")
