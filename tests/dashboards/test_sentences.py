"""What the page says of the numbers: where it leaks, what a side missed, what there is too little of to say."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from alignment.people.models import Role
from leads.milestones import Milestone, Outcome
from leads.models import Reason
from tests.factories import make_clock, make_journey, make_user

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def ago(days):
    return NOW - timedelta(days=days)


@pytest.fixture
def page(client):
    """The text of the page, as people read it."""

    def read(query="", part=""):
        client.force_login(make_user(Role.REVOPS))
        html = client.get(f"/dash/funnel/?{query}").content.decode()
        found = re.search(part, html, re.DOTALL)[0] if part else html
        return " ".join(unescape(re.sub(r"<[^>]+>", "", found)).split())

    return lambda query="": read(query, r'<p class="answer">.*?</p>'), lambda query="": read(query)


def mqls(count, outcome="", **fields):
    for _ in range(count):
        make_journey(Milestone.MQL, outcome, **{"mql_at": ago(20), "closed_at": ago(15) if outcome else None} | fields)


def won(count):
    for _ in range(count):
        make_journey(Milestone.WON, Outcome.WON, mql_at=ago(20), won_at=ago(10), closed_at=ago(10))


def test_the_step_that_leaks_most_says_what_it_is_made_of(page):
    answer, _ = page
    mqls(20, Outcome.REJECTED)
    mqls(10, Outcome.RECYCLED)
    won(30)

    assert answer() == (
        "30 of 60 MQLs became customers (50.0%). The hand-off leaks most by rate and by count: "
        "30 of 60 MQLs dropped out (50%): 20 rejected, 10 recycled."
    )


def test_one_kind_of_loss_needs_no_list(page):
    answer, _ = page
    mqls(12, Outcome.REJECTED)
    won(30)

    assert answer().endswith("12 of 42 MQLs were rejected (29%).")


def test_without_drop_off_it_says_who_waits(page):
    answer, _ = page
    mqls(25)
    won(5)

    assert answer().endswith("Few or none dropped out; most wait at MQL: 25 are still open.")


def test_too_few_are_no_leak(page):
    answer, _ = page
    mqls(5, Outcome.REJECTED)

    assert "leaks" not in answer()


def test_a_period_basis_does_not_claim_that_they_are_the_same_leads(page):
    answer, _ = page
    won(3)

    assert answer("basis=period").startswith("3 customers won, 3 MQLs come in (100.0%).")


def test_what_cannot_be_computed_is_a_dash_with_its_reason(page):
    _, text = page
    make_journey(Milestone.MGL, mgl_at=ago(3))
    said = text("period=all")

    assert "Needs a period that has begun." in said
    assert "Sales has decided about none." in said
    assert "No answer was due." in said
    assert "Nothing was rejected." in said


def test_weeks_in_a_row_below_the_promise(page):
    _, text = page
    for days in (10, 17, 24):
        journey = make_journey(Milestone.MQL, mql_at=ago(days + 2))
        make_clock(journey, ago(days), stopped_at=ago(days - 1))

    assert "Missed 3 weeks in a row" in text()


def test_the_most_frequent_reason_is_named(page):
    _, text = page
    budget, persona, *_ = Reason.objects.offered("reject")
    mqls(3, Outcome.REJECTED, reason=budget)
    mqls(1, Outcome.REJECTED, reason=persona)

    assert f"Top reject reason: {budget.label.lower()}, 75%" in text()


def test_changes_are_against_the_period_before_at_the_same_age(page):
    _, text = page
    dates = f"from={ago(50).date()}&to={ago(26).date()}"
    for number in range(60):
        # As many days after entry, in both periods; the later win of an earlier lead does not count yet.
        entered = ago(74 - number % 24) if number < 30 else ago(49 - number % 22)
        wins = entered + timedelta(days=3) if number % 3 == 0 else ago(1) if number < 30 else None
        make_journey(
            Milestone.WON if wins else Milestone.MQL, Outcome.WON if wins else "", mql_at=entered, won_at=wins,
            closed_at=wins,
        )  # fmt: skip

    assert "0.0 pt vs before at the same age" in text(dates)
