"""Setting up stages: versions and signatures, what they ask for, order, retiring; and the pages of it."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.lib.invariants import count_broken
from alignment.ops import jobs, versions
from alignment.ops.models import AuditEntry, Notification
from alignment.people.models import Company, Role
from leads import criteria, lifecycle, rebuild
from leads.invariants import INVARIANTS
from leads.models import Lead, LeadTransition, Opportunity, Stage, StageSignature, StageVersion
from leads.stages import mapping as stage_mapping
from leads.stages import setup as stage_setup
from leads.stages.preview import preview
from tests.api.asking import api, problem
from tests.factories import make_free_deal, make_lead, make_user
from tests.leads.stories import by, stage, where
from tests.pages import text

pytestmark = pytest.mark.django_db

RETAIL = {"match": "all", "of": [{"field": "title", "operator": "contains", "values": ["head"]}]}


@pytest.fixture
def revops():
    return make_user(Role.REVOPS)


@pytest.fixture
def heads():
    """Both heads, as the company knows them."""
    marketing, sales = make_user(Role.MARKETER, name="Mia Head"), make_user(Role.MANAGER, name="Sam Head")
    Company.objects.update(marketing_head=marketing, sales_head=sales)
    return marketing, sales


def published(key, revops, **changes):
    """Another version of a stage, with these parts changed."""
    one = stage(key)
    draft = stage_setup.begin(stage=one, by=revops)
    body = draft.body | {name: value for name, value in changes.items() if name != "criteria"}
    body["criteria"] = changes.get("criteria", draft.body["criteria"])
    draft = versions.change(draft, body=body, by=revops)
    return stage_setup.publish(draft=draft, by=revops, note="As agreed")


class TestVersions:
    def test_an_install_has_a_first_version_of_each_stage(self):
        told = dict(StageVersion.objects.filter(state="published").values_list("scope", "number"))
        assert told == dict.fromkeys(Stage.objects.values_list("key", flat=True), 1)

    def test_what_is_published_counts_and_what_was_stays(self, revops, heads):
        published("sql", revops, name="Accepted by sales", definition="Sales works it.", criteria={"fields": ["phone"]})
        assert (stage("sql").name, stage("sql").criteria) == ("Accepted by sales", {"fields": ["phone"]})
        before = StageVersion.objects.get(scope="sql", number=1)
        assert (before.state, before.body["name"]) == ("retired", "Sales accepted")
        assert set(Notification.objects.values_list("user", flat=True)) == {head.pk for head in heads}
        assert AuditEntry.objects.filter(action="rules_published").exists()

    @pytest.mark.parametrize(
        ("key", "changes", "said"),
        [
            ("sql", {"name": " "}, "Give it a name"),
            ("sql", {"name": "proposal"}, "Another stage has this name"),
            ("sql", {"owning_side": "marketing"}, "Sales needs a stage after the hand-off"),
            ("sql", {"criteria": {"confirmations": ["budget"]}}, "Only stages of opportunities"),
            ("sqo", {"criteria": {"confirmations": ["x" * 41]}}, "At most 12 confirmations"),
            ("sql", {"criteria": {"conditions": {"match": "all", "of": [{"field": "x", "operator": "is"}]}}}, "asked"),
        ],
    )
    def test_what_cannot_count_is_refused(self, revops, key, changes, said):
        with pytest.raises(ValidationError, match=said):
            published(key, revops, **changes)
        assert StageVersion.published(key).number == 1

    def test_published_versions_and_signatures_are_frozen(self, revops, heads):
        version = published("sql", revops, definition="Sales works it.")
        stage_setup.sign(version_id=version.pk, by=heads[1])
        for statement in (
            "UPDATE leads_stageversion SET body = '{}' WHERE state = 'published'",
            "DELETE FROM leads_stageversion",
            "UPDATE leads_stagesignature SET signer_name = 'Me'",
        ):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)


class TestSigning:
    def test_each_head_signs_for_their_side_once_and_each_version_anew(self, revops, heads):
        marketing, sales = heads
        version = published("mql", revops, definition="They asked for a demo.")
        stage_setup.sign(version_id=version.pk, by=marketing)
        with pytest.raises(ValidationError, match="nothing left"):
            stage_setup.sign(version_id=version.pk, by=marketing)
        stage_setup.sign(version_id=version.pk, by=sales)
        marketing.name = "Mia Other"
        marketing.save()
        assert dict(version.signatures.values_list("side", "signer_name")) == {
            "marketing": "Mia Head", "sales": "Sam Head",
        }  # fmt: skip
        newer = published("mql", revops, definition="They asked for a quote.")
        assert not newer.signatures.exists()
        with pytest.raises(ValidationError, match="newest"):
            stage_setup.sign(version_id=version.pk, by=sales)

    def test_nobody_else_signs(self, revops, heads):
        version = StageVersion.published("mql")
        for other in (revops, make_user(Role.MANAGER)):
            with pytest.raises(ValidationError, match="nothing left"):
                stage_setup.sign(version_id=version.pk, by=other)


class TestCriteria:
    def test_conditions_are_asked_and_named(self, revops):
        published("sql", revops, criteria={"fields": ["phone"], "conditions": RETAIL})
        fits = make_lead(title="Head of Logistics", phone="+49 30 1")
        wrong, bare = make_lead(title="Clerk", phone="+49 30 2"), make_lead(title="Clerk")
        moved = lifecycle.accept(lead_ids=[fits.pk, wrong.pk, bare.pk], cause=by())
        assert moved.lead_ids == [fits.pk]
        assert [refusal.message for refusal in moved.refused] == [
            "Sales accepted asks that the title contains head.",
            "Sales accepted needs a phone number, and asks that the title contains head.",
        ]

    def test_a_company_has_confirmations_of_its_own(self, revops):
        published("proposal", revops, criteria={"confirmations": ["Security review"]})
        lead = make_lead("sqo")
        moved = lifecycle.advance(lead_ids=[lead.pk], to=stage("proposal"), cause=by())
        assert moved.refused[0].message == "Proposal needs Security review confirmed."
        lifecycle.advance(lead_ids=[lead.pk], to=stage("proposal"), cause=by(), confirmations=["Security review"])
        assert where(lead.pk) == ("proposal", "")

    def test_the_preview_counts_who_would_not_meet_them_and_why(self):
        make_lead("mql", title="Head of IT", phone="1")
        make_lead("mql", title="Head of IT")
        make_lead("mql", title="Clerk")
        make_lead("mgl")
        seen = preview(stage("mql"), {"fields": ["phone", "title"], "conditions": RETAIL})
        assert (seen.standing, seen.unmet) == (3, 2)
        assert seen.lacks == (("a phone number", 2), ("that the title contains head", 1))

    def test_the_preview_of_a_stage_of_deals_asks_the_deal(self):
        make_lead("sqo")
        asked = {"deal": ["amount", "probability"]}
        assert preview(stage("sqo"), asked).lacks == (("an opportunity with a probability", 1),)

    def test_the_preview_agrees_with_the_moves(self):
        """Who would not meet them is refused, once they are asked."""
        leads = [make_lead("mql", title=title, phone=phone) for title in ("Head", "Clerk", "") for phone in ("", "1")]
        asked = {"fields": ["phone"], "conditions": RETAIL}
        expected = preview(stage("mql"), asked).unmet
        Stage.objects.filter(key="sql").update(criteria=asked)
        assert len(lifecycle.accept(lead_ids=[lead.pk for lead in leads], cause=by()).refused) == expected == 5

    def test_in_words(self):
        assert criteria.in_words({"fields": ["phone"], "deal": ["amount"], "conditions": RETAIL}) == (
            "a phone number, an opportunity with an amount and that the title contains head"
        )


class TestOrder:
    def test_a_stage_is_added_behind_another_and_leads_pass_through_it(self, revops):
        lead = make_lead("sqo")
        added = stage_setup.add(name="Trial", owning_side="sales", after_id=stage("sqo").pk, by=revops)
        order = list(Stage.objects.in_use().values_list("key", flat=True))
        assert order == ["mgl", "mql", "sql", "sqo", "trial", "proposal", "won"]
        lifecycle.advance(lead_ids=[lead.pk], to=added, cause=by())
        lifecycle.advance(lead_ids=[lead.pk], to=stage("proposal"), cause=by())
        assert where(lead.pk) == ("proposal", "")
        assert rebuild.rebuild(dry_run=True).differing == 0
        assert not any(count_broken(INVARIANTS).values())

    def test_an_accepted_stage_before_sql_is_where_sales_accepts_into(self, revops):
        stage_setup.add(name="Accepted", owning_side="sales", after_id=stage("mql").pk, by=revops)
        lead = make_lead("mql")
        lifecycle.accept(lead_ids=[lead.pk], cause=by())
        assert where(lead.pk) == ("accepted", "")

    def test_stages_change_places_within_their_milestone_while_no_lead_was_in_both(self, revops):
        lead = make_lead("sqo")
        stage_setup.move(stage_id=stage("proposal").pk, later=False, by=revops)
        assert list(Stage.objects.in_use().values_list("key", flat=True)) == [
            "mgl", "mql", "sql", "proposal", "sqo", "won",
        ]  # fmt: skip
        stage_setup.move(stage_id=stage("proposal").pk, later=True, by=revops)
        lifecycle.advance(lead_ids=[lead.pk], to=stage("proposal"), cause=by())
        with pytest.raises(ValidationError, match="1 lead has been in both"):
            stage_setup.move(stage_id=stage("proposal").pk, later=False, by=revops)
        with pytest.raises(ValidationError, match="within its milestone"):
            stage_setup.move(stage_id=stage("sql").pk, later=True, by=revops)
        assert rebuild.rebuild(dry_run=True).differing == 0


class TestRetiring:
    def retire(self, revops, to="sqo", **more):
        return stage_setup.retire(
            stage_id=stage("proposal").pk, to_id=stage(to).pk, why="We offer at once", by=revops, **more
        )

    def test_who_stands_in_it_moves_and_history_stays(self, revops):
        open_lead, won = make_lead("proposal"), make_lead("won")
        deal = Opportunity.objects.get(contacts__lead=open_lead)
        free = make_free_deal(stage_id=stage("proposal").pk)
        before = LeadTransition.objects.count()
        mapped = self.retire(revops)
        assert (mapped.leads, mapped.job) == (1, None)
        assert (where(open_lead.pk), where(won.pk)) == (("sqo", ""), ("won", "won"))
        row = LeadTransition.objects.latest("id")
        assert (row.kind, row.actor, row.note.text) == (
            "map", revops, "Proposal was retired: We offer at once",
        )  # fmt: skip
        assert LeadTransition.objects.count() == before + 1
        for each in (deal, free):
            each.refresh_from_db()
            assert each.stage == stage("sqo")
        assert (stage("proposal").mapped_to, StageVersion.published("proposal")) == (stage("sqo"), None)
        assert rebuild.rebuild(dry_run=True).differing == 0
        assert not any(count_broken(INVARIANTS).values())

    def test_many_leads_are_moved_by_a_worker(self, revops, monkeypatch):
        monkeypatch.setattr(stage_mapping, "AT_ONCE", 2)
        leads = [make_lead("proposal") for _ in range(5)]
        mapped = self.retire(revops)
        assert (mapped.leads, where(leads[0].pk)) == (5, ("proposal", ""))
        jobs.run(mapped.job.pk)
        assert {where(lead.pk) for lead in leads} == {("sqo", "")}
        mapped.job.refresh_from_db()
        assert (mapped.job.done, mapped.job.total, mapped.job.result) == (5, 5, {"moved": 5})

    def test_the_same_statements_for_one_lead_and_for_many(self, revops):
        def queries(count):
            with transaction.atomic():
                for _ in range(count):
                    make_lead("proposal")
                with CaptureQueriesContext(connection) as captured:
                    self.retire(revops)
                transaction.set_rollback(True)
            return len(captured)

        assert queries(1) == queries(6)

    @pytest.mark.parametrize("to", ["sql", "proposal", "won"])
    def test_only_to_another_stage_of_its_milestone(self, revops, to):
        with pytest.raises(ValidationError, match="another stage of the same milestone"):
            self.retire(revops, to)

    def test_an_undo_brings_a_lead_back_and_a_date_is_never_lost(self, revops):
        lead = make_lead("proposal")
        sqo_at = Lead.objects.get(pk=lead.pk).journeys.get().sqo_at
        self.retire(revops)
        assert Lead.objects.get(pk=lead.pk).journeys.get().sqo_at == sqo_at
        lifecycle.undo(lead_id=lead.pk, cause=by())
        assert where(lead.pk) == ("proposal", "")


# The pages --------------------------------------------------------------------------------------------------------


EDIT = {
    "name": "Sales accepted", "owning_side": "sales", "definition": "Sales works it.", "fields_asked": ["phone"],
    "conditions-match": "all", "conditions-rows": "0", "conditions-groups": "0",
}  # fmt: skip


def seen(key="sql"):
    """What a form sends that was made from the draft of this stage, else from what counts."""
    version = StageVersion.draft(key) or StageVersion.published(key)
    return {"version": version.pk, "revision": version.revision}


class TestPages:
    def test_from_draft_to_both_signatures(self, client, revops, heads):
        make_lead("sql")
        client.force_login(revops)
        answer = client.post(reverse("setup_stage_edit", args=["sql"]), EDIT | seen())
        assert answer.url == reverse("setup_stage_publish", args=["sql"])
        assert stage("sql").criteria == {}
        shown = text(client.get(answer.url))
        assert "Of 1 open lead in Sales accepted, 1 would not meet" in shown
        assert "A phone number" in shown
        assert client.post(answer.url, {"note": "", **seen()}).status_code == 422
        client.post(answer.url, {"note": "Calls need a number", **seen()})
        assert stage("sql").criteria == {"fields": ["phone"]}
        assert "Not signed" in text(client.get(reverse("setup_stages")))
        for head in heads:
            client.force_login(head)
            assert "Sign version 2" in text(client.get(reverse("setup_stage", args=["sql"])))
            client.post(reverse("setup_stage_sign", args=["sql", 2]))
        shown = text(client.get(reverse("setup_stage", args=["sql"])))
        assert "Mia Head" in shown
        assert "Sign version 2" not in shown
        assert StageSignature.objects.count() == 2

    def test_a_head_who_cannot_sign_in_is_named_with_the_way_to_a_login(self, client, revops, heads):
        marketing, _ = heads
        marketing.set_unusable_password()
        marketing.save()
        page, address = reverse("setup_stage", args=["sql"]), reverse("setup_person", args=[marketing.pk])
        client.force_login(revops)
        shown = client.get(page)
        assert "Mia Head, head of marketing, cannot sign in." in text(shown)
        assert f'href="{address}"' in shown.content.decode()
        client.force_login(make_user(Role.REP))
        assert f'href="{address}"' not in client.get(page).content.decode()
        marketing.set_password("a long enough one")
        marketing.save()
        assert "cannot sign in" not in text(client.get(page))

    def test_a_row_of_conditions_is_added_without_saving(self, client, revops):
        client.force_login(revops)
        asked = EDIT | {"edit": "conditions:add:0", "conditions-new-0": "industry"}
        shown = client.post(reverse("setup_stage_edit", args=["sql"]), asked)
        assert 'name="conditions-0-operator"' in shown.content.decode()
        assert StageVersion.draft("sql") is None
        wrong = EDIT | {
            "conditions-rows": "1", "conditions-0-field": "industry", "conditions-0-operator": "is",
            "conditions-0-group": "0", "conditions-0-value": "",
        }  # fmt: skip
        shown = client.post(reverse("setup_stage_edit", args=["sql"]), wrong)
        assert (shown.status_code, "say what to look for" in text(shown)) == (422, True)

    def test_an_old_draft_is_not_written_over(self, client, revops):
        client.force_login(revops)
        url = reverse("setup_stage_edit", args=["sql"])
        opened = seen()
        client.post(url, EDIT | opened)
        again = client.post(url, EDIT | opened | {"definition": "Another"})
        assert (again.status_code, "has changed this draft meanwhile" in text(again)) == (409, True)
        old = client.post(reverse("setup_stage_publish", args=["sql"]), {"note": "x", **opened})
        assert (old.status_code, StageVersion.published("sql").number) == (409, 1)
        client.post(reverse("setup_stage_discard", args=["sql"]), opened)
        assert StageVersion.draft("sql").body["definition"] == "Sales works it."

    def test_what_was_published_since_the_form_was_opened_is_not_taken_back(self, client, revops):
        client.force_login(revops)
        url, opened = reverse("setup_stage_edit", args=["sql"]), seen()
        published("sql", revops, definition="Agreed meanwhile")

        late = client.post(url, EDIT | opened)

        assert late.status_code == 409
        assert "has published version 2 meanwhile" in text(late)
        assert StageVersion.draft("sql") is None
        assert client.post(url, EDIT | seen()).status_code == 302

    def test_the_page_of_a_draft_shows_what_it_changes(self, client, revops):
        client.force_login(revops)
        client.post(reverse("setup_stage_edit", args=["sql"]), EDIT | seen())

        shown = text(client.get(reverse("setup_stage_publish", args=["sql"])))

        assert "Sales has accepted the lead and works it." in shown
        assert "Sales works it." in shown
        assert "A phone number" in shown

    def test_earlier_versions_are_drafted_again_and_drafts_dropped(self, client, revops):
        published("sql", revops, definition="Second")
        client.force_login(revops)
        client.post(reverse("setup_stage_restore", args=["sql", 1]))
        assert StageVersion.draft("sql").body["definition"] == "Sales has accepted the lead and works it."
        client.post(reverse("setup_stage_edit", args=["sql"]), EDIT | seen())
        kept = client.post(reverse("setup_stage_restore", args=["sql", 1]), follow=True)
        assert "stands already: publish or discard it first" in text(kept)
        assert StageVersion.draft("sql").body["definition"] == "Sales works it."
        client.post(reverse("setup_stage_discard", args=["sql"]), seen())
        assert StageVersion.draft("sql") is None

    def test_adding_moving_and_retiring(self, client, revops):
        client.force_login(revops)
        client.post(reverse("setup_stage_new"), {"name": "Trial", "owning_side": "sales", "after": stage("sqo").pk})
        client.post(reverse("setup_stage_move", args=["trial"]), {"later": "1"})
        order = list(Stage.objects.in_use().values_list("key", flat=True))
        assert order.index("trial") > order.index("proposal")
        client.post(reverse("setup_stage_retire", args=["trial"]), {"to": stage("sqo").pk, "why": "Nobody tries"})
        assert "Its leads moved to Sales opportunity" in text(client.get(reverse("setup_stage", args=["trial"])))
        assert client.get(reverse("setup_stage_edit", args=["trial"])).status_code == 404
        assert "cannot be retired" in text(client.get(reverse("setup_stage_retire", args=["won"])))

    def test_everybody_reads_and_only_revops_changes(self, client):
        client.force_login(make_user())
        for name, args in (("setup_stages", []), ("setup_stage", ["mql"])):
            assert client.get(reverse(name, args=args)).status_code == 200
        for name in ("edit", "publish", "retire"):
            assert client.get(reverse(f"setup_stage_{name}", args=["mql"])).status_code == 403
        assert client.post(reverse("setup_stage_sign", args=["mql", 1])).status_code == 403

    def test_the_definition_stands_where_the_stage_is_named(self, client):
        client.force_login(make_user())
        lead = make_lead("mql")
        assert "Meets the agreed engagement" in text(client.get(reverse("lead", args=[lead.pk])))

    def test_the_list_costs_the_same_for_any_number_of_leads(self, client, revops):
        client.force_login(revops)

        def queries():
            with CaptureQueriesContext(connection) as captured:
                client.get(reverse("setup_stages"))
            return len(captured)

        queries()
        few = queries()
        for key in ("mgl", "mql", "sql", "sqo"):
            make_lead(key)
        assert queries() == few <= 12


def test_programs_read_the_versions_and_who_signed_them(heads):
    stage_setup.sign(version_id=StageVersion.published("mql").pk, by=heads[0])
    asking = api(Role.EXECUTIVE)
    [told] = asking.get("stages/mql/versions/").json()["results"]
    assert (told["number"], told["body"]["name"]) == (1, "Marketing qualified")
    assert [(each["side"], each["signer_name"]) for each in told["signatures"]] == [("marketing", "Mia Head")]
    assert asking.get("stages/").json()["results"][1]["definition"].startswith("Meets the agreed")
    problem(asking.get("stages/nothing/versions/"), 404)
