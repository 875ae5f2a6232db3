"""What the columns of a file are proposed as: by a preset, by their names, by their values."""

import csv
import io
import os
from pathlib import Path

import pytest

from alignment.integrations.importers.choices import compose, decompose
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.presets import fill
from alignment.integrations.importers.presets.known import PRESETS, recognised
from alignment.integrations.importers.proposals import Proposal, linked, propose
from tests.integrations import exports

DATA = os.environ.get("ACCORD_PUBLIC_DATA", "")


def proposed(text: str) -> tuple[Proposal, dict[str, str]]:
    """The proposal for a file, and its targets by column."""
    rows = list(csv.DictReader(io.StringIO(text)))
    header = next(csv.reader(io.StringIO(text)))
    proposal = propose(header, rows, name="leads")
    return proposal, dict(decompose(proposal.mapping, header).targets)


class TestPresets:
    @pytest.mark.parametrize(
        ("columns", "name"),
        [
            (exports.HUBSPOT_CONTACTS, "HubSpot contacts"),
            (exports.HUBSPOT_DEALS, "HubSpot deals"),
            (exports.SALESFORCE_LEADS, "Salesforce leads"),
            (exports.SALESFORCE_LEAD_REPORT, "Salesforce leads"),
            (exports.SALESFORCE_OPPORTUNITIES, "Salesforce opportunities"),
            (exports.SALESFORCE_OPPORTUNITY_REPORT, "Salesforce opportunities"),
            (exports.SALESFORCE_MEMBERS, "Salesforce campaign members"),
            (exports.SALESFORCE_MEMBER_REPORT, "Salesforce campaign members"),
            (exports.MARKETO_LEADS, "Marketo leads"),
            (exports.MARKETO_LEAD_LABELS, "Marketo leads"),
            (exports.MARKETO_ACTIVITIES, "Marketo activities"),
            (exports.MAUTIC_CONTACTS, "Mautic contacts"),
        ],
    )
    def test_an_export_is_known_by_its_header(self, columns, name):
        for header in (columns, [each.upper() for each in columns], [each.replace(" ", "_") for each in columns][::-1]):
            preset = recognised(header)
            assert preset is not None
            assert preset.name == name
            Mapping.parse(propose(header, []).mapping)

    @pytest.mark.parametrize(
        "columns",
        [
            ["Email", "Name", "Company", "Source"],
            ["id", "email", "name", "created_at"],
            ["Status", "Company", "Name", "Owner"],
            ["Record Id", "Lead Owner", "Lead Source", "Last Name", "Created Time"],
        ],
    )
    def test_what_is_nobodys_export_is_no_preset(self, columns):
        assert recognised(columns) is None

    @pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
    def test_every_preset_is_a_mapping_with_all_its_columns_and_with_the_fewest(self, preset):
        whole = fill(preset.mapping, {sign: sign.removeprefix("@") for sign in preset.names})
        Mapping.parse(whole)
        least = [next(iter(preset.names[signs[0]])) for signs in preset.needs]
        Mapping.parse(fill(preset.mapping, preset.columns(least)))

    def test_lifecycle_dates_become_milestones(self):
        _, targets = proposed(exports.table(exports.HUBSPOT_CONTACTS))
        assert {column: target for column, target in targets.items() if target.startswith("date:")} == {
            "Became a Lead Date": "date:MGL",
            "Became a Marketing Qualified Lead Date": "date:MQL",
            "Became a Sales Qualified Lead Date": "date:SQL",
            "Became an Opportunity Date": "date:SQO",
            "Became a Customer Date": "date:win",
        }

    def test_links_back_are_made_from_an_answer(self):
        proposal, _ = proposed(exports.table(exports.HUBSPOT_CONTACTS))
        assert "Hub ID" in proposal.asks
        assert linked(proposal.mapping, proposal, " 1234567 ")["url"] == (
            "https://app.hubspot.com/contacts/1234567/record/0-1/{key}"
        )
        proposal, _ = proposed(exports.table(exports.SALESFORCE_LEADS))
        answer = "https://acme.my.salesforce.com/lightning/page/home"
        assert linked(proposal.mapping, proposal, answer)["url"] == "https://acme.my.salesforce.com/{key}"
        assert "url" not in linked(proposal.mapping, proposal, "  ")

    @pytest.mark.skipif(not DATA, reason="ACCORD_PUBLIC_DATA does not name the folder of the public data")
    @pytest.mark.parametrize(
        ("file", "name"),
        [
            ("hubspot/contacts_export_header_2023-02-21.csv", "HubSpot contacts"),
            ("salesforce/Lead_header_api_names.csv", "Salesforce leads"),
            ("salesforce/Opportunity_header_api_names.csv", "Salesforce opportunities"),
            ("salesforce/CampaignMember_header_api_names.csv", "Salesforce campaign members"),
            ("salesforce/sf_lead_data.csv", "Salesforce leads"),
            ("salesforce/sf_opportunity_data.csv", "Salesforce opportunities"),
            ("marketo/lead.csv", "Marketo leads"),
            ("marketo/activity_open_email.csv", "Marketo activities"),
            ("marketo/activity_click_email.csv", "Marketo activities"),
            ("marketo/campaign.csv", ""),
            ("marketo/program.csv", ""),
            ("salesforce/sf_task_data.csv", "Salesforce tasks"),
        ],
    )
    def test_public_headers(self, file, name):
        with (Path(DATA) / "formats" / file).open(encoding="utf-8-sig", newline="") as text:
            preset = recognised(next(csv.reader(text)))
        assert (preset.name if preset else "") == name


class TestNames:
    def test_usual_names_are_known_with_the_reason(self):
        proposal, targets = proposed(
            "E-Mail,Vorname,Nachname,Firma,utm_source,Date added,MQL date,Owner\n"
            "ana@acme.example,Ana,Costa,Acme,web,2024-03-01,2024-03-05,Kim\n"
        )
        assert targets == {
            "E-Mail": "field:email", "Vorname": "field:name", "Nachname": "field:name", "Firma": "field:company_name",
            "utm_source": "field:source", "Date added": "created", "MQL date": "date:MQL", "Owner": "owner",
        }  # fmt: skip
        assert proposal.mapping["key"] == {"email": "E-Mail"}
        assert proposal.mapping["fields"]["name"] == ["Vorname", "Nachname"]
        assert "marketing handed it over" in proposal.reasons["MQL date"]

    def test_the_family_name_comes_last_wherever_it_stands(self):
        proposal, _ = proposed("Last Name,First Name,Email\nCosta,Ana,ana@acme.example\n")
        assert proposal.mapping["fields"]["name"] == ["First Name", "Last Name"]
        text = exports.table(["Id", "LastName", "FirstName", "Email", "LeadSource", "Status", "IsConverted"])
        proposal, _ = proposed(text)
        choices = decompose(proposal.mapping, next(csv.reader(io.StringIO(text))))
        assert compose(choices)["fields"]["name"] == ["FirstName", "LastName"]

    def test_a_name_that_its_values_contradict_is_not_believed(self):
        _, targets = proposed("Email,Won,Amount,Created\na@a.example,yes,big,Kim\nb@b.example,no,small,Pat\n")
        assert (targets["Won"], targets["Amount"], targets["Created"]) == ("attribute", "attribute", "attribute")

    def test_addresses_are_known_by_their_values(self):
        proposal, targets = proposed("Kontakt,x\na@a.example,1\nb@b.example,2\nc@c.example,3\n")
        assert targets["Kontakt"] == "field:email"
        assert "All 3 values" in proposal.reasons["Kontakt"]

    def test_the_first_of_two_columns_counts(self):
        _, targets = proposed("Email,Work Email,Name\na@a.example,b@b.example,Ana\n")
        assert targets == {"Email": "field:email", "Work Email": "attribute", "Name": "field:name"}

    def test_a_column_that_nobody_fills_is_left_out(self):
        proposal, targets = proposed("Email,Fax\na@a.example,\n")
        assert (targets["Fax"], proposal.reasons["Fax"]) == ("", "No row in sight fills it.")

    def test_stages_are_known_by_their_values(self):
        proposal, targets = proposed(
            "Deal ID,Stage,Close date,Amount\n1,Closed Won,2024-03-01,5\n2,Closed Lost,2024-03-02,6\n3,Proposal,,7\n"
        )
        assert (targets["Stage"], targets["Close date"], targets["Deal ID"]) == ("status", "date:close", "id")
        assert [move["kind"] for move in proposal.mapping["moves"]["cases"]["Closed Lost"][-1:]] == ["lose"]
        Mapping.parse(proposal.mapping)

    def test_a_status_that_names_no_stage_is_kept_with_the_lead(self):
        proposal, targets = proposed("Email,Status,Close date\na@a.example,active,2024-03-01\nb@b.example,idle,\n")
        assert (targets["Status"], targets["Close date"]) == ("attribute", "attribute")
        assert "name no stage" in proposal.reasons["Status"]

    def test_without_an_address_a_column_of_ids_is_the_key(self):
        proposal, _ = proposed("opportunity_id,Name\nA1,Ana\nB2,Ben\n")
        assert proposal.mapping["key"] == {"external_id": "opportunity_id"}

    def test_without_either_the_key_is_asked(self):
        proposal, _ = proposed("Name,City\nAna,Porto\nAna,Porto\n")
        assert proposal.mapping["key"] == {}
