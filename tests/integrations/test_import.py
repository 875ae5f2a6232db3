"""Bringing leads in from files: what a mapping may say, what a row becomes, and that a file counts once."""

import csv
import io
import json
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.management import CommandError, call_command

from alignment.integrations import imports
from alignment.integrations.importers import job as slicing
from alignment.integrations.models import ImportProblem
from alignment.ops import jobs
from alignment.ops.job_kinds import kind_of
from alignment.ops.models import Job
from alignment.people.models import Company, User
from leads.models import Account, ExternalReference, HolderInterval, Journey, Lead, LeadTransition, Opportunity
from sla.models import Clock
from tests.factories import make_pool, make_routing, make_user
from tests.incoming import make_import
from tests.ops.processes import start_process

BY_EMAIL: dict[str, Any] = {
    "name": "By e-mail",
    "key": {"email": "Email"},
    "fields": {"name": "Name", "company_name": "Company", "source": "Source"},
    "moves": [{"to": "MGL", "at": "Created"}, {"to": "MQL", "at": "Qualified"}, {"kind": "win", "at": "Won"}],
}
COLUMNS = ["Email", "Name", "Company", "Source", "Created", "Qualified", "Won"]


@pytest.fixture
def run(tmp_path: Path):
    """Import rows with a mapping; returns what the command said as JSON."""

    def importing(rows: list[list[str]], *, columns: list[str] = COLUMNS, **changes: Any) -> dict[str, Any]:
        file, mapping = tmp_path / "leads.csv", tmp_path / "mapping.json"
        with file.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([columns, *rows])
        mapping.write_text(json.dumps({**BY_EMAIL, **changes}))
        out = io.StringIO()
        rejected = tmp_path / "rejected.csv"
        call_command("import_csv", str(file), mapping=mapping, rejected=rejected, json=True, stdout=out)
        return json.loads(out.getvalue())

    return importing


def row(email: str = "ana@acme.example", **cells: str) -> list[str]:
    given = {"Email": email, "Name": "Ana", "Company": "Acme", "Source": "Webinar", "Created": "2024-03-01"} | cells
    return [given.get(name, "") for name in COLUMNS]


@pytest.mark.django_db
class TestRows:
    def test_a_row_becomes_a_lead_with_account_source_and_dated_moves(self, run):
        said = run([row(Qualified="2024-03-05")])
        lead = Lead.objects.get()
        journey = Journey.objects.get()
        assert said["created"] == 1
        assert (lead.email_key, lead.account.name, lead.source.key) == ("ana@acme.example", "Acme", "webinar")
        assert (journey.mgl_at, journey.mql_at) == (datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 5, tzinfo=UTC))
        assert journey.reached == 2

    def test_a_date_without_a_time_is_midnight_in_the_companys_zone(self, run):
        Company.objects.update(time_zone="America/Sao_Paulo")
        run([row()])
        assert Journey.objects.get().mgl_at == datetime(2024, 3, 1, 3, tzinfo=UTC)

    def test_the_zone_of_the_mapping_wins(self, run):
        Company.objects.update(time_zone="America/Sao_Paulo")
        run([row()], zone="UTC")
        assert Journey.objects.get().mgl_at == datetime(2024, 3, 1, tzinfo=UTC)

    def test_a_blank_date_means_that_the_move_did_not_happen(self, run):
        run([row(Qualified="", Won="")])
        assert LeadTransition.objects.count() == 1

    def test_the_same_address_in_another_spelling_is_one_lead(self, run):
        said = run([row("Ana@Acme.example "), row("ana@acme.EXAMPLE", Qualified="2024-03-09")])
        assert (said["created"], Lead.objects.count()) == (1, 1)
        assert Journey.objects.get().mql_at == datetime(2024, 3, 9, tzinfo=UTC)

    def test_joining_fills_blanks_and_keeps_what_is_known(self, run):
        run([row(Name="", Company="")])
        run([row(Name="Ana Costa", Source="Social")])
        lead = Lead.objects.get()
        assert (lead.name, lead.source.key) == ("Ana Costa", "webinar")

    def test_overwrite_replaces_what_is_known(self, run):
        run([row()])
        run([row(Name="Ana Costa", Source="Social")], overwrite=True)
        lead = Lead.objects.get()
        assert (lead.name, lead.source.key) == ("Ana Costa", "social")

    def test_a_journey_keeps_the_source_that_it_was_opened_with(self, run):
        run([row()])
        run([row(Source="Social")], overwrite=True)
        assert Journey.objects.get().source.key == "webinar"

    def test_leads_without_an_address_are_legal(self, run):
        columns = ["Id", "Name"]
        changes = {"key": {"external_id": "Id"}, "system": "crm", "fields": {"name": "Name"}, "moves": []}
        run([["1", "Ana"], ["2", "Ben"]], columns=columns, **changes)
        assert set(Lead.objects.values_list("name", "email")) == {("Ana", ""), ("Ben", "")}
        assert ExternalReference.objects.filter(system="crm").count() == 2

    def test_a_lead_without_any_date_is_undated(self, run):
        run([["1"]], columns=["Id"], key={"external_id": "Id"}, system="crm", fields={}, moves=[{"to": "SQL"}])
        journey = Journey.objects.get()
        assert (journey.reached, journey.entered_at, journey.sql_at) == (3, None, None)

    def test_accounts_are_found_by_domain_or_by_name(self, run):
        run(
            [row("a@acme.example"), row("b@acme.example", Company="ACME Corp."), row("c@gmail.com", Company="Acme Inc")]
        )
        assert Account.objects.count() == 1

    def test_free_mailboxes_name_no_company(self, run):
        run([row("a@gmail.com", Company=""), row("b@gmail.com", Company="")])
        assert not Account.objects.exists()


@pytest.mark.django_db
class TestProblems:
    def test_rejected_rows_go_to_a_file_with_reasons_and_the_others_are_imported(self, run):
        said = run([row("nobody"), row(), row("b@acme.example", Created="yesterday")])
        with Path(said["rejected_file"]).open(newline="") as file:
            rejected = list(csv.DictReader(file))
        assert (said["created"], said["rejected"]) == (1, 2)
        assert [(line["row"], line["Email"]) for line in rejected] == [("2", "nobody"), ("4", "b@acme.example")]
        assert "not an e-mail address" in rejected[0]["reason"]
        assert "“yesterday” is not a date" in rejected[1]["reason"]

    def test_a_row_with_more_cells_than_columns_is_rejected(self, run):
        said = run([[*row(), "stray"]])
        assert said["rejected"] == 1

    def test_contradictions_are_imported_and_reported(self, run):
        said = run([row(Qualified="2024-03-05", Won="2024-03-02")])
        assert (said["contradiction"], Journey.objects.get().outcome) == (1, "won")
        assert "WON on 2024-03-02 00:00 is 3.0 days before MQL" in ImportProblem.objects.get().message

    def test_dates_outside_the_calendar_are_rejected(self, run):
        said = run([row(Created="1889-01-01")])
        assert said["rejected"] == 1

    def test_a_move_that_cannot_be_made_is_reported_and_the_rest_stands(self, run):
        run([row(Won="2024-04-01")])
        said = run([row(Rejected="2024-05-01")], moves=[{"kind": "reject", "at": "Created"}])
        assert said["refused"] == 1
        assert Journey.objects.get().outcome == "won"

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"fields": {"name": "Missing"}}, "does not have: Missing"),
            ({"fields": {"shoe_size": "Name"}}, "does not know shoe_size"),
            ({"promis": "none"}, "mean nothing here: promis"),
            ({"promise": "later"}, '"promise" is one of'),
            ({"zone": "Mars/Olympus"}, "IANA"),
            ({"key": {}}, '"key" names one column'),
            ({"key": {"external_id": "Email"}}, 'needs a "system"'),
            ({"moves": [{"kind": "teleport"}]}, '"kind" is one of'),
            ({"moves": [{"at": "Created"}]}, 'An advance says where "to"'),
        ],
    )
    def test_a_mapping_that_does_not_fit_is_refused_before_anything_is_stored(self, run, changes, sentence):
        with pytest.raises(CommandError, match=sentence):
            run([row()], **changes)
        assert not Job.objects.exists()

    def test_files_that_are_no_table_are_refused(self, tmp_path):
        mapping = tmp_path / "mapping.json"
        mapping.write_text(json.dumps(BY_EMAIL))
        for name, content in {"empty.csv": b"", "utf16.csv": "Email".encode("utf-16"), "twice.csv": b"a,a\n"}.items():
            (tmp_path / name).write_bytes(content)
            with pytest.raises(CommandError):
                call_command("import_csv", str(tmp_path / name), mapping=mapping)


@pytest.mark.django_db
def test_without_a_mapping_one_is_proposed_and_nothing_imported(tmp_path):
    file, out, notes = tmp_path / "leads.csv", io.StringIO(), io.StringIO()
    file.write_text("Leads of March,,\nE-mail,Full name,MQL date\nana@acme.example,Ana,2024-03-01\n")
    call_command("import_csv", str(file), stdout=out, stderr=notes)
    proposed = json.loads(out.getvalue())
    assert proposed["key"] == {"email": "E-mail"}
    assert proposed["moves"] == [{"to": "MQL", "at": "MQL date"}]
    assert "1 row above the header" in notes.getvalue()
    assert not Job.objects.exists()
    (tmp_path / "page.csv").write_text("<html>")
    with pytest.raises(CommandError, match="web page"):
        call_command("import_csv", str(tmp_path / "page.csv"))


@pytest.mark.django_db
class TestOwners:
    CHANGES = {"fields": {"name": "Name"}, "owner": {"column": "Company", "unknown": "add"}}

    def test_unknown_owners_become_people_without_a_login(self, run):
        run([row(Company="Kim Park")], **self.CHANGES)
        owner = Lead.objects.get().owner
        assert (owner.name, owner.email, owner.has_usable_password()) == ("Kim Park", None, False)
        assert Journey.objects.get().owner == owner
        assert HolderInterval.objects.get().held.lower == datetime(2024, 3, 1, tzinfo=UTC)

    def test_a_known_name_is_the_person_that_stands(self, run):
        kim = User.objects.create_user(name="Kim Park", email="kim@example.com", role="rep")
        run([row(Company="Kim Park"), row("b@acme.example", Company="kim@example.com")], **self.CHANGES)
        assert set(Lead.objects.values_list("owner", flat=True)) == {kim.pk}

    def test_unknown_owners_can_be_left_out_or_reject_the_row(self, run):
        run([row(Company="Kim Park")], fields={}, owner={"column": "Company", "unknown": "none"})
        assert Lead.objects.get().owner is None
        said = run([row("b@acme.example", Company="Kim Park")], owner={"column": "Company", "unknown": "reject"})
        assert said["rejected"] == 1


@pytest.mark.django_db
class TestClocks:
    OPEN = row(Qualified="2024-03-05")
    WON = row("b@acme.example", Qualified="2024-03-05", Won="2024-03-20")

    def test_by_default_an_import_starts_no_clock(self, run):
        run([self.OPEN])
        assert not Clock.objects.exists()

    def test_history_settles_clocks_silently(self, run):
        run([self.OPEN, self.WON], promise="history")
        assert list(Clock.objects.values_list("is_silent", flat=True)) == [True, True]
        assert Clock.objects.get(lead__email_key="b@acme.example").stopped_at == datetime(2024, 3, 20, tzinfo=UTC)

    def test_starting_now_gives_open_leads_a_running_clock(self, run):
        run([self.OPEN], promise="start")
        clock = Clock.objects.get()
        assert (clock.is_silent, clock.stopped_at) == (False, None)


@pytest.mark.django_db
class TestRouting:
    OPEN, WON = TestClocks.OPEN, TestClocks.WON

    def test_history_stays_in_no_ones_hands_unless_the_import_says_otherwise(self, run):
        make_routing(make_pool(rep := make_user()))
        run([self.OPEN, self.WON], promise="start")
        assert not Lead.objects.exclude(owner=None).exists()
        run([row("c@acme.example", Qualified="2024-03-05"), row("d@acme.example", Won="2024-03-20")], route=True)
        assert list(Lead.objects.exclude(owner=None).values_list("email_key", "owner")) == [("c@acme.example", rep.pk)]


@pytest.mark.django_db
class TestTwice:
    def test_running_a_file_twice_changes_nothing(self, run):
        rows = [row(f"a{number}@acme.example", Qualified="2024-03-05") for number in range(20)] + [
            row(Won="2024-06-01")
        ]
        run(rows)
        before = (list(Lead.objects.order_by("pk").values()), list(LeadTransition.objects.order_by("pk").values()))
        said = run(rows)
        after = (list(Lead.objects.order_by("pk").values()), list(LeadTransition.objects.order_by("pk").values()))
        assert after == before
        assert (said["created"], said["updated"], said["unchanged"], said["moves"]) == (0, 0, 21, 0)

    def test_a_second_file_adds_outcomes_to_leads_that_stand(self, run):
        run([row(Qualified="2024-03-05")])
        said = run(
            [["ana@acme.example", "2024-04-01"], ["stranger@acme.example", "2024-04-02"]],
            columns=["Email", "Won"],
            fields={},
            moves=[{"kind": "win", "at": "Won"}],
            unknown_lead="reject",
        )
        assert (said["updated"], said["rejected"], Lead.objects.count()) == (1, 1, 1)
        assert Journey.objects.get().won_at == datetime(2024, 4, 1, tzinfo=UTC)

    def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(self, run, django_assert_max_num_queries):
        run([row("warm@acme.example")])
        with django_assert_max_num_queries(70) as one:
            run([row("x@one.example", Company="One", Qualified="2024-03-05")])
        with django_assert_max_num_queries(70) as many:
            run([row(f"x@n{n}.example", Company=f"N {n}", Qualified="2024-03-05") for n in range(500)])
        assert len(many) == len(one)


@pytest.mark.django_db(transaction=True)
def test_a_killed_import_goes_on_where_its_last_slice_ended(tmp_path, monkeypatch):
    """Kill the importing process at a moment in the middle; whoever resumes the job loses and doubles nothing."""
    rows = 30_000
    file, mapping = tmp_path / "many.csv", tmp_path / "mapping.json"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows(row(f"p{number}@c{number % 999}.example", Qualified="2024-03-05") for number in range(rows))
    mapping.write_text(json.dumps(BY_EMAIL))
    importing = start_process(
        "from django.core.management import call_command\n"
        f"call_command('import_csv', {str(file)!r}, mapping=__import__('pathlib').Path({str(mapping)!r}))"
    )
    deadline = time.monotonic() + 60
    while not Job.objects.filter(done__gte=5_000).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    importing.send_signal(signal.SIGKILL)
    importing.wait()
    job = Job.objects.get()
    assert 0 < job.done < rows
    assert Lead.objects.count() == job.done
    Job.objects.update(leased_until=datetime(2000, 1, 1, tzinfo=UTC))  # the lease of the dead runs out
    jobs.run(job.pk)
    assert Job.objects.get().state == "done"
    assert (Lead.objects.count(), LeadTransition.objects.count()) == (rows, 2 * rows)


@pytest.mark.django_db(transaction=True)
def test_what_was_read_ahead_goes_by_what_holds_when_it_is_received(monkeypatch):
    monkeypatch.setattr(slicing, "SLICE_ROWS", 2)
    lines = [f"{name},{name}@acme.example,Acme,MQL,2026-05-20," for name in ("Ana", "Ben", "Cem", "Dora", "Eve")]
    batch = make_import(text="\n".join(["Name,Email,Company,Stage,Handed over,Notes", *lines]) + "\n")
    job_id = imports.run(batch_id=batch.pk, actor=batch.created_by).job_id

    jobs.run(job_id, within=timedelta(0))
    assert Lead.objects.count() == 2
    assert kind_of("import").beside(Job.objects.get()), "the next slice, and the one beside it, are read"
    Company.objects.update(time_zone="America/Sao_Paulo")
    jobs.run(job_id)

    assert list(Journey.objects.order_by("lead__name").values_list("lead__name", "mql_at")) == [
        *((name, datetime(2026, 5, 20, tzinfo=UTC)) for name in ("Ana", "Ben")),
        *((name, datetime(2026, 5, 20, 3, tzinfo=UTC)) for name in ("Cem", "Dora", "Eve")),
    ]
    job = Job.objects.get(pk=job_id)
    assert (job.state, job.done, job.result["created"]) == ("done", 5, 5)


@pytest.mark.django_db
class TestMessyCells:
    DEAL: ClassVar[dict[str, Any]] = {
        "fields": {},
        "moves": [{"to": "SQO"}],
        "deal": {"fields": {"amount": "Name", "currency": "Company"}},
    }

    def test_a_text_that_is_too_long_is_cut_and_said(self, run):
        said = run([row(Name="x" * 500, Company="y" * 500)], fields={"phone": "Name", "title": "Company"})
        lead = Lead.objects.get()
        assert (len(lead.phone), len(lead.title), said["remark"]) == (60, 160, 2)

    def test_an_id_that_is_too_long_is_none(self, run):
        said = run([row("x" * 201)], key={"external_id": "Email"}, system="crm")
        assert said["rejected"] == 1
        assert "that is no id" in ImportProblem.objects.get().message

    def test_an_id_that_a_spreadsheet_shortened_is_none(self, run):
        said = run([row("1.23457E+11"), row("123457000000")], key={"external_id": "Email"}, system="crm")
        assert (said["created"], said["rejected"]) == (1, 1)
        assert "shortened the id to “1.23457E+11”" in ImportProblem.objects.get().message

    @pytest.mark.parametrize("text", ["N/A", "-", "null", "(No value)", "0000-00-00 00:00:00"])
    def test_words_for_nothing_are_no_date(self, run, text):
        said = run([row(Qualified=text)])
        assert (said["created"], Journey.objects.get().mql_at) == (1, None)

    @pytest.mark.parametrize(
        ("amount", "currency", "expected"),
        [
            ("1.234,50", "usd", ("1234.50", "USD")), ("€ 1.234,50", "", ("1234.50", "EUR")), ("7", "", ("7.00", "EUR")),
            ("USD 7", "", ("7.00", "USD")), ("$7", "", ("7.00", "EUR")), ("n/a", "CHF", (None, "CHF")),
        ],
    )  # fmt: skip
    def test_amounts_and_currencies_as_they_are_written(self, run, amount, currency, expected):
        run([row(Name=amount, Company=currency)], **self.DEAL)
        deal = Opportunity.objects.get()
        assert (deal.amount if deal.amount is None else str(deal.amount), deal.currency) == expected

    @pytest.mark.parametrize(("amount", "currency"), [("7", "Euro"), ("seven", ""), ("(7)", ""), ("1e99", "")])
    def test_what_is_no_amount_or_currency_rejects_its_row(self, run, amount, currency):
        said = run([row(Name=amount, Company=currency), row("b@acme.example", Name="5", Company="")], **self.DEAL)
        assert (said["created"], said["rejected"]) == (1, 1)

    def test_dates_that_nothing_decides_are_refused_before_anything_is_stored(self, run):
        with pytest.raises(CommandError, match="Nothing in Created decides what “03/04/2024” means"):
            run([row(Created="03/04/2024")])
        run([row(Created="03/04/2024")], notations={"Created": "mdy"})
        assert Journey.objects.get().mgl_at == datetime(2024, 3, 4, tzinfo=UTC)

    def test_one_row_decides_for_all(self, run):
        run([row(Created="03/04/2024"), row("b@acme.example", Created="13/04/2024")])
        assert set(Journey.objects.values_list("mgl_at", flat=True)) == {
            datetime(2024, 4, 3, tzinfo=UTC), datetime(2024, 4, 13, tzinfo=UTC),
        }  # fmt: skip
