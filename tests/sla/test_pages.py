"""The set-up of promises and the page of a clock, as people use them."""

import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.contrib.staticfiles import finders
from django.utils import timezone

from alignment.ops import versions
from alignment.ops.models import AuditEntry
from alignment.people.models import Role
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Stage, Territory
from leads.stages import setup
from sla.models import Clock, PauseReason, PolicySet
from sla.rules import Rule, read
from tests.factories import make_calendar, make_lead, make_user
from tests.sla.stories import clock_of, policy, promise

pytestmark = pytest.mark.django_db

DRAFT = "/setup/slas/disposition/draft/"


@pytest.fixture
def revops(client):
    user = make_user(Role.REVOPS)
    client.force_login(user)
    return user


def rule(**given):
    return {
        "name": "Within 24 hours", "is_promised": "on", "target": "24", "unit": "elapsed_hours", "reminders": "50, 90",
        "propose_after": "2", "heads_after": "0", "pauses": ["away"], "when-match": "all", "when-rows": "0",
        "when-groups": "0", "revision": str(PolicySet.draft("disposition").revision), **given,
    }  # fmt: skip


class TestSetup:
    def test_everybody_reads_what_is_promised_in_sentences(self, client):
        client.force_login(make_user(Role.REP))
        page = client.get("/setup/slas/").content.decode()
        assert "For every lead: within <b>48 hours</b>" in page
        assert "If the buyer asked to talk to sales: within <b>1 working hour</b>" in page
        assert "Change the rules" not in page

    def test_a_rule_is_changed_previewed_and_published(self, client, revops):
        client.post("/setup/slas/disposition/begin/")
        assert client.post(f"{DRAFT}rules/0/", rule()).status_code == 302
        [stored] = read(PolicySet.draft("disposition").body)
        assert (stored.target, list(stored.reminders), list(stored.pauses)) == (24, [50, 90], ["away"])
        lead = make_lead()
        page = client.get(f"{DRAFT}preview/").content.decode()
        assert "1 due time would move" not in page
        assert lead.display_name in page
        done = client.post(f"{DRAFT}publish/", {"revision": PolicySet.draft("disposition").revision, "note": "Faster"})
        assert done.status_code == 302
        assert policy().promised == "24 hours"
        assert clock_of(lead.pk).policy != policy()

    def test_bad_input_is_told_at_the_field_and_nothing_is_lost(self, client, revops):
        client.post("/setup/slas/disposition/begin/")
        page = client.post(f"{DRAFT}rules/0/", rule(name="Kept words", reminders="110"))
        assert page.status_code == 422
        assert "Write numbers from 1 to 99" in page.content.decode()
        assert "Kept words" in page.content.decode()

    def test_a_floor_of_anything_but_elapsed_hours_is_told_at_the_field(self, client, revops):
        client.post("/setup/slas/disposition/begin/")
        page = client.post(f"{DRAFT}rules/0/", rule(unit="working_hours", floor_hours="10"))
        assert page.status_code == 422
        assert "for elapsed hours alone" in page.content.decode()

    def test_whoever_applies_rules_is_told_how_many_clocks_moved_and_how_many_stay(self, client, revops):
        make_lead(left=timedelta(hours=40))
        make_lead(left=timedelta(hours=40))
        make_lead(left=timedelta(hours=10))
        client.post("/setup/slas/disposition/begin/")
        client.post(f"{DRAFT}rules/0/", rule())
        given = {"revision": PolicySet.draft("disposition").revision, "apply": "on"}
        page = client.post(f"{DRAFT}publish/", given, follow=True).content.decode()
        assert "2 due times moved. 1 clock would turn overdue by it and stays as it is." in page

    def test_a_preview_adds_up(self, client, revops):
        make_lead(left=-timedelta(hours=1))
        make_lead(left=timedelta(hours=40))
        make_lead(left=timedelta(hours=47))
        client.post("/setup/slas/disposition/begin/")
        page = " ".join(client.get(f"{DRAFT}preview/").content.decode().split())
        for label, n in (("How many", 3), ("Kept", 0), ("Broken", 1), ("Not judged", 2)):
            assert f'<td data-label="{label}" class="num">{n}</td>' in page

    def test_who_edits_an_old_draft_is_told_who_was_first(self, client, revops):
        client.post("/setup/slas/disposition/begin/")
        given = rule()
        draft = PolicySet.draft("disposition")
        versions.change(draft, body=draft.body, by=make_user(Role.REVOPS, name="Ada First"))
        page = client.post(f"{DRAFT}rules/0/", given, follow=True).content.decode()
        assert "Ada First" in page
        assert policy().promised == "48 hours"

    def test_a_condition_is_added_without_losing_the_rest(self, client, revops):
        client.post("/setup/slas/disposition/begin/")
        page = client.post(
            f"{DRAFT}rules/0/", rule(name="Kept words", edit="when:add:0", **{"when-new-0": "title"})
        ).content.decode()
        assert "Kept words" in page
        assert 'value="title"' in page

    def test_an_unknown_kind_is_not_found(self, client, revops):
        assert client.get("/setup/slas/nothing/draft/").status_code == 404

    def test_pause_reasons_are_added_and_retired(self, client, revops):
        client.post("/setup/slas/pauses/new/", {"name": "Trade fair", "cap_hours": "48"})
        reason = PauseReason.objects.get(name="Trade fair")
        assert reason.key == "trade-fair"
        client.post(f"/setup/slas/pauses/{reason.pk}/retire/")
        reason.refresh_from_db()
        assert reason.retired_at

    def test_a_territory_has_its_own_calendar(self, client, revops):
        territory = Territory.objects.create(key="north", name="North")
        calendar = make_calendar()
        client.post("/setup/slas/territories/", {f"territory-{territory.pk}": calendar.pk})
        territory.refresh_from_db()
        assert territory.calendar == calendar
        assert AuditEntry.objects.filter(action="territory_calendars_changed", actor=revops).exists()


class TestClock:
    def test_until_when_it_is_paused_is_told_in_the_readers_zone(self, client):
        rep = make_user(time_zone="Asia/Kolkata")
        client.force_login(rep)
        clock = clock_of(make_lead(owner=rep).pk)
        given = {"reason": PauseReason.objects.get(key="later").pk}
        client.post(f"/clocks/{clock.pk}/pause/", given)
        until = Clock.objects.get(pk=clock.pk).paused_until.astimezone(ZoneInfo("Asia/Kolkata"))
        page = client.post(f"/clocks/{clock.pk}/pause/", given, follow=True).content.decode()
        assert f"It is paused already, until {until:%-d %B, %H:%M} at most." in page

    def test_the_holder_pauses_and_resumes_it(self, client):
        rep = make_user()
        client.force_login(rep)
        clock = clock_of(make_lead(owner=rep).pk)
        address = f"/clocks/{clock.pk}/"
        assert "Rule 1, which is about every lead" in client.get(address).content.decode()
        reason = PauseReason.objects.get(key="later").pk
        client.post(f"{address}pause/", {"reason": reason, "note": "Call me on Monday"})
        page = client.get(address).content.decode()
        assert "It stands still until" in page
        assert "Call me on Monday" in page
        client.post(f"{address}resume/")
        assert Clock.objects.get(pk=clock.pk).paused_until is None

    def test_somebody_else_may_not(self, client):
        client.force_login(make_user())
        clock = clock_of(make_lead(owner=make_user()).pk)
        assert client.post(f"/clocks/{clock.pk}/pause/", {"reason": 1}).status_code == 403
        assert "Pause it" not in client.get(f"/clocks/{clock.pk}/").content.decode()

    def test_a_breach_is_contested_in_two_steps(self, client):
        rep = make_user(name="Ada Holder")
        client.force_login(rep)
        clock = clock_of(make_lead(owner=rep, left=-timedelta(hours=3)).pk)
        assert "charged to <b>Ada Holder</b>" in client.get(f"/clocks/{clock.pk}/").content.decode()
        client.post(f"/clocks/{clock.pk}/contest/", {"evidence": "The lead came without a phone number."})
        page = client.get(f"/clocks/{clock.pk}/").content.decode()
        assert "Contested by Ada Holder" in page
        assert "Contest this" not in page

    def test_the_page_loads_the_styles_of_its_story(self, client):
        client.force_login(make_user())
        page = client.get(f"/clocks/{clock_of(make_lead().pk).pk}/").content.decode()
        sheets = re.findall(r'<link rel="stylesheet" href="/static/css/([a-z-]+)[.\w]*\.css"', page)
        assert '<ol class="passes">' in page
        assert any(".passes" in Path(finders.find(f"css/{sheet}.css")).read_text() for sheet in sheets)

    def test_the_lead_page_leads_to_it(self, client):
        rep = make_user()
        client.force_login(rep)
        lead = make_lead(owner=rep)
        assert f'href="/clocks/{clock_of(lead.pk).pk}/"' in client.get(f"/leads/{lead.pk}/").content.decode()

    def test_a_withdrawn_leads_clock_is_not_found(self, client):
        client.force_login(make_user())
        clock = clock_of(make_lead().pk)
        type(clock.lead).objects.filter(pk=clock.lead_id).update(withdrawn_at=timezone.now())
        assert client.get(f"/clocks/{clock.pk}/").status_code == 404


class TestStages:
    """What starts where, as the page of a stage tells it."""

    def test_the_page_of_a_stage_says_which_promises_start_there(self, client, revops):
        page = client.get("/setup/stages/mql/").content.decode()
        assert "The clock starts when a lead becomes an MQL." in page
        assert "For every lead: within <b>48 hours</b>" in page
        assert 'href="/setup/slas/#disposition-title"' in page
        assert "Human touch of an accepted lead" in client.get("/setup/stages/sql/").content.decode()
        assert "No promise starts here." in client.get("/setup/stages/won/").content.decode()

    def test_what_a_stage_is_promised_is_chosen_from_its_page(self, client, revops):
        stage = setup.add(name="Checked", owning_side="marketing", after_id=Stage.objects.get(key="mql").pk, by=revops)
        promise(Rule("Others"))
        for page in (f"/setup/stages/{stage.key}/", f"/setup/stages/{stage.key}/edit/"):
            text = client.get(page).content.decode()
            assert "nothing is promised to them" in text
            assert f'<input type="hidden" name="stage" value="{stage.key}">' in text

        response = client.post("/setup/slas/disposition/begin/", {"stage": stage.key})
        [row] = client.get(response.url).context["editor"].rows
        assert (row.field.key, row.values) == ("stage", [stage.key])

        of_stage = {f"{row.name}-{name}": value for name, value in
                    {"field": "stage", "operator": "is", "group": "0", "value": stage.key}.items()}  # fmt: skip
        client.post(response.url, rule(name="Checked leads", target="4", **of_stage | {"when-rows": "1"}))
        draft = read(PolicySet.draft("disposition").body)
        assert [(each.name, each.target) for each in draft] == [("Checked leads", 4), ("Others", 48)]

    def test_a_stage_that_is_not_there_begins_an_ordinary_draft(self, client, revops):
        response = client.post("/setup/slas/disposition/begin/", {"stage": "nowhere"})
        assert response.url == "/setup/slas/disposition/draft/"

    def test_a_rule_can_be_about_one_stage_of_its_milestone(self, client, revops):
        second = setup.add(name="Checked", owning_side="marketing", after_id=Stage.objects.get(key="mql").pk, by=revops)
        named = {"match": "all", "of": [{"field": "stage", "operator": "is", "values": [second.key]}]}
        promise(Rule("Checked leads", when=named, target=4), Rule("Others"))
        lead = make_lead()
        assert clock_of(lead.pk).policy.name == "Others"

        page = client.get(f"/setup/stages/{second.key}/").content.decode()
        assert "If the stage is Checked: within <b>4 hours</b>" in page
        assert "For every lead" not in page
        first = client.get("/setup/stages/mql/").content.decode()
        assert "within <b>4 hours</b>" not in first

        into = make_lead("mgl")
        lifecycle.advance(lead_ids=[into.pk], to=second, cause=Cause(CauseSource.API), qualified_by="manual")
        assert clock_of(into.pk).policy.name == "Checked leads"
