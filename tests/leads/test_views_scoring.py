"""The set-up pages of scoring: a draft is changed, tried, published, piloted, restored; and the review."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.ops import jobs
from alignment.ops.models import AuditEntry, Job
from alignment.people.models import Role
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Reason, ScoringVersion, Territory
from leads.scoring import feedback, publishing
from leads.scoring.form import RulesForm
from leads.scoring.parts import GroupParts, ScoreCard
from leads.scoring.rules import PointGroup, read
from tests.factories import (
    make_lead,
    make_scoring_draft,
    make_scoring_pilot,
    make_scoring_preview,
    make_team,
    make_user,
)
from tests.leads.condition_strategies import all_of, asks
from tests.leads.scoring_stories import BODY, lead, publish, standing, touch
from tests.pages import rows_of, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def revops(client):
    user = make_user(Role.REVOPS, name="Rita Ops")
    client.force_login(user)
    return user


def fields(body, revision):
    """What a browser sends for the page of this draft."""
    form = RulesForm(body)
    data = {"revision": revision, "groups": len(form.groups), "fit": len(form.fit), "engagement": len(form.engagement)}
    for part in (form.basics, *form.groups):
        for field in part:
            value = field.value()
            if value not in (None, False):
                data[field.html_name] = value
    for rule in (*form.fit, *form.engagement):
        editor = rule.editor
        data |= {f"{rule.prefix}-match": editor.match, f"{rule.prefix}-rows": len(editor.rows),
                 f"{rule.prefix}-groups": editor.groups, f"{rule.prefix}-points": rule.points,
                 f"{rule.prefix}-group": rule.group}  # fmt: skip
        for row in editor.rows:
            data |= {f"{row.name}-field": row.field.key, f"{row.name}-group": row.group,
                     f"{row.name}-operator": row.operator}  # fmt: skip
            data[f"{row.name}-value"] = row.values if row.is_choice or row.is_number else row.text
    return data


def draft_of(body=BODY):
    return make_scoring_draft(**body)


def test_everyone_reads_the_rules_as_sentences_and_only_revops_changes_them(client):
    client.force_login(make_user(Role.REP))

    page = text(client.get(reverse("setup_scoring")))

    assert "If the title has the word head, director, chief, managing, vp or owner, add 25" in page
    assert "Begin a draft" not in page
    assert client.post(reverse("setup_scoring_begin")).status_code == 403


def test_a_draft_is_begun_changed_and_published(client, revops):
    client.post(reverse("setup_scoring_begin"))
    draft = ScoringVersion.draft()
    given = fields(draft.body, draft.revision) | {"threshold": 70, "competitors": "Rival.com, other.example"}

    response = client.post(reverse("setup_scoring_draft"), given, follow=True)

    assert "The draft is saved" in text(response)
    draft.refresh_from_db()
    assert (draft.body["threshold"], draft.body["competitors"]) == (70, ["rival.com", "other.example"])
    assert draft.body["fit"] == ScoringVersion.published().body["fit"]

    client.post(reverse("setup_scoring_publish"), {"revision": draft.revision, "release": "by_touch", "note": "Less"})

    draft.refresh_from_db()
    assert (draft.state, draft.published_by, draft.note) == ("published", revops, "Less")
    assert "Version 2" in text(client.get(reverse("setup_scoring")))


def test_every_mistake_of_a_draft_is_said_at_once(client, revops):
    draft = draft_of()
    spare = len(BODY["groups"])
    given = fields(draft.body, draft.revision) | {
        "threshold": 0, "fit-0-points": "many", "engagement-0-points": "0", f"group-{spare}-cap": 20,
    }  # fmt: skip
    response = client.post(reverse("setup_scoring_draft"), given)

    form = response.context["form"]
    assert response.status_code == 422
    assert "threshold" in form.basics.errors
    assert form.fit[0].error == "The points: give a whole number from -1,000 to 1,000."
    assert form.engagement[0].error == "A rule adds points or takes some off."
    assert form.groups[spare].errors == {"name": ["Name the group, or leave it blank as a whole."]}
    assert "Nothing was done: what is wrong is marked." in text(response)


def test_a_rule_is_added_without_storing_anything_and_then_filled_in(client, revops):
    draft = draft_of()
    given = fields(draft.body, draft.revision)

    shown = client.post(reverse("setup_scoring_draft"), given | {"edit": "rule:fit:add"})
    at = len(BODY["fit"])
    added = client.post(
        reverse("setup_scoring_draft"),
        given | {"fit": at + 1, f"fit-{at}-match": "all", f"fit-{at}-rows": 0, f"fit-{at}-groups": 0,
                 f"fit-{at}-points": "18", f"fit-{at}-new-0": "industry", "edit": f"fit-{at}:add:0"},
    )  # fmt: skip
    client.post(
        reverse("setup_scoring_draft"),
        given | {"fit": at + 1, f"fit-{at}-match": "all", f"fit-{at}-rows": 1, f"fit-{at}-groups": 0,
                 f"fit-{at}-points": "18", f"fit-{at}-0-field": "industry", f"fit-{at}-0-group": 0,
                 f"fit-{at}-0-operator": "is", f"fit-{at}-0-value": "retail"},
    )  # fmt: skip

    assert f'name="fit-{at}-points"' in shown.content.decode()
    assert f'name="fit-{at}-0-value"' in added.content.decode()
    draft.refresh_from_db()
    assert draft.body["fit"][at] == {"if": all_of(asks("industry", "is", "retail")), "points": 18}


def test_a_rule_is_removed_and_the_others_keep_what_they_say(client, revops):
    draft = draft_of()

    page = client.post(
        reverse("setup_scoring_draft"), fields(draft.body, draft.revision) | {"edit": "rule:fit:remove:0"}
    ).content.decode()

    assert 'name="fit-0-0-field" value="free_email"' in page
    assert 'name="fit-1-points"' not in page


def test_what_is_wrong_is_said_beside_it_and_nothing_is_lost(client, revops):
    draft = draft_of()
    wrong = fields(draft.body, draft.revision) | {"threshold": 0, "fit-0-0-value": "", "engagement-0-points": "many"}

    page = client.post(reverse("setup_scoring_draft"), wrong)

    assert "Job title: say what to look for." in text(page)
    right = wrong | {"threshold": 80, "fit-0-0-value": "director"}
    assert "The points: give a whole number" in text(client.post(reverse("setup_scoring_draft"), right))
    draft.refresh_from_db()
    assert draft.body == BODY


def test_who_saves_over_somebody_elses_change_is_told(client, revops):
    draft = draft_of()
    old = fields(draft.body, draft.revision)
    make_scoring_draft(**BODY | {"threshold": 66})

    page = client.post(reverse("setup_scoring_draft"), old | {"threshold": 50})

    assert page.status_code == 409
    assert "Meanwhile this draft was changed" in text(page)
    assert 'value="50"' in page.content.decode()
    draft.refresh_from_db()
    assert draft.body["threshold"] == 66


def test_a_preview_is_shown_when_it_is_done(client, revops):
    publish(BODY | {"threshold": 200})
    person = lead()
    touch(person, at=lifecycle.database_now())
    draft_of()

    response = client.post(reverse("setup_scoring_start_preview"), {"days": 30})
    job = Job.objects.get(kind="leads.scoring_preview")
    assert response.url == reverse("setup_scoring_preview", args=[job.pk])
    assert "Waiting for its turn" in text(client.get(response.url))
    jobs.run(job.pk)

    page = text(client.get(response.url))
    assert "Would newly cross 1" in page
    assert "not enough data" in page
    assert "1 of 1" not in page  # a lead that nobody answered counts for no share

    lines = rows_of(client.get(response.url, {"format": "csv"}))
    assert lines[0] == ["Figure", "Draft", "Today's rules"]
    assert ["Leads that crossed", "1", "0"] in lines
    assert ["Precision, of", "0", "0"] in lines
    assert ["Would newly cross", "1", ""] in lines
    assert [line[1:] for line in lines if line[0].startswith("MQLs in the week of")] == [["1", "0"]]
    assert AuditEntry.objects.get(action="exported").subject_id == job.pk


def test_territories_are_those_of_a_pilot(client, revops):
    """Without a team the rules would count for everybody, though only a few territories were chosen."""
    draft = draft_of()
    east = Territory.objects.create(key="east", name="East")
    given = {"revision": draft.revision, "release": "by_touch", "territories": [east.pk]}

    refused = client.post(reverse("setup_scoring_publish"), given)
    assert refused.status_code == 422
    assert refused.context["form"].errors == {"team": ["Choose the team of the pilot that gets these territories."]}
    assert ScoringVersion.draft() == draft

    tried = client.post(reverse("setup_scoring_start_preview"), {"days": 30, "territories": [east.pk]})
    assert tried.status_code == 422
    assert "Choose the team of the pilot that gets these territories." in text(tried)
    assert tried.context["preview_form"]["days"].value() == "30"
    assert f'hx-post="{reverse("setup_scoring_start_preview")}"' not in tried.content.decode()
    assert not Job.objects.exists()


def test_publishing_a_restored_draft_offers_what_it_says_of_itself(client, revops):
    first = ScoringVersion.published()
    publish(BODY)
    client.post(reverse("setup_scoring_restore", args=[first.pk]))
    assert client.get(reverse("setup_scoring_publish")).context["form"]["note"].value() == "As version 1"


def test_publishing_for_a_team_first_and_ending_it(client, revops):
    pilot = make_scoring_pilot()
    assert f"Pilot for {pilot.team}" in text(client.get(reverse("setup_scoring")))

    client.post(reverse("setup_scoring_end_pilot", args=[pilot.pk]))

    assert "Pilot for" not in text(client.get(reverse("setup_scoring"))).split("What counts today")[0]


def test_an_earlier_version_is_restored_as_a_draft(client, revops):
    first = ScoringVersion.published()
    publish(BODY)

    client.post(reverse("setup_scoring_restore", args=[first.pk]))

    draft = ScoringVersion.draft()
    assert draft.body == {name: value for name, value in first.body.items() if name != "says"}


@pytest.mark.parametrize("days", ["3", "x", "9999", ""])
def test_nonsense_days_preview_nothing(client, revops, days):
    draft_of()

    client.post(reverse("setup_scoring_start_preview"), {"days": days})

    assert not Job.objects.exists()


def test_pages_without_a_draft_lead_back(client, revops):
    for route in ("setup_scoring_draft", "setup_scoring_publish"):
        assert client.get(reverse(route)).url == reverse("setup_scoring")


# The review ---------------------------------------------------------------------------------------------------------


def handed(title, *, accepted, count):
    """So many leads with this title that sales answered."""
    cause = Cause(CauseSource.API)
    people = [make_lead(title=title).pk for _ in range(count)]
    if accepted:
        lifecycle.accept(lead_ids=people, cause=cause)
    else:
        reason = Reason.objects.get(kind="reject", key="wrong_persona")
        lifecycle.reject(lead_ids=people, reason_id=reason.pk, cause=cause)


def test_the_review_names_the_rule_whose_leads_do_worse(client, revops):
    publish(BODY)
    handed("Director", accepted=False, count=20)
    handed("Director", accepted=True, count=4)
    handed("Analyst", accepted=True, count=21)

    page = text(client.get(reverse("setup_scoring_review")))

    assert (
        "Lower its points or narrow it: sales accepted 4 of 24 with it (17%), 21 of 21 without it (100%)."
        " Most were given back as “Wrong persona” (20)." in page
    )


def test_of_very_many_leads_one_in_so_many_is_reviewed():
    publish(BODY)
    handed("Director", accepted=True, count=8)
    end = timezone.now() + timedelta(seconds=1)

    found = feedback.review(end - timedelta(days=30), end, most=4)

    assert (found.one_in, found.total.n) == (2, 4)
    assert feedback.review(end - timedelta(days=30), end).total.n == 8


def test_few_leads_are_no_evidence(client, revops):
    publish(BODY)
    handed("Director", accepted=False, count=3)
    handed("Analyst", accepted=True, count=3)

    page = text(client.get(reverse("setup_scoring_review")))

    assert "Lower its points" not in page
    assert "not enough data" in page


def test_the_review_as_a_file(client, revops):
    publish(BODY)
    handed("Director", accepted=False, count=20)
    handed("Director", accepted=True, count=4)
    handed("Analyst", accepted=True, count=21)

    response = client.get(reverse("setup_scoring_review"), {"days": "30", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    found = {(row["Part"], row["Of"], row["Figure"]): row["Value"] for row in rows}
    [rule] = {row["Of"] for row in rows if row["Figure"] == "Suggestion" and row["Value"]}

    assert found["With the rule", rule, "Handed over"] == "24"
    assert found["With the rule", rule, "Accepted"] == "4"
    assert found["With the rule", rule, "Given back for: Wrong persona"] == "20"
    assert found["Without the rule", rule, "Accepted"] == "21"
    assert sum(int(row["Value"]) for row in rows if row["Part"] == "By score" and row["Figure"] == "Handed over") == 45
    assert AuditEntry.objects.get(action="exported").actor == revops
    assert "days=30&amp;format=csv" in client.get(reverse("setup_scoring_review"), {"days": "30"}).content.decode()


def test_a_review_of_nothing_is_a_file_with_a_header(client, revops):
    response = client.get(reverse("setup_scoring_review"), {"format": "csv"})

    assert b"".join(response.streaming_content).decode("utf-8-sig").startswith("Part,Of,Figure,Value")


@pytest.mark.parametrize("days", ["6", "731", "0030000000000", "9" * 5000])
def test_a_review_of_no_sensible_period_is_that_of_the_usual_one(client, revops, days):
    page = client.get(reverse("setup_scoring_review"), {"days": days})

    assert page.status_code == 200
    assert page.context["days"] == client.get(reverse("setup_scoring_review")).context["days"]


def test_a_pilot_names_its_territories(client, revops):
    north, south = (Territory.objects.create(key=name.lower(), name=name) for name in ("North", "South"))
    draft = make_scoring_draft()
    publishing.publish(draft=draft, by=revops, team=make_team(), territories=[south.pk, north.pk])

    assert "and those of North, South that nobody holds" in text(client.get(reverse("setup_scoring")))


def test_a_pilots_figures_stand_beside_the_rests(client, revops):
    make_scoring_pilot()
    handed("Analyst", accepted=True, count=1)

    assert "The pilot's leads" in client.get(reverse("setup_scoring_review")).content.decode().replace("&#x27;", "'")


@pytest.mark.parametrize("route", ["setup_scoring", "setup_scoring_draft", "setup_scoring_review"])
def test_pages_cost_few_queries_however_many_leads(client, revops, route):
    publish(BODY)
    draft_of()

    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(route)).status_code == 200
        return len(captured)

    handed("Director", accepted=True, count=1)
    one = queries()
    handed("Director", accepted=False, count=5)
    assert queries() == one <= 15


def test_a_preview_of_a_standing_version_still_opens_after_publishing(client, revops):
    job = make_scoring_preview()
    draft = ScoringVersion.draft()
    client.post(reverse("setup_scoring_publish"), {"revision": draft.revision, "release": "by_touch"})

    assert "since this preview" in text(client.get(reverse("setup_scoring_preview", args=[job.pk])))


def test_the_lead_page_says_what_the_score_is_made_of(client, revops):
    publish(BODY)
    person = lead()
    touch(person, at=timezone.now() - timedelta(seconds=5))

    page = text(client.get(reverse("lead", args=[person])))

    assert standing(person)[0] == "MQL"
    assert "79 of 80 for sales" in page or "80 of 80 for sales" in page
    assert "The title has the word director +40" in page
    assert "Visits +20" in page


class TestBar:
    """How a score is drawn: parts beside each other, as wide as the points they brought."""

    @staticmethod
    def bar(fit, *groups, threshold=80):
        group = PointGroup("visits", "Visits", 100, 14)
        rules = replace(read(BODY), threshold=threshold)
        parts = tuple(GroupParts(group, points, ()) for points in groups)
        return ScoreCard(ScoringVersion(), rules, "A", fit, (), parts, "", None).bar

    def test_parts_stand_one_after_the_other_and_end_at_the_points(self):
        bar = self.bar(60, 20.0, 0.0, 10.0)
        assert [(round(start, 3), round(width, 3)) for start, width in bar.segments] == [
            (0, 0.6),
            (0.6, 0.2),
            (0.8, 0.1),
        ]
        assert bar.threshold == 0.8

    def test_what_is_taken_off_is_missing_from_the_others(self):
        bar = self.bar(-30, 40.0, 40.0)
        assert [round(each.width, 3) for each in bar.segments] == [0.25, 0.25]

    def test_what_is_beyond_a_hundred_fits(self):
        bar = self.bar(60, 60.0)
        assert round(sum(each.width for each in bar.segments), 3) == 1
        assert round(bar.threshold, 3) == 0.667

    def test_nothing_is_no_segment(self):
        assert self.bar(0).segments == self.bar(-5).segments == ()
