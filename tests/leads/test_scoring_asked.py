"""Where scores are asked for: the filters of the list and of the funnel, and what a stage wants to see."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.people.models import Role
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Lead, Stage
from leads.profiles import targets
from leads.scoring import reading
from tests.factories import make_lead, make_profiles, make_user
from tests.leads.condition_strategies import all_of, asks
from tests.leads.scoring_stories import BODY, lead, publish, touch
from tests.leads.stories import by

pytestmark = pytest.mark.django_db

API = Cause(CauseSource.API)


@pytest.fixture
def rep(client):
    user = make_user(Role.REP)
    client.force_login(user)
    return user


def names(client, **asked):
    return {row.email for row in client.get(reverse("leads"), asked).context["list"].page}


def now():
    return lifecycle.database_now()


def test_the_list_is_filtered_by_the_score_of_now(client, rep):
    publish(BODY | {"threshold": 500})
    fresh, faded, plain = lead(email="f@f.example"), lead(email="o@o.example"), lead(email="p@p.example", title="")
    touch(fresh, at=now())
    touch(fresh, at=now())
    touch(faded, at=now() - timedelta(days=30))
    touch(faded, at=now() - timedelta(days=30))
    del plain

    assert names(client, score="80") == {"f@f.example"}
    assert names(client, score="60") == {"f@f.example", "o@o.example"}
    assert names(client, score="nonsense") == {"f@f.example", "o@o.example", "p@p.example"}
    later = Lead.objects.filter(pk__in=reading.at_least(80, now() + timedelta(days=60)))
    assert not later.exists()


def test_the_list_is_filtered_by_fit_target_accounts_and_profiles(client, rep):
    publish(BODY)
    director = lead(email="a@acme.example", company_name="Acme")
    nobody = lead(email="b@other.example", company_name="Other", title="")
    targets.add(account_ids=[Lead.objects.get(pk=director).account_id], cause=by(rep.pk))
    Lead.objects.get(pk=nobody).account.__class__.objects.filter(domain="other.example").update(industry="Retail")
    make_profiles()

    assert names(client, fit="B") == {"a@acme.example"}
    assert names(client, target="yes") == {"a@acme.example"}
    assert names(client, target="no") == {"b@other.example"}
    assert names(client, tier="1") == {"b@other.example"}
    assert names(client, tier="-") == {"a@acme.example"}


def test_filters_by_score_keep_the_list_cheap(client, rep):
    publish(BODY)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("leads"), {"score": "20", "fit": "D", "target": "no", "columns": "stage,score"})
        return len(captured)

    lead(email="a@acme.example")
    one = queries()
    for number in range(5):
        lead(email=f"a@acme{number}.example")
    assert queries() == one <= 12


def test_the_list_shows_the_score_as_a_column(client, rep):
    publish(BODY)
    lead(email="a@acme.example")

    assert "60 A" in client.get(reverse("leads"), {"columns": "stage,score"}).content.decode()


def test_the_funnel_counts_target_accounts_alone(client, rep):
    target, _ = make_lead(company_name="Target"), make_lead(company_name="Other")
    make_lead(email="nobody@gmail.com", company_name="")
    targets.add(account_ids=[target.account_id], cause=by(rep.pk))

    def entered(**asked):
        return client.get(reverse("funnel"), {"period": "all", **asked}).context["page"].entered.n

    assert (entered(), entered(accounts="target"), entered(accounts="others")) == (3, 1, 2)


def wanting(points):
    criteria = {"conditions": all_of(asks("score", "at_least", points), asks("fit", "is", "A", "B"))}
    Stage.objects.filter(key="mql").update(criteria=criteria)
    return Stage.objects.get(key="mql")


def test_a_stage_can_want_a_score_and_a_fit():
    publish(BODY | {"threshold": 500})
    low, high = lead(email="a@acme.example", title=""), lead(email="b@acme.example")

    moved = lifecycle.advance(lead_ids=[low, high], to=wanting(50), cause=API)

    assert [taken.lead_id for taken in moved.taken] == [high]
    assert "the score is at least 50" in moved.refused[0].message


def test_who_raised_a_hand_needs_no_score():
    low = lead(email="a@acme.example", title="")

    moved = lifecycle.advance(lead_ids=[low], to=wanting(50), cause=API, qualified_by="hand_raise")

    assert not moved.refused
