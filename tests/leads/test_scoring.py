"""Scores, and what follows from them: SQL agrees with plain Python, who crosses is handed over, nobody bounces back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from leads import accounts, editing, lifecycle
from leads.causes import Cause, Promise
from leads.deals import customers
from leads.drafts import Draft, TouchDraft
from leads.intake import receive
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Journey, Lead, NurtureTrack, Score, ScoringVersion, ThresholdCrossing, Touchpoint
from leads.scoring import publishing, rules
from leads.scoring.applying import score
from tests.factories import make_journey, make_lead, make_profiles, make_user
from tests.leads import scoring_oracle
from tests.leads.condition_strategies import NOW, all_of, asks, make, rows, seen
from tests.leads.scoring_stories import BODY, LIVE, bodies, lead, points, publish, standing, touch, touch_rows
from tests.leads.stories import by, day, to

# Plain Python agrees -------


class TestAgreesWithPlainPython(TestCase):
    @given(bodies, st.lists(st.tuples(rows, st.lists(touch_rows, max_size=5)), min_size=1, max_size=4))
    def test_on_random_rules_leads_and_touches(self, body, people):
        publish(body)
        leads = []
        for number, (facts, touches) in enumerate(people):
            person = make(number, facts)
            make_journey(Milestone.MGL, lead=person)
            for one in touches:
                Touchpoint.objects.create(
                    lead=person, kind=one["touch_kind"], title=one["touch_title"], direction=one["direction"],
                    is_hand_raise=one["hand_raise"], is_engaged=one["is_engaged"], at=one["at"],
                )  # fmt: skip
            leads.append(person)

        score(lead_ids=[one.pk for one in leads], cause=LIVE, by=None)

        # Journeys, and so the pass, are as the factory made them: nobody has come back.
        assert {
            row.pk: (row.points, row.fit_points, row.grade) for row in Score.objects.filter(lead__in=leads)
        } == {
            person.pk: scoring_oracle.score(body, seen(facts), touches, NOW)
            for person, (facts, touches) in zip(leads, people, strict=True)
        }  # fmt: skip


pytestmark = pytest.mark.django_db


def test_the_default_rules_count_from_the_first_start():
    version = ScoringVersion.published()

    assert (version.number, version.body["threshold"]) == (1, 80)
    assert rules.checked(rules.default_body())["says"]["fit"][0] == (
        "If the title has the word head, director, chief, managing, vp or owner, add 25"
    )


# Crossing ---------------------------------------------------------------------------------------------------------


def test_the_touch_that_crosses_makes_an_mql_at_once():
    version = publish()
    lead_id = lead()
    assert (points(lead_id), standing(lead_id)) == (60, ("MGL", "", 1))

    touch(lead_id, at=NOW)

    assert (points(lead_id), standing(lead_id)) == (80, ("MQL", "", 1))
    journey = Journey.objects.get(lead=lead_id)
    assert (journey.qualified_by, journey.mql_at) == ("score", NOW)
    crossing = ThresholdCrossing.objects.get(lead=lead_id)
    assert (crossing.points, crossing.grade, crossing.version, crossing.by) == (80, "A", version, "touch")


def test_a_lead_that_arrives_above_the_threshold_is_an_mql_when_it_is_there():
    publish()

    lead_id = lead(touches=[TouchDraft(title="Pricing", kind="visit")])

    assert standing(lead_id) == ("MQL", "", 1)
    assert [row.kind for row in Lead.objects.get(pk=lead_id).transitions.order_by("seq")] == ["advance", "advance"]


def test_other_facts_can_bring_a_lead_over():
    publish()
    lead_id = lead(title="Assistant", touches=[TouchDraft(title="Webinar", kind="webinar")] * 2)
    assert (points(lead_id), standing(lead_id)[0]) == (80, "MGL")  # a grade C is not enough

    editing.edit(lead_id=lead_id, changes={"title": "Director"}, cause=LIVE)

    assert (points(lead_id), standing(lead_id)[0]) == (120, "MQL")
    assert ThresholdCrossing.objects.get(lead=lead_id).by == "facts"


def test_facts_that_bring_nobody_over_leave_those_who_wait_above_the_threshold_where_they_are():
    """New rules that hand over by new touches alone, or a number a day, are not outrun by an edit of many leads."""
    publish(BODY | {"threshold": 200})
    lead_id = lead(touches=[TouchDraft(title="Webinar", kind="webinar")] * 2)
    low = lead(title="Assistant", email="ben@buyer.example", touches=[TouchDraft(title="Webinar", kind="webinar")] * 2)
    version = publish(BODY)
    score(lead_ids=[lead_id, low], cause=LIVE, by=None)
    assert (points(lead_id), standing(lead_id)[0]) == (120, "MGL")

    editing.edit(lead_id=lead_id, changes={"phone": "1"}, cause=LIVE)
    editing.edit(lead_id=lead_id, changes={"title": "Managing director"}, cause=LIVE)
    assert (standing(lead_id)[0], standing(low)[0]) == ("MGL", "MGL")
    editing.edit(lead_id=low, changes={"title": "Director"}, cause=LIVE)
    assert standing(low)[0] == "MQL"

    touch(lead_id, at=lifecycle.database_now())
    assert standing(lead_id)[0] == "MQL"
    assert ThresholdCrossing.objects.get(lead=lead_id).version == version


@pytest.mark.parametrize(("release", "reached"), [("at_once", "MQL"), ("daily", "MGL"), ("by_touch", "MGL")], ids=str)
def test_facts_that_change_before_all_leads_are_scored_by_new_rules_hand_over_only_as_these_rules_say(release, reached):
    """Nobody can tell any more whether the facts brought the lead over, or the rules did."""
    publish(BODY | {"threshold": 200})
    webinars = [TouchDraft(title="Webinar", kind="webinar")] * 2
    lead_id = lead(touches=webinars)
    mate = lead(email="ben@buyer.example", company_name="Buyer", touches=webinars)
    publish(choices={"release": release, "per_day": 1 if release == "daily" else None})

    editing.edit(lead_id=lead_id, changes={"title": "Managing director"}, cause=LIVE)
    accounts.change(account_id=Lead.objects.get(pk=mate).account_id, changes={"industry": "Retail"}, cause=LIVE)

    assert [(points(one), standing(one)[0]) for one in (lead_id, mate)] == [(120, reached)] * 2
    assert publishing.release_daily(at=NOW) == (1 if release == "daily" else 0)


BY_ACCOUNT = BODY | {
    "fit": [{"if": all_of(asks("industry", "is", "Retail")), "points": 50}],
    "grades": {"A": 50, "B": 30, "C": 10},
}


def test_other_facts_of_their_account_bring_all_its_leads_over_at_once():
    publish(BY_ACCOUNT)
    webinars = [TouchDraft(title="Webinar", kind="webinar")] * 2
    ada, ben = (lead(email=f"{name}@buyer.example", company_name="Buyer", touches=webinars) for name in ("ada", "ben"))
    other = lead(email="eve@else.example", company_name="Else", touches=webinars)
    account_id = Lead.objects.get(pk=ada).account_id

    accounts.change(account_id=account_id, changes={"industry": "Retail"}, cause=LIVE)

    assert [(points(one), standing(one)[0]) for one in (ada, ben, other)] == [(110, "MQL"), (110, "MQL"), (60, "MGL")]
    assert ThresholdCrossing.objects.get(lead=ben).by == "facts"

    accounts.change(account_id=account_id, changes={"industry": "Food"}, cause=LIVE)

    assert [points(one) for one in (ada, ben)] == [60, 60]


def test_the_leads_of_an_account_are_scored_by_the_same_statements_whatever_their_number():
    publish(BY_ACCOUNT)

    def queries(email, industry):
        account_id = Lead.objects.get(pk=lead(email=email, company_name="Buyer")).account_id
        with CaptureQueriesContext(connection) as captured:
            accounts.change(account_id=account_id, changes={"industry": industry}, cause=LIVE)
        return len(captured)

    one = queries("ada@buyer.example", "Retail")
    for number in range(5):
        lead(email=f"ada{number}@buyer.example", company_name="Buyer")
    assert queries("ben@buyer.example", "Food") == one


def test_who_becomes_a_customer_is_suppressed_at_once_and_counts_again_when_they_leave():
    publish()
    lead_id = lead(email="ada@buyer.example", company_name="Buyer")
    said = {"account_id": Lead.objects.get(pk=lead_id).account_id, "note": "", "cause": LIVE, "today": NOW.date()}

    customers.say(**said, began_on=NOW.date() - timedelta(days=9), ended_on=None)
    assert Score.objects.get(pk=lead_id).suppressed_as == "customer"

    customers.say(**said, began_on=NOW.date() - timedelta(days=9), ended_on=NOW.date() - timedelta(days=1))
    assert Score.objects.get(pk=lead_id).suppressed_as == ""


def test_the_profile_of_an_account_follows_its_facts_before_its_leads_are_scored():
    make_profiles()
    publish(BODY | {"fit": [{"if": all_of(asks("tier", "is", "1")), "points": 50}]})
    lead_id = lead(email="ada@buyer.example", company_name="Buyer")

    accounts.change(account_id=Lead.objects.get(pk=lead_id).account_id, changes={"industry": "Retail"}, cause=LIVE)

    assert points(lead_id) == 50


@pytest.mark.parametrize(
    ("cause", "reached"),
    [(LIVE, "MQL"), (Cause(CauseSource.IMPORT, promise=Promise.NONE), "MGL")],
    ids=["live", "history"],
)
def test_facts_that_come_in_again_are_scored_at_once(cause, reached):
    publish()
    lead_id = lead(title="Assistant", touches=[TouchDraft(title="Webinar", kind="webinar")] * 2)

    receive(drafts=[Draft(email="ada@buyer.example", title="Director")], cause=cause, overwrite=True)

    assert Score.objects.get(pk=lead_id).fit_points == 60
    assert standing(lead_id)[0] == reached


def test_what_comes_in_again_unchanged_is_not_scored_again():
    publish()
    lead_id = lead(title="Assistant")
    before = Score.objects.values_list("scored_at").get(pk=lead_id)

    receive(drafts=[Draft(email="ada@buyer.example", title="Assistant")], cause=Cause(CauseSource.API), overwrite=True)

    assert Score.objects.values_list("scored_at").get(pk=lead_id) == before


def test_points_are_capped_by_group_and_halve_with_time():
    publish()
    lead_id = lead(title="Assistant")

    for _ in range(5):
        touch(lead_id, at=NOW - timedelta(days=10))
    touch(lead_id, kind="webinar", at=NOW)

    # 5 visits of 20, ten days ago: 50, which is the cap; beside them 30 and fit 20.
    assert points(lead_id) == 100
    score(lead_ids=[lead_id], cause=Cause(CauseSource.API, at=NOW + timedelta(days=30)), by=None)
    # 12.5 × … : visits 100 × ½⁴ = 6.25, the webinar 15.
    assert points(lead_id) == 20 + 6 + 15


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"email": "ada@rival.example"}, "competitor"),
        ({"email": "ada@ours.example"}, "staff"),
        ({"email": "colleague@buyer.example"}, "staff"),
    ],
)
def test_whom_nobody_sells_to_is_not_handed_over(facts, why):
    make_user(email="colleague@buyer.example")
    publish()

    lead_id = lead(touches=[TouchDraft(title="Pricing", kind="visit")] * 3, **facts)

    assert standing(lead_id)[0] == "MGL"
    assert Score.objects.get(pk=lead_id).suppressed_as == why


def test_colleagues_of_a_customer_are_not_handed_over():
    publish()
    customer = make_lead("won", email="eve@customer.example", company_name="Customer")

    lead_id = lead(email="ada@customer.example", touches=[TouchDraft(title="Pricing", kind="visit")] * 3)

    assert Lead.objects.get(pk=lead_id).account_id == customer.account_id
    assert (standing(lead_id)[0], Score.objects.get(pk=lead_id).suppressed_as) == ("MGL", "customer")


@pytest.mark.parametrize("promise", [Promise.HISTORY, Promise.NONE])
def test_history_is_scored_and_not_acted_on(promise):
    publish()
    cause = Cause(CauseSource.IMPORT, at=NOW, promise=promise)

    lead_id = lead(cause=cause, touches=[TouchDraft(title="Pricing", kind="visit")] * 2)

    assert (points(lead_id), standing(lead_id)[0]) == (100, "MGL")
    touch(lead_id)
    assert standing(lead_id)[0] == "MQL"


def test_sends_opens_and_our_own_calls_count_nothing():
    publish()
    lead_id = lead()

    touch(lead_id, is_engaged=False)
    touch(lead_id, direction="outbound")

    assert points(lead_id) == 60


# Coming back ------------------------------------------------------------------------------------------------------


def give_back(lead_id, kind, at):
    cause = Cause(CauseSource.API, at=at)
    if kind == "recycle":
        lifecycle.recycle(lead_ids=[lead_id], cause=cause, track_id=NurtureTrack.objects.first().pk)
    else:
        reason = Journey._meta.get_field("reason").related_model.objects.offered("reject").first()
        lifecycle.reject(lead_ids=[lead_id], reason_id=reason.pk, cause=cause)


@pytest.mark.parametrize("kind", ["recycle", "reject"])
def test_who_was_given_back_comes_again_by_new_engagement_alone(kind):
    publish()
    lead_id = lead(touches=[TouchDraft(title="Pricing", kind="visit")] * 3)
    later = NOW + timedelta(days=1)

    give_back(lead_id, kind, later)

    assert standing(lead_id)[0] == "MQL"
    assert standing(lead_id)[2] == 1
    assert points(lead_id) == 60
    editing.edit(lead_id=lead_id, changes={"phone": "1"}, cause=Cause(CauseSource.API, at=later))
    assert standing(lead_id)[2] == 1

    touch(lead_id, at=later + timedelta(days=1))

    assert standing(lead_id) == ("MQL", "", 2)
    assert points(lead_id) == 80
    assert list(ThresholdCrossing.objects.filter(lead=lead_id).order_by("pass_no").values_list("pass_no", flat=True)) \
        == [1, 2]  # fmt: skip


def test_high_fit_alone_brings_nobody_back():
    publish(BODY | {"threshold": 60})
    lead_id = lead()
    assert standing(lead_id) == ("MQL", "", 1)

    give_back(lead_id, "recycle", NOW + timedelta(days=1))
    editing.edit(lead_id=lead_id, changes={"phone": "1"}, cause=Cause(CauseSource.API, at=NOW + timedelta(days=2)))

    assert standing(lead_id) == ("MQL", "recycled", 1)


def test_what_an_undo_took_back_waits_for_the_next_touch():
    publish()
    lead_id = lead(touches=[TouchDraft(title="Pricing", kind="visit")])
    lifecycle.undo(lead_id=lead_id, cause=by())

    assert standing(lead_id) == ("MGL", "", 1)
    touch(lead_id)
    assert standing(lead_id) == ("MQL", "", 1)


def test_touches_of_merged_leads_count_for_the_one_they_went_into():
    publish()
    survivor, merged = lead(title="Assistant"), lead(email="ada2@buyer.example", title="Assistant")
    touch(merged)
    Lead.objects.filter(pk=merged).update(merged_into=survivor)

    score(lead_ids=[survivor], cause=LIVE, by=None)

    assert points(survivor) == 40


# Cost -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 40])
def test_a_set_of_touches_is_scored_by_two_statements(count):
    publish()
    leads = [lead(title="", email=f"ada{number}@buyer.example") for number in range(count)]

    with CaptureQueriesContext(connection) as queries:
        score(lead_ids=leads, cause=LIVE, by=None)

    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == 2


def test_history_that_ends_elsewhere_is_scored_too():
    publish()
    lead_id = lead(cause=by(source=CauseSource.IMPORT), steps=(to("mgl", day(1)), to("sql", day(3))))

    assert (points(lead_id), standing(lead_id)[0]) == (60, "SQL")
    assert Kind.ADVANCE in {row.kind for row in Lead.objects.get(pk=lead_id).transitions.all()}
