"""Importing in the browser: a file comes in, its columns are explained, it is tried, run and told about."""

import csv
import io
import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.db.models import Max
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.integrations import imports
from alignment.integrations.importers import job as importing
from alignment.integrations.models import Import, ImportedLead
from alignment.lib.csv import safe_cell
from alignment.lib.invariants import count_broken
from alignment.ops import jobs
from alignment.ops.models import AuditEntry, Job, Notification
from alignment.people.models import Role
from leads import activities, editing, lifecycle
from leads.causes import Cause
from leads.deals.deals import open_deals
from leads.drafts import DealDraft
from leads.invariants import INVARIANTS as LEADS
from leads.milestones import CauseSource
from leads.models import (
    Account,
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

DATA = os.environ.get("ACCORD_PUBLIC_DATA", "")
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
        assert [row.lead.name for row in client.get(reverse("import_leads", args=[batch.pk])).context["rows"]] == [
            "Ana Costa",
            "Ben Okafor",
        ]

    def test_whoever_ran_it_is_told_when_it_is_done(self, run, marketer):
        batch = run()
        told = Notification.objects.get()
        assert (told.user, told.title, told.url) == (marketer, "Import of leads.csv is done", f"/import/{batch.pk}/")
        assert told.body == "2 created, 0 updated, 0 unchanged, 0 rejected."

    def test_whoever_ran_it_is_told_when_it_stops(self, upload, explain, client, marketer):
        batch = upload()
        explain(batch)
        client.post(reverse("import_run", args=[batch.pk]))
        batch.refresh_from_db()
        batch.path.unlink()
        jobs.run(batch.job_id)
        assert Notification.objects.get(user=marketer).title == "Import of leads.csv stopped"
        page = client.get(reverse("import", args=[batch.pk])).content.decode()
        assert "It stopped after 0 rows" in page

    def test_a_lead_on_two_rows_is_counted_once(self, run, client):
        batch = run("Name,Email\nAna,ana@acme.example\n,ana@acme.example\n")
        assert client.get(reverse("import", args=[batch.pk])).context["leads"] == {"created": 1}

    def test_rejected_rows_are_a_file_with_reasons_and_without_formulas(self, run, client):
        batch = run("Name,Email\nAna,ana@acme.example\n=1+1,nobody\n")
        answer = client.get(reverse("import_rows", args=[batch.pk]), {"format": "csv"})
        lines = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
        assert lines == [
            ["row", "reason", "Name", "Email"],
            ["3", "“nobody” is not an e-mail address.", "'=1+1", "nobody"],
        ]
        assert AuditEntry.objects.filter(action="exported", subject_kind="import").exists()

    def test_the_mapping_is_a_file_for_the_command(self, run, client, tmp_path):
        batch = run()
        said = tmp_path / "mapping.json"
        said.write_bytes(client.get(reverse("import_mapping", args=[batch.pk])).content)
        file = tmp_path / "again.csv"
        file.write_text(PLAIN)
        out = io.StringIO()
        call_command("import_csv", str(file), mapping=said, json=True, stdout=out)
        assert json.loads(out.getvalue())["unchanged"] == 2

    def test_an_import_by_command_is_listed_and_can_be_taken_back(self, client, tmp_path, undo):
        (tmp_path / "leads.csv").write_text(PLAIN)
        (tmp_path / "m.json").write_text(json.dumps({"key": {"email": "Email"}, "fields": {"name": "Name"}}))
        call_command("import_csv", str(tmp_path / "leads.csv"), mapping=tmp_path / "m.json", json=True)
        client.force_login(make_user(Role.REVOPS))
        assert "A command" in client.get(reverse("imports")).content.decode()
        assert undo(Import.objects.get())["withdrawn"] == 2

    def test_the_list_costs_the_same_for_one_and_for_many(self, run, client):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                client.get(reverse("imports"))
            return len(captured)

        run()
        few = queries()
        for number in range(3):
            run(PLAIN, f"more{number}.csv")
        assert queries() == few


@pytest.mark.django_db(transaction=True)
class TestColumns:
    def test_a_mapping_is_offered_again_for_the_same_columns(self, run, upload, client):
        run(**{"column-2": "attribute", "name": "Spring webinar"})
        batch = upload("Company,Name,Email\nAcme,Eva,eva@acme.example\n", "next.csv")
        page = client.get(reverse("import_columns", args=[batch.pk]))
        assert "Spring webinar" in page.content.decode()
        assert page.context["page"].choices.targets["Company"] == "attribute"
        fresh = client.get(reverse("import_columns", args=[batch.pk]), {"start": "proposal"})
        assert fresh.context["page"].choices.targets["Company"] == "field:company_name"

    def test_other_columns_know_nothing_of_it(self, run, upload, client):
        run(name="Spring webinar")
        page = client.get(reverse("import_columns", args=[upload("Name,Mail\nEva,eva@acme.example\n").pk]))
        assert page.context["saved"] == []

    def test_without_an_address_or_an_id_it_says_so(self, upload, explain):
        answer = explain(upload(), **{"column-1": "attribute"})
        assert answer.status_code == 422
        assert "Say which column holds the e-mail address" in answer.content.decode()

    def test_two_columns_cannot_be_the_same(self, upload, explain):
        answer = explain(upload(), **{"column-0": "field:company_name"})
        assert answer.status_code == 422
        assert "is the company already" in answer.content.decode()

    def test_parts_of_a_name_are_joined(self, run):
        run("First,Last,Email\nAna,Costa,ana@acme.example\n", **{"column-0": "field:name", "column-1": "field:name"})
        assert Lead.objects.get().name == "Ana Costa"

    def test_dates_that_no_row_decides_are_asked(self, upload, explain, run):
        text, chosen = "Email,MQL date\nana@acme.example,03/04/2026\n", {"column-1": "date:MQL"}
        answer = explain(upload(text), **chosen)
        assert answer.status_code == 422
        assert [each.readings for each in answer.context["page"].questions] == [
            [("dmy", "3 April 2026"), ("mdy", "4 March 2026")]
        ]
        run(text, **chosen, **{"notation-1": "mdy"})
        assert Journey.objects.get().mql_at.date() == date(2026, 3, 4)

    def test_dates_that_one_row_decides_are_not_asked(self, run):
        run(
            "Email,MQL date\nana@acme.example,03/04/2026\nben@acme.example,23/04/2026\n",
            **{"column-1": "date:MQL"},
        )
        assert {each.mql_at.date() for each in Journey.objects.all()} == {date(2026, 4, 3), date(2026, 4, 23)}

    def test_a_column_with_too_many_values_names_no_stage(self, upload, explain):
        text = "Email,Status\n" + "".join(f"a{n}@acme.example,value {n}\n" for n in range(100))
        answer = explain(upload(text), **{"column-1": "status"})
        assert answer.status_code == 422
        assert "names no stage" in answer.content.decode()

    def test_source_and_campaign_of_the_whole_file(self, run):
        run(source="Webinar", campaign="Spring")
        assert {(each.source.name, each.campaign.name) for each in Lead.objects.all()} == {("Webinar", "Spring")}

    def test_what_was_run_is_not_explained_again(self, run, client):
        batch = run()
        assert client.get(reverse("import_columns", args=[batch.pk])).url == reverse("import", args=[batch.pk])
        assert client.post(reverse("import_run", args=[batch.pk])).status_code == 302
        assert Job.objects.filter(kind="import").count() == 1


@pytest.mark.django_db(transaction=True)
class TestPreview:
    def test_it_says_what_the_run_then_does_and_leaves_nothing(self, upload, explain, client, run):
        run("Name,Email,Company\nAna,ana@acme.example,\nBen Okafor,ben@globex.example,Globex\n")
        batch = upload(PLAIN + "Cem,cem@initech.example,Initech\nNobody,not an address,\n")
        explain(batch)
        before = Lead.objects.count(), Lead.objects.aggregate(Max("pk")), Account.objects.count()
        shown = client.get(reverse("import_preview", args=[batch.pk])).context["preview"]
        assert {name: shown.counts[name] for name in ("created", "updated", "unchanged", "rejected")} == {
            "created": 1, "updated": 1, "unchanged": 1, "rejected": 1,
        }  # fmt: skip
        assert (shown.samples[0].how, shown.samples[0].changed) == ("updated", ["company"])
        assert before == (Lead.objects.count(), Lead.objects.aggregate(Max("pk")), Account.objects.count())
        client.post(reverse("import_run", args=[batch.pk]))
        batch.refresh_from_db()
        jobs.run(batch.job_id)
        assert Job.objects.get(pk=batch.job_id).result == shown.counts

    def test_the_same_file_again_would_change_nothing(self, run, upload, explain, client):
        run()
        batch = upload()
        explain(batch)
        page = client.get(reverse("import_preview", args=[batch.pk])).content.decode()
        assert "Nothing would change." in page
        assert "The very same file was imported before" in page

    def test_of_a_long_file_the_first_thousand_rows_are_tried(self, upload, explain, client):
        batch = upload("Email\n" + "".join(f"a{n}@acme.example\n" for n in range(1_200)))
        explain(batch)
        shown = client.get(reverse("import_preview", args=[batch.pk])).context["preview"]
        assert (shown.rows, shown.is_whole, shown.counts["created"]) == (1_000, False, 1_000)

    def test_further_rows_are_read_for_what_they_say(self, upload, explain, client):
        batch = upload("Email,Name\n" + "".join(f"a{n}@acme.example,A\n" for n in range(1_200)) + "nobody,B\n")
        explain(batch)
        answer = client.get(reverse("import_preview", args=[batch.pk]))
        shown = answer.context["preview"]
        assert (shown.read, [each.line for each in shown.unreadable]) == (201, [1_202])
        assert "Further rows that would be rejected" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
class TestUploads:
    def _refusal(self, client: Client, content: bytes, name: str = "leads.csv") -> str:
        answer = client.post(reverse("imports"), {"file": SimpleUploadedFile(name, content)})
        assert answer.status_code == 422
        assert not Import.objects.exists()
        return answer.context["error"]

    def test_what_is_no_table_is_refused_with_a_sentence(self, client):
        assert "web page" in self._refusal(client, b"<!doctype html><html></html>")
        assert "empty" in self._refusal(client, b"")
        assert "Choose a file first." in client.post(reverse("imports")).content.decode()

    def test_too_large_a_file_is_not_written(self, client, settings):
        settings.UPLOAD_MOST_BYTES = 20_000
        assert "larger than" in self._refusal(client, b"Email\n" + b"a@b.example\n" * 5_000)
        assert not list(settings.IMPORTS_DIR.glob("*"))

    def test_a_refused_file_leaves_nothing_behind(self, client, settings):
        self._refusal(client, b"PK\x03\x04 broken")
        assert not list(settings.IMPORTS_DIR.glob("*"))

    def test_nobody_else_on_the_machine_reads_uploads(self, upload, settings):
        path = upload().path
        assert path.stat().st_mode & 0o077 == 0
        assert settings.IMPORTS_DIR.stat().st_mode & 0o077 == 0

    def test_a_file_can_be_thrown_away(self, upload, client):
        batch = upload()
        client.post(reverse("import_discard", args=[batch.pk]))
        assert not batch.path.exists()
        assert "thrown away" in client.get(reverse("import", args=[batch.pk])).content.decode()

    def test_files_are_removed_after_a_while_and_rows_stay(self, run, upload, client):
        old, fresh = run(), upload()
        Import.objects.filter(pk=old.pk).update(created_at=Now() - timedelta(days=31))
        assert imports.remove_old_files() == 1
        assert (old.path.exists(), fresh.path.exists()) == (False, True)
        assert client.get(reverse("import", args=[old.pk])).status_code == 200

    def test_what_a_killed_process_left_is_removed(self, upload, settings):
        kept, orphan, fresh = upload().path, settings.IMPORTS_DIR / "x.upload", settings.IMPORTS_DIR / "y.upload"
        for path in (orphan, fresh):
            path.touch()
        for path in (kept, orphan):
            os.utime(path, (0, 0))
        imports.remove_old_files()
        assert sorted(settings.IMPORTS_DIR.iterdir()) == sorted([kept, fresh])

    def test_an_import_that_was_stopped_goes_on_and_can_be_taken_back(self, upload, explain, client, undo):
        batch = upload()
        explain(batch)
        client.post(reverse("import_run", args=[batch.pk]))
        client.post(reverse("import_cancel", args=[batch.pk]))
        batch.refresh_from_db()
        assert batch.job.state == "cancelled"
        client.post(reverse("import_resume", args=[batch.pk]))
        jobs.run(batch.job_id)
        assert Lead.objects.count() == 2
        assert undo(batch)["withdrawn"] == 2


@pytest.mark.skipif(not DATA, reason="ACCORD_PUBLIC_DATA does not name the folder of the public data")
@pytest.mark.django_db(transaction=True)
def test_naughty_strings_survive_the_pages_and_the_export(run, client):
    naughty = json.loads((Path(DATA) / "nasty_csv" / "blns" / "blns.json").read_text(encoding="utf-8"))
    # What a cell of a text field keeps: not the blanks around it, and no NUL.
    names = {n: text.strip().replace("\x00", "")[:200] for n, text in enumerate(naughty) if text.strip()}
    out = io.StringIO()
    csv.writer(out).writerows([["Email", "Name"], *([f"n{n}@acme.example", naughty[n]] for n in names)])
    batch = run(out.getvalue())
    assert batch.created == len(names)
    assert dict(Lead.objects.values_list("email", "name")) == {f"n{n}@acme.example": name for n, name in names.items()}
    for route in ("import", "import_leads"):
        assert client.get(reverse(route, args=[batch.pk])).status_code == 200
    export = client.get(reverse("leads"), {"format": "csv"}).getvalue().decode("utf-8-sig")
    rows = {row["E-mail"]: row["Name"] for row in csv.DictReader(io.StringIO(export, newline=""))}
    assert rows == {f"n{n}@acme.example": safe_cell(name) for n, name in names.items()}


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
