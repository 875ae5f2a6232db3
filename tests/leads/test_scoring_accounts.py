"""Leads whose company became a target, a customer or another profile: scored at once, many by a job."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.ops import jobs
from alignment.ops.models import Job
from alignment.people.models import Role
from leads import lifecycle
from leads.causes import Cause
from leads.deals import closing
from leads.milestones import CauseSource
from leads.models import Account, Lead, ProfileVersion, Score, ThresholdCrossing
from leads.models.score import Release
from leads.profiles import matching, targets
from leads.scoring import by_account
from tests.factories import make_free_deal, make_lead, make_profiles, make_user
from tests.leads.condition_strategies import all_of, asks
from tests.leads.scoring_stories import BODY, LIVE, lead, points, publish, standing
from tests.leads.stories import by, day, reason

pytestmark = pytest.mark.django_db

BY_TARGET = BODY | {"fit": [{"if": all_of(asks("target_account", "yes")), "points": 90}]}
BY_TIER = BODY | {"fit": [{"if": all_of(asks("tier", "is", "1")), "points": 90}]}


def people(*names):
    return [lead(email=f"{name}@buyer.example", company_name="Buyer") for name in names]


def account_of(lead_id):
    return Account.objects.get(leads=lead_id)


def suppressed(lead_id):
    return Score.objects.get(pk=lead_id).suppressed_as


def run_jobs():
    for job in Job.objects.filter(kind=by_account.KIND, state="queued"):
        jobs.run(job.pk)
        job.refresh_from_db()
        assert job.state == "done", job.error


# Target accounts --------------------------------------------------------------------------------------------------


def test_people_of_an_account_that_becomes_a_target_are_scored_at_once_and_cross():
    publish(BY_TARGET)
    ada, ben = people("ada", "ben")
    user = make_user()

    targets.add(account_ids=[account_of(ada).pk], cause=by(user.pk))

    assert [(points(one), standing(one)[0]) for one in (ada, ben)] == [(90, "MQL"), (90, "MQL")]
    assert ThresholdCrossing.objects.get(lead=ada).by == "facts"

    targets.remove(account_ids=[account_of(ada).pk], cause=by(user.pk))
    assert [points(one) for one in (ada, ben)] == [0, 0]


def test_the_leads_of_targets_are_scored_by_the_same_statements_whatever_their_number():
    publish(BODY | {"fit": [{"if": all_of(asks("target_account", "yes")), "points": 5}]})
    user = make_user()

    def queries(*names):
        account = account_of(people(*names)[0])
        targets.remove(account_ids=[account.pk], cause=by(user.pk))
        with CaptureQueriesContext(connection) as captured:
            targets.add(account_ids=[account.pk], cause=by(user.pk))
        return len(captured)

    assert queries("ada") == queries("ben", "cleo", "dora")


def test_many_leads_are_scored_by_a_job_with_progress(monkeypatch):
    publish(BY_TARGET)
    everybody = people("ada", "ben", "cleo", "dora", "eve")
    monkeypatch.setattr(by_account, "AT_ONCE", 2)
    monkeypatch.setattr(by_account, "SLICE", 2)

    targets.add(account_ids=[account_of(everybody[0]).pk], cause=by(make_user().pk))

    job = Job.objects.get(kind=by_account.KIND)
    assert {points(one) for one in everybody} == {0}
    run_jobs()
    job.refresh_from_db()
    assert (job.done, job.total, job.result) == (5, 5, {"handed_over": 5})
    assert {standing(one)[0] for one in everybody} == {"MQL"}


# Profiles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("release", "reached"), [(Release.BY_TOUCH, "MGL"), (Release.AT_ONCE, "MQL")])
def test_new_profiles_score_at_once_and_hand_over_as_the_scoring_rules_say(release, reached):
    publish(BY_TIER, choices={"release": release})
    [ada] = people("ada")
    Account.objects.filter(leads=ada).update(industry="Retail")

    make_profiles()

    assert (points(ada), standing(ada)[0]) == (90, reached)


def test_a_company_whose_profile_is_found_later_is_scored_then():
    publish(BY_TIER)
    make_profiles()
    [ada] = people("ada")
    Account.objects.filter(leads=ada).update(industry="Retail")

    changed = matching.refresh(cause=Cause(CauseSource.RULE))

    assert (changed, points(ada)) == ((account_of(ada).pk,), 90)


def test_profiles_that_find_the_same_score_nobody():
    publish(BY_TIER)
    [ada] = people("ada")
    Account.objects.filter(leads=ada).update(industry="Retail")
    version = make_profiles()
    before = Score.objects.get(pk=ada).scored_at
    draft = ProfileVersion.objects.create(number=version.number + 1, body=version.body)

    matching.publish(draft=draft, by=make_user(Role.REVOPS))

    assert Score.objects.get(pk=ada).scored_at == before


# Customers --------------------------------------------------------------------------------------------------------


def test_a_won_deal_suppresses_colleagues_and_its_undoing_brings_them_back():
    publish()
    carrier = make_lead("sqo", email="eve@buyer.example", company_name="Buyer")
    [ada] = people("ada")

    lifecycle.win(lead_ids=[carrier.pk], cause=by())
    run_jobs()
    assert suppressed(ada) == "customer"

    lifecycle.undo(lead_id=carrier.pk, cause=by())
    run_jobs()
    assert suppressed(ada) == ""


def test_a_deal_without_a_lead_does_the_same():
    publish()
    [ada] = people("ada")
    deal = make_free_deal(account=account_of(ada))

    closing.win(opportunity_id=deal.pk, reason_id=reason("win"), cause=by(at=day(3)))
    run_jobs()
    assert suppressed(ada) == "customer"

    closing.reopen(opportunity_id=deal.pk, cause=by())
    run_jobs()
    assert suppressed(ada) == ""


def test_a_lead_that_was_won_without_a_deal_does_the_same():
    publish()
    won = make_lead("sql", email="eve@buyer.example", company_name="Buyer")
    [ada] = people("ada")

    lifecycle.win(lead_ids=[won.pk], cause=Cause(CauseSource.IMPORT))
    assert not Lead.objects.get(pk=won.pk).journeys.get().opportunity_id
    run_jobs()

    assert suppressed(ada) == "customer"


def test_a_win_of_somebody_without_colleagues_needs_no_job():
    publish()
    carrier = make_lead("sqo", email="eve@buyer.example", company_name="Buyer")

    lifecycle.win(lead_ids=[carrier.pk], cause=LIVE)

    assert not Job.objects.filter(kind=by_account.KIND).exists()
