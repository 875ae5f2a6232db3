"""Exports of other systems come in without a word of explanation: leads, then their deals, then their touches."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from alignment.integrations.models import ImportProblem
from leads.models import (
    ExternalReference,
    Journey,
    Lead,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    Touchpoint,
)
from tests.integrations.exports import (
    HUBSPOT_CONTACTS,
    HUBSPOT_DEALS,
    MARKETO_ACTIVITIES,
    MARKETO_LEADS,
    MAUTIC_CONTACTS,
    REPORT_FOOTER,
    SALESFORCE_LEAD_REPORT,
    SALESFORCE_LEADS,
    SALESFORCE_MEMBER_REPORT,
    SALESFORCE_MEMBERS,
    SALESFORCE_OPPORTUNITIES,
    SALESFORCE_OPPORTUNITY_REPORT,
    table,
)

pytestmark = pytest.mark.django_db


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def state() -> list[list[tuple]]:
    """Everything that an import writes, to be compared."""
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (Lead, Journey, Opportunity, OpportunityChange, OpportunityContact, Touchpoint, ExternalReference)
    ]


CONTACT = {
    "Record ID": 51, "First Name": "Ana", "Last Name": "Costa", "Email": "ana@acme.example", "Company Name": "Acme",
    "Contact owner": "Kim Park", "Create Date": "2024-01-02 09:30", "Original Source": "Organic Search",
    "Lifecycle Stage": "Sales Qualified Lead", "Became a Lead Date": "2024-01-02 09:30",
    "Became a Marketing Qualified Lead Date": "2024-01-10 10:00",
    "Became a Sales Qualified Lead Date": "2024-01-12 11:00", "HubSpot Score": 37,
}  # fmt: skip


class TestHubSpot:
    def test_a_contact_comes_with_its_lifecycle_owner_and_reference(self, bring):
        said = bring(table(HUBSPOT_CONTACTS, CONTACT), url="https://app.hubspot.com/contacts/1/record/0-1/{key}")
        lead, journey = Lead.objects.get(), Journey.objects.get()
        assert said["created"] == 1
        assert (lead.name, lead.owner.name, lead.source.key) == ("Ana Costa", "Kim Park", "organic_search")
        assert lead.attributes == {"HubSpot Score": "37"}
        assert (journey.mgl_at, journey.mql_at, journey.sql_at, journey.sqo_at) == (
            day("2024-01-02 09:30"), day("2024-01-10 10:00"), day("2024-01-12 11:00"), None,
        )  # fmt: skip
        reference = lead.references.get()
        assert (reference.system, reference.external_id) == ("hubspot", "51")
        assert reference.url == "https://app.hubspot.com/contacts/1/record/0-1/51"

    @pytest.mark.parametrize(
        ("stage", "reached", "outcome"),
        [
            ("Subscriber", 1, ""), ("Lead", 1, ""), ("Marketing Qualified Lead", 2, ""),
            ("marketingqualifiedlead", 2, ""),
            ("Sales Qualified Lead", 3, ""), ("Opportunity", 4, ""), ("Customer", 5, "won"), ("Evangelist", 5, "won"),
            ("4711", 1, ""), ("", 1, ""),
        ],
    )  # fmt: skip
    def test_where_a_contact_stands_counts_without_a_date(self, bring, stage, reached, outcome):
        bring(table(HUBSPOT_CONTACTS, {"Record ID": 1, "Lifecycle Stage": stage, "Create Date": "2024-01-02 09:30"}))
        journey = Journey.objects.get()
        assert (journey.reached, journey.outcome) == (reached, outcome)
        assert (journey.mql_at, journey.sql_at, journey.won_at) == (None, None, None)
        assert journey.mgl_at == (day("2024-01-02 09:30") if reached == 1 else None)

    @pytest.mark.parametrize(
        ("status", "outcome"), [("Unqualified", "rejected"), ("Bad timing", "recycled"), ("New", "")]
    )
    def test_the_lead_status_ends_a_pass(self, bring, status, outcome):
        bring(table(HUBSPOT_CONTACTS, {**CONTACT, "Lead Status": status}))
        assert Journey.objects.get().outcome == outcome

    @pytest.mark.parametrize(
        ("optout", "consent"), [("Yes", "withdrawn"), ("true", "withdrawn"), ("No", "unknown"), ("", "unknown")]
    )
    def test_who_opted_out_has_withdrawn_and_nobody_else_agreed(self, bring, optout, consent):
        bring(table(HUBSPOT_CONTACTS, {**CONTACT, "Unsubscribed from all email": optout}))
        assert Lead.objects.get().consent == consent

    def test_epoch_milliseconds_of_the_api(self, bring):
        bring(table(HUBSPOT_CONTACTS, {**CONTACT, "Became a Lead Date": "1704187800000"}))
        assert Journey.objects.get().mgl_at == day("2024-01-02 09:30")

    def test_a_deal_moves_the_contact_that_it_names(self, bring):
        bring(table(HUBSPOT_CONTACTS, CONTACT, {**CONTACT, "Record ID": 52, "Email": "ben@acme.example"}))
        said = bring(
            table(
                HUBSPOT_DEALS,
                {
                    "Record ID": 9, "Deal Name": "Acme 2024", "Deal Stage": "Closed won", "Amount": "1234.5",
                    "Deal owner": "Kim Park", "Close Date": "2024-03-01 12:00", "Create Date": "2024-02-01 08:00",
                    "Associated Contact IDs": "51; 52",
                },
            )
        )  # fmt: skip
        deal = Opportunity.objects.get()
        journey = Journey.objects.get(lead__email_key="ana@acme.example")
        assert (said["created"], said["moves"]) == (1, 2)
        assert (deal.name, deal.amount, deal.state, deal.owner.name) == (
            "Acme 2024",
            Decimal("1234.50"),
            "won",
            "Kim Park",
        )
        assert (deal.closed_at, deal.account.name) == (day("2024-03-01 12:00"), "Acme")
        assert (journey.outcome, journey.sqo_at, journey.won_at) == (
            "won", day("2024-02-01 08:00"), day("2024-03-01 12:00"),
        )  # fmt: skip
        group = OpportunityContact.objects.order_by("-is_primary").values_list("lead__email_key", "is_primary")
        assert list(group) == [("ana@acme.example", True), ("ben@acme.example", False)]

    def test_a_deal_finds_its_contact_by_the_address_beside_the_name(self, bring):
        bring(table(HUBSPOT_CONTACTS, CONTACT))
        columns = [*HUBSPOT_DEALS[:-1], "Associated Contact"]
        deal = {"Record ID": 9, "Deal Name": "Acme", "Deal Stage": "Closed lost", "Close Date": "2024-03-01 12:00"}
        bring(table(columns, {**deal, "Associated Contact": "Ben; Ana Costa (Ana@Acme.example)"}))
        assert Journey.objects.get().outcome == "lost"


LEAD = {
    "Id": "00Q5g00000ABCdeEAH", "IsDeleted": "false", "FirstName": "Ana", "LastName": "Costa", "Company": "Acme",
    "Email": "ana@acme.example", "LeadSource": "Web", "Status": "Open - Not Contacted",
    "OwnerId": "0055g000001AbCdEAK", "IsConverted": "false", "CreatedDate": "2024-01-02T09:30:00.000+0000",
}  # fmt: skip
CONVERTED = {
    **LEAD, "Status": "Closed - Converted", "IsConverted": "true", "ConvertedDate": "2024-02-01",
    "ConvertedContactId": "0035g00000XyzabAAB", "ConvertedOpportunityId": "0065g00000OppabAAC",
}  # fmt: skip
OPPORTUNITY = {
    "Id": "0065g00000OppabAAC", "IsDeleted": "false", "Name": "Acme licences", "StageName": "Closed Won", "Amount": 900,
    "CloseDate": "2024-03-05", "IsClosed": "true", "IsWon": "true", "CreatedDate": "2024-02-01T10:00:00.000Z",
}  # fmt: skip


class TestSalesforce:
    def test_a_lead_that_was_converted_carries_its_opportunity(self, bring):
        bring(table(SALESFORCE_LEADS, CONVERTED))
        journey = Journey.objects.get()
        assert (journey.mgl_at, journey.sql_at, journey.sqo_at) == (
            day("2024-01-02 09:30"), day("2024-02-01"), day("2024-02-01"),
        )  # fmt: skip
        named = ExternalReference.objects.filter(system="salesforce")
        assert set(named.filter(lead__isnull=False).values_list("external_id", flat=True)) == {
            "00Q5g00000ABCdeEAH", "0035g00000XyzabAAB",
        }  # fmt: skip
        assert journey.opportunity.references.get().external_id == "0065g00000OppabAAC"
        assert journey.opportunity.name == "Acme · 0065g00000OppabAAC"

    @pytest.mark.parametrize(
        ("status", "reached", "outcome"),
        [
            ("Open - Not Contacted", 1, ""), ("Working - Contacted", 3, ""), ("Closed - Not Converted", 1, "rejected"),
            ("Unqualified", 1, "rejected"), ("Nurturing", 1, "recycled"), ("Our own word", 1, ""),
        ],
    )  # fmt: skip
    def test_the_status_says_what_became_of_a_lead(self, bring, status, reached, outcome):
        bring(table(SALESFORCE_LEADS, {**LEAD, "Status": status}))
        assert (Journey.objects.get().reached, Journey.objects.get().outcome) == (reached, outcome)

    def test_deleted_records_are_skipped(self, bring):
        said = bring(table(SALESFORCE_LEADS, LEAD, {**LEAD, "Id": "00Q5g00000ABCzzEAH", "IsDeleted": "true"}))
        assert (said["created"], said["skipped"], Lead.objects.count()) == (1, 1, 1)

    def test_ids_name_no_owner_whom_nobody_knows(self, bring):
        bring(table(SALESFORCE_LEADS, LEAD))
        assert Lead.objects.get().owner is None

    def test_a_report_with_short_ids_american_dates_and_a_footer_is_the_same_lead(self, bring):
        bring(table(SALESFORCE_LEADS, LEAD))
        said = bring(
            table(
                SALESFORCE_LEAD_REPORT,
                {
                    "Lead ID": "00Q5g00000ABCde", "First Name": "Ana", "Last Name": "Costa",
                    "Company / Account": "Acme", "Lead Owner": "Kim Park", "Lead Status": "Open - Not Contacted",
                    "Create Date": "1/2/2024", "Converted": "1", "Converted Date": "1/31/2024",
                },
                footer=REPORT_FOOTER,
            ),
            notations={"Create Date": "mdy"},
        )  # fmt: skip
        assert (said["created"], said["updated"], said.get("rejected", 0), Lead.objects.count()) == (0, 1, 0, 1)
        assert Journey.objects.get().sql_at == day("2024-01-31")

    def test_what_no_row_decides_is_asked(self, bring):
        with pytest.raises(CommandError, match="Nothing in Create Date decides what “1/2/2024” means"):
            bring(
                table(
                    SALESFORCE_LEAD_REPORT,
                    {"Lead ID": "00Q5g00000ABCde", "Last Name": "Costa", "Create Date": "1/2/2024"},
                )
            )
        assert not Lead.objects.exists()

    def test_opportunities_bring_the_deals_of_converted_leads_up_to_date(self, bring):
        bring(table(SALESFORCE_LEADS, CONVERTED))
        said = bring(table(SALESFORCE_OPPORTUNITIES, OPPORTUNITY))
        deal, journey = Opportunity.objects.get(), Journey.objects.get()
        assert (said["created"], said["updated"]) == (0, 1)
        assert (deal.name, deal.amount, deal.state, deal.expected_close_on) == (
            "Acme licences", Decimal(900), "won", date(2024, 3, 5),
        )  # fmt: skip
        assert (journey.outcome, journey.won_at, journey.opportunity) == ("won", day("2024-03-05"), deal)
        assert {"name", "amount", "state"} <= set(OpportunityChange.objects.values_list("field", flat=True))

    def test_an_opportunity_without_a_known_lead_stands_alone(self, bring):
        row = {
            "Opportunity ID": "0065g00000Oppzz", "Opportunity Name": "Beta", "Account Name": "Beta Ltd",
            "Opportunity Owner": "Kim Park", "Stage": "Closed Lost", "Amount": '"1,200.00"'.strip('"'),
            "Close Date": "3/25/2024", "Created Date": "2/13/2024", "Type": "Existing Business",
        }  # fmt: skip
        bring(table(SALESFORCE_OPPORTUNITY_REPORT, row, footer=REPORT_FOOTER))
        deal = Opportunity.objects.get()
        assert (deal.state, deal.closed_at, deal.opened_at) == ("lost", day("2024-03-25"), day("2024-02-13"))
        assert (deal.account.name, deal.amount, deal.kind, deal.owner.name) == (
            "Beta Ltd",
            1200,
            "expansion",
            "Kim Park",
        )
        assert not Lead.objects.exists()

    def test_a_second_deal_of_a_lead_stands_beside_the_first(self, bring):
        bring(table(SALESFORCE_LEADS, CONVERTED))
        columns = [*SALESFORCE_OPPORTUNITIES, "ContactId"]
        second = {
            **OPPORTUNITY, "Id": "0065g00000Opp22AAC", "IsWon": "false", "ContactId": "0035g00000XyzabAAB",
            "Name": "Acme services",
        }  # fmt: skip
        bring(table(columns, OPPORTUNITY, second))
        assert dict(Opportunity.objects.values_list("name", "state")) == {
            "Acme licences": "won",
            "Acme services": "lost",
        }
        assert Journey.objects.get().opportunity.name == "Acme licences"
        assert Journey.objects.get().outcome == "won"

    def test_a_deal_that_changes_is_changed_and_each_change_is_a_row(self, bring):
        still_open = {**OPPORTUNITY, "StageName": "Prospecting", "IsClosed": "false", "IsWon": "false"}
        bring(table(SALESFORCE_OPPORTUNITIES, still_open))
        said = bring(table(SALESFORCE_OPPORTUNITIES, {**still_open, "Amount": 950}))
        assert (said["updated"], Opportunity.objects.get().amount) == (1, 950)
        assert list(OpportunityChange.objects.filter(field="amount").values_list("old", "new")) == [
            ("", "900.00"), ("900.00", "950.00"),
        ]  # fmt: skip

    def test_of_several_rows_of_one_deal_the_last_counts(self, bring):
        said = bring(table(SALESFORCE_OPPORTUNITIES, {**OPPORTUNITY, "Amount": 1}, OPPORTUNITY))
        assert (Opportunity.objects.get().amount, said["remark"]) == (900, 1)

    def test_campaign_members_are_touches_of_their_leads(self, bring):
        bring(table(SALESFORCE_LEADS, CONVERTED))
        member = {
            "IsDeleted": "false", "CampaignId": "7015g000000Cmp1AAC", "Status": "Sent", "HasResponded": "false",
            "CreatedDate": "2024-01-15T08:00:00.000+0000",
        }  # fmt: skip
        said = bring(
            table(
                SALESFORCE_MEMBERS,
                {**member, "Id": "00v5g00000Mem11AAA", "LeadId": LEAD["Id"]},
                {
                    **member, "Id": "00v5g00000Mem22AAA", "ContactId": "0035g00000XyzabAAB", "Status": "Attended",
                    "HasResponded": "true", "FirstRespondedDate": "2024-01-20",
                },
                {**member, "Id": "00v5g00000Mem33AAA", "Email": "Ana@acme.example"},
                {**member, "Id": "00v5g00000Mem44AAA", "LeadId": "00Q5g00000NobodyEAH"},
            )
        )  # fmt: skip
        assert (said["created"], said["rejected"]) == (3, 1)
        assert list(Touchpoint.objects.order_by("pk").values_list("title", "at", "is_engaged", "campaign__key")) == [
            ("Member of a campaign: Sent", day("2024-01-15 08:00"), False, "7015g000000cmp1aac"),
            ("Responded to a campaign: Attended", day("2024-01-20"), True, "7015g000000cmp1aac"),
            ("Member of a campaign: Sent", day("2024-01-15 08:00"), False, "7015g000000cmp1aac"),
        ]
        assert "import the leads first" in ImportProblem.objects.get(kind="rejected").message

    def test_a_member_who_responds_later_has_two_touches(self, bring):
        bring(table(SALESFORCE_LEADS, LEAD))
        member = {
            "Id": "00v5g00000Mem11AAA", "CampaignId": "Spring", "LeadId": LEAD["Id"], "CreatedDate": "2024-01-15",
            "Status": "Sent", "HasResponded": "false",
        }  # fmt: skip
        bring(table(SALESFORCE_MEMBERS, member))
        later = {**member, "Status": "Attended", "HasResponded": "true", "FirstRespondedDate": "2024-01-20"}
        for _ in range(2):
            bring(table(SALESFORCE_MEMBERS, later))
        assert list(Touchpoint.objects.order_by("at").values_list("is_engaged", flat=True)) == [False, True]

    def test_a_report_without_ids_finds_members_by_campaign_and_address(self, bring):
        bring(table(SALESFORCE_LEADS, LEAD))
        columns = ["Campaign Name", "Member Status", "Member First Associated Date", "First Name", "Last Name", "Email"]
        row = {
            "Campaign Name": "Spring webinar", "Member Status": "Attended", "Email": "ana@acme.example",
            "Member First Associated Date": "1/20/2024",
        }  # fmt: skip
        said = [bring(table(columns, row, {**row, "Campaign Name": "Summer fair"})) for _ in range(2)]
        assert [(each["created"], each["unchanged"]) for each in said] == [(2, 0), (0, 2)]
        assert set(Touchpoint.objects.values_list("campaign__name", "is_engaged")) == {
            ("Spring webinar", True), ("Summer fair", True),
        }  # fmt: skip

    def test_a_report_of_members(self, bring):
        bring(table(SALESFORCE_LEADS, LEAD))
        bring(
            table(
                SALESFORCE_MEMBER_REPORT,
                {
                    "Campaign Name": "Spring webinar", "Member Status": "Attended", "Created Date": "1/15/2024",
                    "Lead ID": "00Q5g00000ABCde", "Campaign Member ID": "00v5g00000Mem11", "Responded": "1",
                    "Member First Responded Date": "1/20/2024",
                },
                footer=REPORT_FOOTER,
            )
        )  # fmt: skip
        touch = Touchpoint.objects.get()
        assert (touch.campaign.name, touch.at, touch.is_engaged) == ("Spring webinar", day("2024-01-20"), True)

    def test_everything_twice_changes_nothing(self, bring):
        files = [
            table(SALESFORCE_LEADS, CONVERTED, {**LEAD, "Id": "00Q5g00000ABCffEAH", "Email": "ben@acme.example"}),
            table(SALESFORCE_OPPORTUNITIES, OPPORTUNITY, {**OPPORTUNITY, "Id": "0065g00000Opp22AAC", "IsWon": "false"}),
            table(
                SALESFORCE_MEMBERS,
                {
                    "Id": "00v5g00000Mem11AAA", "CampaignId": "Spring", "LeadId": LEAD["Id"], "Status": "Sent",
                    "CreatedDate": "2024-01-15T08:00:00.000+0000", "HasResponded": "false",
                },
            ),
        ]  # fmt: skip
        for text in files:
            bring(text)
        call_command("verify", stdout=io.StringIO())
        before = state()
        again = [bring(text) for text in files]
        assert state() == before
        assert [(said["created"], said.get("updated", 0), said["unchanged"]) for said in again] == [
            (0, 0, 2), (0, 0, 2), (0, 0, 1),
        ]  # fmt: skip


class TestMarketo:
    LEAD = {
        "id": 7, "created_at": "2019-12-29 08:15:15.000", "updated_at": "2020-05-13 23:43:24.000",
        "email": "ana@acme.example", "first_name": "Ana", "last_name": "Costa",
    }  # fmt: skip

    def test_a_lead_comes_with_its_date_and_reference(self, bring):
        bring(table(MARKETO_LEADS, self.LEAD))
        lead = Lead.objects.get()
        assert (lead.name, lead.references.get().system) == ("Ana Costa", "marketo")
        assert Journey.objects.get().mgl_at == day("2019-12-29 08:15:15")

    def test_activities_that_are_touches_become_touches(self, bring):
        bring(table(MARKETO_LEADS, self.LEAD))
        kinds = [("10", "Spring"), ("11", "Spring"), ("2", "Demo form"), ("13", "Company"), ("32", "")]
        rows = [
            {
                "marketoGUID": number, "leadId": 7, "activityDate": "2020-05-09T19:46:36Z", "activityTypeId": kind,
                "primaryAttributeValue": what,
            }
            for number, (kind, what) in enumerate(kinds)
        ]  # fmt: skip
        said = bring(table(MARKETO_ACTIVITIES, *rows))
        assert (said["created"], said["skipped"]) == (3, 2)
        assert list(Touchpoint.objects.order_by("pk").values_list("kind", "title", "is_engaged", "is_human")) == [
            ("e-mail", "Opened an e-mail: Spring", False, False),
            ("e-mail", "Clicked in an e-mail: Spring", True, True),
            ("form", "Filled out a form: Demo form", True, True),
        ]


def test_a_mautic_contact_comes_with_points_and_owner(bring):
    bring(
        table(
            MAUTIC_CONTACTS,
            {
                "id": 14, "firstname": "John", "lastname": "Doe", "email": "john@doe.com", "points": 12,
                "country": "Czech Republic", "date_added": "2017-06-13 09:15:47", "ownerusername": "Kim Park",
            },
        )
    )  # fmt: skip
    lead = Lead.objects.get()
    assert (lead.name, lead.owner.name, lead.territory.name) == ("John Doe", "Kim Park", "Czech Republic")
    assert lead.attributes == {"points": "12"}
    assert Journey.objects.get().mgl_at == day("2017-06-13 09:15:47")
    assert Lead.objects.get().references.get().external_id == "14"


@pytest.mark.parametrize("kind", ["deals", "members"])
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(bring, django_assert_max_num_queries, kind):
    def leads(count: int) -> str:
        return table(
            SALESFORCE_LEADS,
            *(
                {**LEAD, "Id": f"00Q5g0000{n:05}XYZEAH", "Email": f"p{n}@c{n}.example", "Company": f"C {n}"}
                for n in range(count)
            ),
        )

    def rows(count: int, start: int = 0) -> str:
        if kind == "deals":
            columns = [*SALESFORCE_OPPORTUNITIES, "Email"]
            return table(
                columns,
                *(
                    {**OPPORTUNITY, "Id": f"0065g000{n:05}OppXAAC", "Email": f"p{n}@c{n}.example"}
                    for n in range(start, start + count)
                ),
            )
        return table(
            SALESFORCE_MEMBERS,
            *(
                {
                    "Id": f"00v5g000{n:05}MemXAAA", "CampaignId": "Spring", "Email": f"p{n}@c{n}.example",
                    "Status": "Sent", "CreatedDate": "2024-01-15", "HasResponded": "false",
                }
                for n in range(start, start + count)
            ),
        )  # fmt: skip

    bring(leads(301))
    bring(rows(1))
    with django_assert_max_num_queries(105) as one:
        bring(rows(1, 1))
    with django_assert_max_num_queries(105) as many:
        bring(rows(290, 2))
    assert len(many) == len(one)
