"""Importing in the browser: a file comes in, its columns are explained, it is tried, run and told about."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from alignment.integrations.models import Import, ImportedLead
from alignment.lib.invariants import count_broken
from alignment.ops import jobs
from alignment.ops.models import AuditEntry, Job
from alignment.people.models import Role
from leads import activities, editing, lifecycle
from leads.causes import Cause
from leads.invariants import INVARIANTS as LEADS
from leads.milestones import CauseSource
from leads.models import ExternalReference, Journey, Lead, Opportunity
from leads.rebuild import rebuild
from sla.invariants import INVARIANTS as PROMISES
from sla.models import Clock
from sla.sweep import sweep
from tests.factories import make_user

PLAIN = "Name,Email,Company\nAna Costa,ana@acme.example,Acme\nBen Okafor,ben@globex.example,Globex\n"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path: Path):
    settings.IMPORTS_DIR = tmp_path / "imports"


@pytest.fixture
def marketer(db):
    return make_user(Role.MARKETER)


@pytest.fixture
def client(marketer) -> Client:
    client = Client()
    client.force_login(marketer)
    return client


Upload = Callable[..., Import]


@pytest.fixture
def upload(client: Client) -> Upload:
    """Uploads a file through the page; returns its import."""

    def uploading(text: str | bytes = PLAIN, name: str = "leads.csv") -> Import:
        content = text if isinstance(text, bytes) else text.encode()
        response = client.post(reverse("imports"), {"file": SimpleUploadedFile(name, content)})
        assert response.status_code == 302, response.content.decode()
        return Import.objects.latest("pk")

    return uploading


def fields(response: Any) -> dict[str, str]:
    """What the form of the columns page would send as it stands."""
    page = response.context["page"]
    chosen = page.choices
    sent = {f"column-{column.index}": column.target for column in page.columns}
    for value in page.values:
        sent |= {f"value-{value.index}": value.text, f"case-{value.index}": value.case}
    sent |= {name: getattr(chosen, name) for name in ("name", "enters", "source", "campaign", "system")}
    sent |= {name: getattr(chosen, name) for name in ("unknown_owner", "unknown_lead", "promise")}
    return sent | ({"overwrite": "yes"} if chosen.overwrite else {}) | {"start": response.context["start"]}


@pytest.fixture
def explain(client: Client):
    """Sends the columns page, as it was proposed save for `changes`; returns the answer."""

    def explaining(batch: Import, **changes: str):
        url = reverse("import_columns", args=[batch.pk])
        sent = fields(client.get(url))
        return client.post(
            url,
            sent
            | {
                name.replace("_", "-", 1) if name.startswith("column_") else name: value
                for name, value in changes.items()
            },
        )

    return explaining


@pytest.fixture
def run(client: Client, upload: Upload, explain):
    """Imports a file through all pages; returns the import as it then stands."""

    def running(text: str | bytes = PLAIN, name: str = "leads.csv", **changes: str) -> Import:
        batch = upload(text, name)
        response = explain(batch, **changes)
        assert response.status_code == 302, response.context["page"].errors
        client.post(reverse("import_run", args=[batch.pk]))
        batch.refresh_from_db()
        jobs.run(batch.job_id)
        return Import.objects.select_related("job").get(pk=batch.pk)

    return running


@pytest.mark.django_db(transaction=True)
class TestWholeWay:
    def test_a_plain_file_becomes_leads(self, run, client):
        batch = run()
        assert batch.state == "Done"
        assert set(Lead.objects.values_list("name", "email", "company_name")) == {
            ("Ana Costa", "ana@acme.example", "Acme"), ("Ben Okafor", "ben@globex.example", "Globex"),
        }  # fmt: skip
        page = client.get(reverse("import", args=[batch.pk]))
        assert page.context["leads"] == {"created": 2}


@pytest.fixture
def undo(client):
    """Takes an import back through the page; returns what the undo says."""

    def undoing(batch: Import) -> dict[str, int]:
        assert client.post(reverse("import_undo", args=[batch.pk])).status_code == 302
        batch = Import.objects.get(pk=batch.pk)
        jobs.run(batch.undo_job_id)
        return Import.objects.select_related("undo_job").get(pk=batch.pk).undo_job.result

    return undoing


DATED = "Email,Name,MQL date\nana@acme.example,Ana,2026-11-20\nben@globex.example,Ben,2026-11-21\n"
AS_MQL = {"column-2": "date:MQL", "promise": "history"}


def broken() -> dict[str, int]:
    """The invariants that some row breaks, and how many leads replay otherwise."""
    sweep()
    found = count_broken({**LEADS, **PROMISES})
    return {said: count for said, count in found.items() if count} | (
        {"replay": differing} if (differing := rebuild(dry_run=True).differing) else {}
    )


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
