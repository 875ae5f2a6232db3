"""Taking an import back: what it did goes, what others did since stays and is named."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from alignment.integrations.importers import job as importing
from alignment.integrations.models import Import, ImportedLead
from alignment.lib.invariants import count_broken
from alignment.ops.models import AuditEntry, Job
from alignment.people.models import Role
from leads import activities, editing, lifecycle
from leads.causes import Cause
from leads.deals.deals import open_deals
from leads.drafts import DealDraft
from leads.invariants import INVARIANTS as LEADS
from leads.milestones import CauseSource
from leads.models import (
    ExternalReference,
    Journey,
    Lead,
    Opportunity,
    Sourcing,
    Touchpoint,
    WithdrawnTouch,
)
from leads.rebuild import rebuild
from sla.invariants import INVARIANTS as PROMISES
from sla.models import Clock
from sla.sweep import sweep
from tests.factories import make_user
from tests.leads.stories import HISTORY, learn, to

DATED = "Email,Name,MQL date\nana@acme.example,Ana,2026-11-20\nben@globex.example,Ben,2026-11-21\n"
AS_MQL = {"column-2": "date:MQL", "promise": "history"}


def broken() -> dict[str, int]:
    """The invariants that some row breaks, and how many leads replay otherwise."""
    sweep()
    found = count_broken({**LEADS, **PROMISES})
    return {said: count for said, count in found.items() if count} | (
        {"replay": differing} if (differing := rebuild(dry_run=True).differing) else {}
    )


@pytest.fixture
def calls(client, tmp_path):
    """Imports calls by command; returns the import."""

    def importing(rows: str, direction: str = "outbound") -> Import:
        client.force_login(make_user(Role.REVOPS))
        (tmp_path / "calls.csv").write_text(f"id,email,called\n{rows}")
        mapping = {
            "kind": "touches", "system": "phone", "key": {"external_id": "id"}, "lead": [{"email": "email"}],
            "fields": {"email": "email"}, "touched": ["called"],
            "touch": {"kind": "call", "title": "Call", "direction": direction}, "date_formats": ["iso"],
        }  # fmt: skip
        (tmp_path / "m.json").write_text(json.dumps(mapping))
        call_command("import_csv", str(tmp_path / "calls.csv"), mapping=tmp_path / "m.json", json=True)
        return Import.objects.latest("pk")

    return importing


def names_of_called() -> set[str]:
    """The leads with a call; one that came with it is named by its address."""
    return {lead.name or lead.email for lead in Lead.objects.standing().filter(touchpoints__kind="call")}


@pytest.mark.django_db(transaction=True)
class TestUndo:
    def test_what_it_created_leaves_every_list_and_figure(self, run, undo, client):
        batch = run(DATED, **AS_MQL)
        assert Clock.objects.count() == 2
        assert undo(batch) == {"withdrawn": 2, "put_back": 0, "kept": 0, "deals": 0}
        assert not Lead.objects.standing().exists()
        assert not Journey.objects.exists()
        assert not Clock.objects.filter(cancelled_at=None).exists()
        assert not broken()
        assert "No leads yet" in client.get(reverse("leads")).content.decode()
        assert AuditEntry.objects.filter(action="import_undone", subject_id=batch.pk).exists()

    def test_pages_of_a_lead_that_was_taken_back_say_so(self, run, undo, client):
        undo(run(DATED, **AS_MQL))
        lead = Lead.objects.first()
        page = client.get(reverse("lead", args=[lead.pk]))
        assert page.status_code == 410
        assert "This lead was taken back" in page.content.decode()
        assert client.get(reverse("queue"), {"lead": lead.pk}).status_code == 404
        assert client.get(reverse("lead_edit", args=[lead.pk])).status_code == 404
        assert client.get(reverse("lead_decide", args=[lead.pk])).status_code == 404

    def test_the_file_can_be_imported_again(self, run, undo):
        undo(run(DATED, **AS_MQL))
        again = run(DATED, **AS_MQL)
        assert again.created == 2
        assert Lead.objects.standing().count() == 2
        assert not broken()

    def test_ids_of_another_system_are_free_again(self, run, undo):
        text, chosen = "Id,Name\n1,Ana\n", {"column-0": "id", "column-1": "field:name", "system": "crm"}
        undo(run(text, **chosen))
        assert run(text, **chosen).created == 1
        assert ExternalReference.objects.filter(released_at=None).get().lead.withdrawn_at is None

    def test_who_was_worked_on_since_is_kept_and_named(self, run, undo, client):
        batch = run(DATED + "cem@initech.example,Cem,2026-11-21\neva@hooli.example,Eva,2026-11-21\n", **AS_MQL)
        ana, ben, cem = (Lead.objects.get(name=name) for name in ("Ana", "Ben", "Cem"))
        by = Cause(CauseSource.PAGE)
        lifecycle.accept(lead_ids=[ana.pk], cause=by)
        editing.edit(lead_id=ben.pk, changes={"title": "CTO"}, cause=by)
        activities.log(lead_id=cem.pk, activity=activities.Activity.CONNECTED, note="", cause=by)
        assert undo(batch) == {"withdrawn": 1, "put_back": 0, "kept": 3, "deals": 0}
        assert set(Lead.objects.standing()) == {ana, ben, cem}
        page = client.get(reverse("import_leads", args=[batch.pk]), {"how": "kept"}).content.decode()
        assert "It has moved on since." in page
        assert "Somebody has changed it or worked on it since." in page
        assert not broken()

    def test_a_lead_that_a_later_import_names_is_kept(self, run, undo):
        first = run(DATED, **AS_MQL)
        run("Email,Name,MQL date\nana@acme.example,Ana,2026-11-20\n", **AS_MQL)
        assert undo(first)["withdrawn"] == 1
        assert Lead.objects.standing().get().name == "Ana"

    def test_leads_that_stood_already_go_back(self, run, undo):
        run("Email,Name,Company\nana@acme.example,Ana,\n")
        batch = run(
            "Email,Name,Company,MQL date,Owner\nana@acme.example,Ana Costa,Acme,2026-11-20,Jo Reed\n",
            **{"column-3": "date:MQL", "column-4": "owner", "unknown_owner": "add", "overwrite": "yes"},
        )
        lead = Lead.objects.get()
        assert (lead.name, lead.company_name, lead.milestone, lead.owner.name) == ("Ana Costa", "Acme", 2, "Jo Reed")
        assert undo(batch) == {"withdrawn": 0, "put_back": 1, "kept": 0, "deals": 0}
        lead = Lead.objects.get()
        assert (lead.name, lead.company_name, lead.account, lead.milestone, lead.owner) == ("Ana", "", None, 1, None)
        assert lead.search.text == "Ana ana@acme.example"
        assert not broken()

    def test_a_field_that_somebody_changed_since_stays(self, run, undo):
        run("Email,Name,Company\nana@acme.example,Ana,\n")
        batch = run("Email,Name,Company\nana@acme.example,Ana Costa,Acme\n", overwrite="yes")
        editing.edit(lead_id=Lead.objects.get().pk, changes={"name": "Ana C."}, cause=Cause(CauseSource.PAGE))
        assert undo(batch)["kept"] == 1
        lead = Lead.objects.get()
        assert (lead.name, lead.company_name) == ("Ana C.", "")
        assert ImportedLead.objects.get(batch=batch).kept == "Changed since: name."

    def test_deals_that_it_opened_go_with_their_leads(self, run, undo):
        text = "Email,Status,Amount\nana@acme.example,Won,1200\nben@globex.example,Open,900\n"
        chosen = {"column-1": "status", "column-2": "deal:amount", "value-0": "Won", "case-0": "win"}
        chosen |= {"value-1": "Open", "case-1": "SQO"}
        batch = run(text, **chosen)
        assert Opportunity.objects.count() == 2
        assert undo(batch) == {"withdrawn": 2, "put_back": 0, "kept": 0, "deals": 2}
        assert not Opportunity.objects.filter(withdrawn_at=None).exists()
        assert run(text, **chosen).created == 2
        assert Opportunity.objects.filter(withdrawn_at=None).count() == 2
        assert not broken()

    def test_activities_of_leads_that_stood_go_and_promises_follow(self, run, calls, undo, client):
        run(DATED, **AS_MQL)
        ana = Lead.objects.get(name="Ana")
        lifecycle.accept(lead_ids=[ana.pk], cause=Cause(CauseSource.PAGE, at=datetime(2026, 11, 22, tzinfo=UTC)))
        batch = calls("1,ana@acme.example,2026-11-25\n2,cem@initech.example,2026-11-25\n")
        assert names_of_called() == {"Ana", "cem@initech.example"}
        assert Journey.objects.get(lead=ana).worked_at
        page = client.get(reverse("import_undo", args=[batch.pk])).content.decode()
        assert "1 activity of leads that stood before is taken back" in page

        assert undo(batch)["touches"] == 1
        assert names_of_called() == set()
        assert Journey.objects.get(lead=ana).worked_at is None
        assert [gone.touch["title"] for gone in WithdrawnTouch.objects.all()] == ["Call", "Call"]
        assert not broken()
        calls("1,ana@acme.example,2026-11-25\n2,cem@initech.example,2026-11-25\n")
        assert names_of_called() == {"Ana", "cem@initech.example"}

    def test_a_lead_that_activities_brought_in_goes_however_many_slices_named_it(self, calls, undo, monkeypatch):
        monkeypatch.setattr(importing, "SLICE_ROWS", 1)
        batch = calls("1,cem@initech.example,2026-11-24\n2,cem@initech.example,2026-11-25\n")
        assert Touchpoint.objects.count() == 2
        assert undo(batch)["withdrawn"] == 1
        assert not Lead.objects.standing().exists()

    def test_an_activity_that_says_who_brought_a_deal_stays(self, run, calls, undo):
        run(DATED, **AS_MQL)
        ana = Lead.objects.get(name="Ana")
        batch = calls("1,ana@acme.example,2026-11-21\n", direction="inbound")
        at = datetime(2026, 11, 24, tzinfo=UTC)
        [deal] = open_deals(drafts=[DealDraft("Deal", "EUR", lead_id=ana.pk, opened_at=at)], cause=HISTORY)
        assert not learn(ana.pk, to("sqo", at, opportunity_id=deal)).refused
        assert Sourcing.objects.get().touch == Touchpoint.objects.get()
        assert undo(batch)["touches_kept"] == 1
        assert Touchpoint.objects.exists()

    def test_only_within_24_hours(self, run, client):
        batch = run()
        Job.objects.filter(pk=batch.job_id).update(started_at=Now() - timedelta(hours=25))
        page = client.post(reverse("import_undo", args=[batch.pk]))
        assert page.status_code == 409
        assert "for 24 hours" in page.content.decode()

    def test_only_by_who_ran_it_or_revops(self, run):
        batch = run()
        for role, status in ((Role.MARKETER, 403), (Role.REVOPS, 302)):
            other = Client()
            other.force_login(make_user(role))
            assert other.post(reverse("import_undo", args=[batch.pk])).status_code == status
