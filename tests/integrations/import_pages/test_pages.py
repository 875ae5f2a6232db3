"""Importing in the browser: a file comes in, its columns are explained, it is tried, run and told about."""

import csv
import io
import json
import os
from datetime import date, timedelta
from pathlib import Path

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
from alignment.integrations.models import Import
from alignment.lib.csv import safe_cell
from alignment.ops import jobs
from alignment.ops.models import AuditEntry, Job, Notification
from alignment.people.models import Role
from leads.models import (
    Account,
    Journey,
    Lead,
)
from tests.factories import make_user
from tests.integrations.exports import PLAIN

DATA = os.environ.get("ACCORD_PUBLIC_DATA", "")


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

    def test_a_row_without_a_name_is_called_by_what_else_is_known(self, upload, explain, client):
        batch = upload(
            "Id,Name,Email,Company,Phone\n1,Ana,ana@acme.example,Acme,\n2,,ben@globex.example,Globex,\n"
            "3,,,Initech,\n4,,,,030 12345\n5,,,,\n"
        )
        explain(batch, **{"column-0": "id", "system": "CRM"})
        answer = client.get(reverse("import_preview", args=[batch.pk]))
        assert [(each.title, each.beside) for each in answer.context["preview"].samples] == [
            ("Ana", "ana@acme.example, Acme"), ("ben@globex.example", "Globex"), ("Initech", ""), ("030 12345", ""),
            ("Row 6", ""),
        ]  # fmt: skip
        assert "Row 6" in answer.content.decode()

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
