"""The API reads scores with their parts, and the rules, profiles and target accounts that count."""

import pytest

from alignment.people.models import Role
from leads.profiles import targets
from tests.api.asking import Api, make_token
from tests.factories import make_lead, make_profiles, make_scoring_pilot, make_user
from tests.leads.scoring_stories import BODY, lead, publish, touch
from tests.leads.stories import by

pytestmark = pytest.mark.django_db


@pytest.fixture
def program():
    return Api(make_token(make_user(Role.REP)))


def test_a_score_is_read_with_its_parts(program):
    version = publish(BODY)
    person = lead()
    touch(person, kind="webinar")

    told = program.get(f"/api/v1/leads/{person}/score/").json()

    assert (told["threshold"], told["grade"], told["version"], told["fit_points"]) == (80, "A", version.number, 60)
    assert {part["rule"] for part in told["fit"]} == {
        "The title has the word director",
        "The e-mail address is no free mailbox and the e-mail domain is known",
    }
    events = next(group for group in told["engagement"] if group["group"] == "events")
    assert (events["parts"][0]["touches"], events["cap"]) == (1, 60)


def test_rules_profiles_and_targets_are_read(program):
    pilot = make_scoring_pilot()
    make_profiles()
    account = make_lead(company_name="Buyer").account_id
    targets.add(account_ids=[account], cause=by(make_user().pk))

    rules = program.get("/api/v1/scoring-rules/").json()["results"]
    assert {(one["team"], one["rules"]["threshold"]) for one in rules} == {(None, 80), (pilot.team_id, 80)}
    profiles = program.get("/api/v1/profiles/").json()["results"]
    assert profiles[0]["profiles"]["says"]["profiles"] == ["The industry is Retail."]
    found = program.get("/api/v1/target-accounts/").json()["results"]
    assert [(one["account"], one["origin"], one["tier"]) for one in found] == [(account, "manual", None)]
