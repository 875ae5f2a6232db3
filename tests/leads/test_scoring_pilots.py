"""Rules that one team tries first: whose leads they score, and what becomes of leads that come to it or leave it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.people.models import Role
from leads import holders, lifecycle
from leads.causes import Cause, Promise
from leads.drafts import TouchDraft
from leads.holders import Assignment
from leads.milestones import CauseSource
from leads.models import Account, Lead, Score, Territory, ThresholdCrossing
from leads.models.score import Release
from leads.routing import reassigning
from leads.scoring import publishing
from tests.factories import make_pool, make_routing, make_team, make_user
from tests.leads.condition_strategies import NOW
from tests.leads.scoring_stories import BODY, LIVE, lead, publish, standing
from tests.leads.stories import by

pytestmark = pytest.mark.django_db


def publish_pilot(team, body=None, **choices):
    return publish(body or BODY | {"threshold": 60}, audience=f"team:{team.pk}", choices={"team": team, **choices})


def give(user, *lead_ids, cause=LIVE):
    return holders.hold(assignments=[Assignment(pk, user and user.pk) for pk in lead_ids], cause=cause)


def scored_by(*lead_ids):
    known = dict(Score.objects.values_list("lead", "version"))
    return [known[pk] for pk in lead_ids]


def test_a_pilot_scores_the_leads_of_its_team_and_the_others_keep_theirs():
    rest = publish()
    team = make_team()
    rep = make_user(team=team)
    owned = Account.objects.create(name="Owned", name_key="owned", domain="owned.example", owner=rep, created_at=NOW)
    pilot = publish(BODY | {"threshold": 60}, audience=f"team:{team.pk}", choices={"team": team})

    held = lead(owner_id=rep.pk)
    of_account = lead(email="eve@owned.example")
    other = lead(email="eve@other.example")

    assert owned.leads.get().pk == of_account
    assert dict(Score.objects.values_list("lead", "version")) == {
        held: pilot.pk, of_account: pilot.pk, other: rest.pk,
    }  # fmt: skip
    assert [standing(one)[0] for one in (held, of_account, other)] == ["MQL", "MQL", "MGL"]


# Leads that change hands --------------------------------------------------------------------------------------------


def test_a_lead_that_comes_to_the_team_of_a_pilot_is_scored_by_its_rules_at_once_and_by_the_rest_when_it_leaves():
    rest = publish()
    team = make_team()
    inside, outside = make_user(team=team), make_user()
    pilot = publish_pilot(team)
    lead_id = lead(title="Assistant", owner_id=outside.pk)
    assert scored_by(lead_id) == [rest.pk]

    give(inside, lead_id)
    assert scored_by(lead_id) == [pilot.pk]

    give(make_user(team=team), lead_id)
    assert scored_by(lead_id) == [pilot.pk]

    give(outside, lead_id)
    assert scored_by(lead_id) == [rest.pk]


def test_a_lead_in_no_ones_hands_is_the_pilots_by_its_territory():
    rest = publish()
    team = make_team()
    territory = Territory.objects.create(key="north", name="North")
    pilot = publish_pilot(team, territories=[territory.pk])
    lead_id = lead(title="Assistant", territory="North")
    assert scored_by(lead_id) == [pilot.pk]

    give(make_user(), lead_id)
    assert scored_by(lead_id) == [rest.pk]

    give(None, lead_id)
    assert scored_by(lead_id) == [pilot.pk]


@pytest.mark.parametrize(
    ("release", "reached"), [(Release.AT_ONCE, "MQL"), (Release.DAILY, "MGL"), (Release.BY_TOUCH, "MGL")]
)
def test_who_crosses_by_the_rules_of_another_team_goes_to_sales_as_these_rules_say(release, reached):
    publish()
    team = make_team()
    pilot = publish_pilot(team, release=release, per_day=1 if release == Release.DAILY else None)
    lead_id = lead(owner_id=make_user().pk)

    give(make_user(team=team), lead_id)

    assert standing(lead_id)[0] == reached
    assert [(row.version, row.by) for row in ThresholdCrossing.objects.all()] == [(pilot, "release")] * (
        release == Release.AT_ONCE
    )
    released = publishing.release_daily()
    assert (released, standing(lead_id)[0]) == ((1, "MQL") if release == Release.DAILY else (0, reached))


def test_what_an_undo_took_back_is_not_handed_over_again_by_a_colleague_who_takes_it():
    team = make_team()
    publish()
    publish_pilot(team, release=Release.AT_ONCE)
    lead_id = lead(owner_id=make_user(team=team).pk)
    lifecycle.undo(lead_id=lead_id, cause=by())

    give(make_user(team=team), lead_id)

    assert standing(lead_id) == ("MGL", "", 1)


def test_history_that_changes_hands_is_scored_and_not_acted_on():
    publish()
    team = make_team()
    pilot = publish_pilot(team, release=Release.AT_ONCE)
    lead_id = lead()

    give(make_user(team=team), lead_id, cause=Cause(CauseSource.IMPORT, promise=Promise.NONE))

    assert (scored_by(lead_id), standing(lead_id)[0]) == ([pilot.pk], "MGL")


def test_what_routing_hands_to_the_team_of_a_pilot_is_scored_by_its_rules():
    rest = publish()
    team = make_team()
    inside, outside = make_user(team=team), make_user(role=Role.MANAGER)
    pilot = publish_pilot(team)
    make_routing(make_pool(inside, fallback=outside))

    lead_id = lead(touches=[TouchDraft("Asked for a demo", is_hand_raise=True)])
    assert (Lead.objects.get(pk=lead_id).owner, scored_by(lead_id)) == (inside, [pilot.pk])

    reassigning.route_away(lead_ids=[lead_id], cause=LIVE, why="It waited")
    assert (Lead.objects.get(pk=lead_id).owner, scored_by(lead_id)) == (outside, [rest.pk])


def test_what_somebody_leaves_to_the_team_of_a_pilot_is_scored_by_its_rules():
    publish()
    team = make_team()
    leaver, heir, revops = make_user(), make_user(team=team), make_user(Role.REVOPS)
    pilot = publish_pilot(team)
    leads = [lead(title="Assistant", email=f"ada{number}@buyer.example", owner_id=leaver.pk) for number in range(3)]

    reassigning.leave(user_id=leaver.pk, to=heir, cause=by(revops.pk), by=revops, why="She leaves")

    assert scored_by(*leads) == [pilot.pk] * 3


def test_a_set_that_changes_hands_is_scored_by_one_statement_for_each_version_and_by_none_without_a_pilot():
    publish()
    team = make_team()
    leads = [lead(title="", email=f"ada{number}@buyer.example", owner_id=make_user().pk) for number in range(20)]

    def statements(lead_ids, user):
        with CaptureQueriesContext(connection) as queries:
            give(user, *lead_ids)
        return len([query for query in queries if "SAVEPOINT" not in query["sql"]])

    without = statements(leads, make_user())
    publish_pilot(team)
    # Which versions count, and the scores by each of both.
    assert statements(leads, make_user(team=team)) == without + 3
    assert statements(leads[:1], make_user()) == without + 3
