"""Drafts on history: the replay agrees with plain Python, the preview with what publishing then does."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from alignment.ops import jobs, versions
from alignment.ops.models import Job, JobState
from alignment.people.models import Role
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource, Milestone, Outcome
from leads.models import Lead, Score, ScoringVersion, ThresholdCrossing, Touchpoint
from leads.scoring import previewing, publishing
from leads.scoring.compiling import values
from leads.scoring.replaying import Span, replay
from leads.scoring.rules import read
from tests.factories import make_deal, make_journey, make_team, make_user
from tests.leads import scoring_oracle
from tests.leads.condition_strategies import NOW, make, rows, seen
from tests.leads.scoring_stories import BODY, LIVE, bodies, lead, publish, standing, touch, touch_rows

SPAN = Span(NOW - timedelta(days=90), NOW)


def expected(body, facts, touches, ended):
    """The first touch of each pass that reaches threshold and grade, if it lies in the period; by plain Python."""
    found = []
    firsts = {}
    for one in sorted(touches, key=lambda touch: touch["at"]):
        at = one["at"]
        if not scoring_oracle.counts(one, at, None) or at >= SPAN.end:
            continue
        before = [moment for moment in ended if moment < at]
        points, _, grade = scoring_oracle.score(body, facts, touches, at, max(before, default=None))
        enough = points >= body["threshold"] and grade <= body["minimum_fit"]
        if enough and len(before) not in firsts:
            firsts[len(before)] = (at, points)
    for segment, (at, points) in firsts.items():
        if SPAN.start <= at < SPAN.end:
            found.append((segment + 1, at, points))
    return found


class TestAgreesWithPlainPython(TestCase):
    @given(
        bodies,
        st.sampled_from([20, 60]),
        st.lists(
            st.tuples(rows, st.lists(touch_rows, max_size=6), st.booleans(), st.integers(1, 100)),
            min_size=1, max_size=3,
        ),
    )  # fmt: skip
    def test_on_random_rules_and_histories(self, body, threshold, people):
        body = body | {"threshold": threshold, "minimum_fit": "D"}
        wanted = {}
        for number, (facts, touches, came_back, days) in enumerate(people):
            person = make(number, facts | {"returning": came_back})
            ended = [NOW - timedelta(days=days, minutes=7)] if came_back else []
            make_journey(
                Milestone.MQL if came_back else Milestone.MGL, Outcome.RECYCLED if came_back else "", lead=person,
                **({"closed_at": ended[0]} if came_back else {}),
            )  # fmt: skip
            for one in touches:
                Touchpoint.objects.create(
                    lead=person, kind=one["touch_kind"], title=one["touch_title"], direction=one["direction"],
                    is_hand_raise=one["hand_raise"], is_engaged=one["is_engaged"], at=one["at"],
                )  # fmt: skip
            told = expected(body, seen(facts | {"returning": came_back}), touches, ended)
            # What ended a pass comes before any crossing of it that counts.
            wanted[person.pk] = [one for one in told if one[0] > len(ended) or not ended or one[1] <= ended[0]]

        crossed, _ = replay(read(body), values("lead.id = ANY(%s::bigint[])", list(wanted)), SPAN)

        found = {pk: [(one.pass_no, one.at, one.points) for one in crossed if one.lead_id == pk] for pk in wanted}
        assert found == wanted


pytestmark = pytest.mark.django_db


def draft(**changes):
    begun = versions.begin(ScoringVersion, by=None)
    return versions.change(begun, body=BODY | changes, by=None)


def preview(standing_draft, **options):
    job = previewing.begin(draft=standing_draft, days=90, by=make_user(Role.REVOPS), **options)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.error
    return job.result


def ran(job):
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.error
    return job.result


def recently(days):
    return lifecycle.database_now() - timedelta(days=days)


def told():
    """Leads of the last weeks under the usual rules: 60 points of fit, and what their touches add."""
    publish(BODY | {"threshold": 90})
    crossed = lead(email="a@a.example", cause=LIVE)
    touch(crossed, kind="webinar", at=recently(1))
    near = lead(email="b@b.example", cause=LIVE)
    touch(near, at=recently(0))
    far = lead(email="c@c.example", title="Assistant", cause=LIVE)
    touch(far, at=recently(0))
    return crossed, near, far


def test_the_preview_says_what_the_draft_would_have_done_beside_what_counts_today():
    _, near, _ = told()

    figures = preview(draft(threshold=79))

    assert (figures["draft"]["crossed"], figures["now"]["crossed"]) == (2, 1)
    assert (figures["gained"], figures["lost"]) == (1, 0)
    assert [row[0] for row in figures["lists"]["gained"]] == [near]
    assert sum(figures["draft"]["weeks"].values()) == 2


def test_leads_that_would_no_longer_cross_are_named():
    crossed, *_ = told()

    figures = preview(draft(threshold=200))

    assert (figures["gained"], figures["lost"]) == (0, 1)
    assert [row[0] for row in figures["lists"]["lost"]] == [crossed]


def test_what_sales_made_of_them_is_counted():
    publish()
    accepted, refused, waiting = (lead(email=f"{name}@buyer.example") for name in "abc")
    for lead_id in (accepted, refused, waiting):
        touch(lead_id, at=recently(2))
    cause = Cause(CauseSource.API)
    lifecycle.accept(lead_ids=[accepted], cause=cause)
    lifecycle.recycle(lead_ids=[refused], cause=cause)

    now = preview(draft(threshold=70))["now"]

    assert (now["crossed"], now["accepted"], now["refused"]) == (3, 1, 1)
    assert (now["caught"]["accepted"], now["caught"]["accepted_caught"]) == (1, 1)


def test_who_became_a_customer_counts_for_the_time_before():
    publish()
    won = lead(company_name="Buyer")
    touch(won, at=recently(3))
    lifecycle.accept(lead_ids=[won], cause=Cause(CauseSource.API))
    make_deal(won, "won")

    now = preview(draft(threshold=70))["now"]

    assert (now["crossed"], now["won"]) == (1, 1)
    assert (now["caught"]["won"], now["caught"]["won_caught"]) == (1, 1)


def test_nothing_changes_before_the_draft_is_published():
    told()
    before = list(Score.objects.order_by("pk").values_list("pk", "points", "version"))
    moved = list(Lead.objects.order_by("pk").values_list("pk", "milestone"))

    preview(draft(threshold=79))

    assert list(Score.objects.order_by("pk").values_list("pk", "points", "version")) == before
    assert list(Lead.objects.order_by("pk").values_list("pk", "milestone")) == moved


def test_publishing_at_once_hands_over_exactly_whom_the_preview_counted():
    _, near, _ = told()
    begun = draft(threshold=79)
    figures = preview(begun)

    result = ran(publishing.publish(draft=begun, by=make_user(Role.REVOPS), release="at_once"))

    assert result == {"scored": 3, "above": figures["draft"]["standing"], "released": figures["draft"]["standing"]}
    assert figures["draft"]["standing"] == 1
    assert standing(near)[0] == "MQL"
    assert ThresholdCrossing.objects.get(lead=near).by == "release"
    assert set(Score.objects.values_list("version", flat=True)) == {begun.pk}


def test_only_a_new_touch_hands_over_where_that_was_chosen():
    _, near, _ = told()

    result = ran(publishing.publish(draft=draft(threshold=79), by=make_user(Role.REVOPS), release="by_touch"))

    assert (result["above"], result["released"], standing(near)[0]) == (1, 0, "MGL")
    touch(near, kind="other", at=recently(0))
    assert standing(near)[0] == "MQL"


def test_a_number_a_day_goes_best_first_and_no_more_than_that():
    publish(BODY | {"threshold": 200})
    leads = [lead(email=f"ada@buyer{number}.example") for number in range(4)]
    for lead_id in leads:
        touch(lead_id, at=recently(0))
    touch(leads[2], kind="webinar", at=recently(0))
    ran(publishing.publish(draft=draft(threshold=79), by=make_user(Role.REVOPS), release="daily", per_day=2))
    now = lifecycle.database_now()

    assert publishing.release_daily(at=now) == 2
    assert publishing.release_daily(at=now) == 0
    assert standing(leads[2])[0] == "MQL"
    tomorrow = now + timedelta(days=1)
    assert publishing.release_daily(at=tomorrow) == 0  # what halved overnight is not enough any more
    for lead_id in leads:
        touch(lead_id, kind="webinar", at=now, cause=Cause(CauseSource.IMPORT, at=now, promise="history"))
    assert publishing.release_daily(at=tomorrow) == 2


def test_a_number_a_day_is_asked_for():
    with pytest.raises(ValidationError, match="how many"):
        publishing.publish(draft=draft(), by=make_user(Role.REVOPS), release="daily")


def test_a_pilot_is_previewed_and_scored_on_its_own_leads_until_it_ends():
    publish()
    team = make_team()
    rep = make_user(team=team)
    mine, other = lead(email="a@a.example", owner_id=rep.pk), lead(email="b@b.example")
    rest = ScoringVersion.published()
    begun = draft(threshold=60)

    figures = preview(begun, team_id=team.pk)
    ran(publishing.publish(draft=begun, by=make_user(Role.REVOPS), team=team, release="at_once"))

    assert figures["draft"]["standing"] == 1
    assert (standing(mine)[0], standing(other)[0]) == ("MQL", "MGL")
    assert dict(Score.objects.values_list("lead", "version")) == {mine: begun.pk, other: rest.pk}
    ran(publishing.end_pilot(pilot=begun, by=make_user(Role.REVOPS)))
    assert set(Score.objects.values_list("version", flat=True)) == {rest.pk}
    assert publishing.end_pilot(pilot=begun, by=make_user(Role.REVOPS)) is None


def test_a_preview_goes_on_after_its_slice(monkeypatch):
    monkeypatch.setattr(previewing, "SLICE", 1)
    told()

    figures = preview(draft(threshold=79))

    assert (figures["draft"]["crossed"], figures["gained"]) == (2, 1)
    assert Job.objects.get(kind=previewing.KIND).done == 3
