"""Exports of Salesforce, by API names (Data Loader) or labels (reports): leads, opportunities, campaign members."""

from alignment.integrations.importers.presets import Preset
from alignment.integrations.importers.presets.hubspot import OPTED_OUT
from alignment.integrations.importers.presets.work import work

_LINK = "https://[host]/{key}"
_ASKS = "What is the address of your Salesforce, as in acme.my.salesforce.com? With it each record links back to it."

# Ids name nobody: whoever is not known by them already is left out rather than added as "005…".
_OWNER = {"any": [{"column": "@owner", "unknown": "add"}, {"column": "@owner_id", "unknown": "none"}]}

_WON = ({"kind": "win", "at": "@close?", "or_undated": True},)
_LOST = ({"kind": "lose", "at": "@close?", "or_undated": True},)
_RESPONDED = ({"kind": "campaign", "title": "Responded to a campaign: {@status}"},)
_MEMBER = ({"kind": "campaign", "title": "Member of a campaign: {@status}", "is_engaged": False},)

LEADS = Preset(
    name="Salesforce leads",
    system="salesforce",
    needs=(
        ("@converted", "@converted_at", "@lead_owner", "@lead_id"), ("@source", "@status"), ("@last", "@name"),
        ("@id", "@email"),
    ),
    foreign=("StageName", "Stage", "Opportunity Name", "Member Status", "CampaignId", "Created Time"),
    names={
        "@id": ("Lead ID", "Id"),
        "@lead_id": ("Lead ID",),
        "@lead_owner": ("Lead Owner",),
        "@name": ("Name", "Full Name"),
        "@first": ("FirstName", "First Name"),
        "@last": ("LastName", "Last Name"),
        "@email": ("Email",),
        "@phone": ("Phone", "MobilePhone", "Mobile"),
        "@title": ("Title",),
        "@company": ("Company", "Company / Account"),
        "@source": ("LeadSource", "Lead Source"),
        "@status": ("Lead Status", "Status"),
        "@industry": ("Industry",),
        "@country": ("Country", "Country (text only)"),
        "@owner": ("Lead Owner", "Owner"),
        "@owner_id": ("OwnerId", "Owner ID"),
        "@created": ("CreatedDate", "Create Date", "Created Date"),
        "@converted": ("IsConverted", "Converted"),
        "@converted_at": ("ConvertedDate", "Converted Date"),
        "@contact": ("ConvertedContactId", "Converted Contact ID"),
        "@deal": ("ConvertedOpportunityId", "Converted Opportunity ID"),
        "@deleted": ("IsDeleted", "Deleted"),
        "@optout": ("HasOptedOutOfEmail", "Email Opt Out"),
        "@rating": ("Rating",),
        "@employees": ("NumberOfEmployees", "No. of Employees"),
        "@revenue": ("AnnualRevenue", "Annual Revenue"),
        "@website": ("Website",),
        "@description": ("Description",),
    },
    mapping={
        "name": "Salesforce leads",
        "system": "salesforce",
        "ids": "salesforce",
        "key": {"any": [{"external_id": "@id"}, {"email": "@email"}]},
        "fields": {
            "name": {"any": [["@first", "@last"], "@name", "@last"]}, "email": "@email?", "phone": "@phone?",
            "title": "@title?", "company_name": "@company?", "source": "@source?", "segment": "@industry?",
            "territory": "@country?", "consent": "@optout?",
        },
        "values": {"@optout": OPTED_OUT},
        "attributes": ["@rating?", "@employees?", "@revenue?", "@website?", "@description?"],
        "references": ["@contact?"],
        "skip": {"@deleted": ["true", "1"]},
        "created": "@created?",
        "moves": [
            {"to": "MGL", "at": "@created"},
            {
                "any": [
                    {
                        "needs": "@converted_at",
                        "always": [
                            {"to": "SQL", "at": "@converted_at"},
                            {"to": "SQO", "at": "@converted_at", "when_filled": "@deal"},
                        ],
                    },
                    {
                        "by": "@converted",
                        "cases": {"true": [{"to": "SQL"}], "1": [{"to": "SQL"}]},
                        "otherwise": [],
                    },
                ]
            },
            {
                "by": "@status",
                "cases": {
                    **dict.fromkeys(("working - contacted", "working", "contacted"), ({"kind": "accept"},)),
                    **dict.fromkeys(("closed - not converted", "unqualified", "disqualified"), ({"kind": "reject"},)),
                    **dict.fromkeys(("nurturing", "nurture", "recycled"), ({"kind": "recycle"},)),
                },
                "otherwise": [],
            },
        ],
        "deal": {"key": "@deal"},
        "owner": _OWNER,
    },
    link=_LINK,
    asks=_ASKS,
)  # fmt: skip

OPPORTUNITIES = Preset(
    name="Salesforce opportunities",
    system="salesforce",
    needs=(("@stage",), ("@close",), ("@deal_id", "@is_won", "@forecast", "@deal_owner", "@deal_name")),
    foreign=("Deal Name", "Deal Stage"),
    names={
        "@id": ("Opportunity ID", "Id"),
        "@deal_id": ("Opportunity ID",),
        "@name": ("Opportunity Name", "Name"),
        "@deal_name": ("Opportunity Name",),
        "@deal_owner": ("Opportunity Owner",),
        "@forecast": ("ForecastCategory", "Forecast Category", "ForecastCategoryName"),
        "@stage": ("StageName", "Stage"),
        "@amount": ("Amount",),
        "@currency": ("CurrencyIsoCode", "Amount Currency", "Opportunity Currency"),
        "@close": ("CloseDate", "Close Date"),
        "@created": ("CreatedDate", "Created Date"),
        "@type": ("Type",),
        "@source": ("LeadSource", "Lead Source"),
        "@account": ("Account Name",),
        "@owner": ("Opportunity Owner", "Owner"),
        "@owner_id": ("OwnerId", "Owner ID"),
        "@contact": ("ContactId", "Contact ID", "Primary Contact ID"),
        "@email": ("Contact: Email", "Contact Email", "Email"),
        "@is_closed": ("IsClosed", "Closed"),
        "@is_won": ("IsWon", "Won"),
        "@deleted": ("IsDeleted", "Deleted"),
    },
    mapping={
        "name": "Salesforce opportunities",
        "kind": "deals",
        "system": "salesforce",
        "ids": "salesforce",
        "key": {"any": [{"external_id": "@id"}, {"external_id": "@name"}]},
        "fields": {"company_name": "@account?", "source": "@source?"},
        "lead": [{"external_id": "@contact"}, {"email": "@email"}],
        "skip": {"@deleted": ["true", "1"]},
        "deal": {
            "fields": {
                "name": "@name?", "amount": "@amount?", "currency": "@currency?", "kind": "@type?",
                "expected_close_on": "@close?",
            }
        },
        "moves": [
            {"to": "SQO", "at": "@created?", "or_undated": True},
            {
                "any": [
                    {
                        "by": ["@is_closed", "@is_won"],
                        "cases": {"true / true": _WON, "1 / 1": _WON, "true / false": _LOST, "1 / 0": _LOST},
                        "otherwise": [],
                    },
                    {"by": "@stage", "cases": {"closed won": _WON, "closed lost": _LOST}, "otherwise": []},
                ]
            },
        ],
        "owner": _OWNER,
    },
    link=_LINK,
    asks=_ASKS,
)  # fmt: skip

CAMPAIGN_MEMBERS = Preset(
    name="Salesforce campaign members",
    system="salesforce",
    needs=(
        ("@campaign",), ("@lead", "@contact", "@either", "@email"), ("@status",), ("@touched", "@created"),
    ),
    foreign=("StageName", "IsConverted", "Lead Status", "Deal Name"),
    names={
        "@id": ("Campaign Member ID", "Member ID", "Id"),
        "@campaign": ("Campaign Name", "CampaignId", "Campaign ID"),
        "@lead": ("LeadId", "Lead ID"),
        "@contact": ("ContactId", "Contact ID"),
        "@either": ("LeadOrContactId", "Lead or Contact ID"),
        "@email": ("Email",),
        "@status": ("Member Status", "Campaign Member Status", "Status"),
        "@responded": ("HasResponded", "Responded"),
        "@touched": ("FirstRespondedDate", "First Responded Date", "Member First Responded Date"),
        "@created": ("CreatedDate", "Created Date", "Member First Associated Date", "Member Created Date"),
        "@first": ("FirstName", "First Name"),
        "@last": ("LastName", "Last Name"),
        "@company": ("CompanyOrAccount", "Company / Account", "Company"),
        "@source": ("LeadSource", "Lead Source"),
        "@deleted": ("IsDeleted", "Deleted"),
    },
    mapping={
        "name": "Salesforce campaign members",
        "kind": "touches",
        "system": "salesforce",
        "ids": "salesforce",
        # A member's status changes, and each of them is a touch of its own.
        "key": {
            "any": [
                {"external_id": ["@id", "@status"]},
                {"external_id": ["@campaign", "@lead?", "@contact?", "@email?", "@status"]},
            ]
        },
        "lead": [
            {"external_id": "@lead"}, {"external_id": "@contact"}, {"external_id": "@either"}, {"email": "@email"},
        ],
        "fields": {
            "name": ["@first?", "@last?"], "email": "@email?", "company_name": "@company?", "source": "@source?",
            "campaign": "@campaign?",
        },
        "skip": {"@deleted": ["true", "1"]},
        "touched": ["@touched?", "@created?"],
        "touch": {
            "any": [
                {
                    "by": "@responded",
                    "cases": dict.fromkeys(
                        ("true", "1"), _RESPONDED
                    ),
                    "otherwise": _MEMBER,
                },
                {
                    "by": "@status",
                    "cases": dict.fromkeys(
                        ("responded", "attended", "registered", "downloaded", "converted"),
                        _RESPONDED,
                    ),
                    "otherwise": _MEMBER,
                },
            ]
        },
        "unknown_lead": "reject",
    },
)  # fmt: skip

TASKS = Preset(
    name="Salesforce tasks",
    system="salesforce",
    needs=(
        ("@id",), ("@subject",), ("@due",), ("@who", "@lead", "@contact", "@email"), ("@status", "@closed"),
        ("@who", "@type", "@result", "@done_at", "@activity_id"),
    ),
    foreign=("StageName", "IsConverted", "Member Status", "Deal Name", "Task Title", "hs_task_subject"),
    names={
        "@id": ("Activity ID", "Task ID", "Id"),
        "@activity_id": ("Activity ID", "Task ID"),
        "@who": ("WhoId", "Who ID", "Name ID"),
        "@lead": ("Lead ID", "LeadId"),
        "@contact": ("Contact ID", "ContactId"),
        "@email": ("Email", "Who.Email", "Lead Email", "Contact Email"),
        "@subject": ("Subject",),
        "@due": ("ActivityDate", "Due Date", "Due Date Only", "Date"),
        "@done_at": ("CompletedDateTime", "Completed Date/Time", "Completed Date"),
        "@created": ("CreatedDate", "Created Date"),
        "@status": ("Status", "Task Status"),
        "@closed": ("IsClosed", "Closed"),
        "@type": ("TaskSubtype", "Task Subtype"),
        "@kind": ("Type", "Activity Type"),
        "@result": ("CallDisposition", "Call Result"),
        "@direction": ("CallType", "Call Type"),
        "@owner": ("Assigned", "Assigned To", "Owner.Name", "Task Owner"),
        "@owner_id": ("OwnerId", "Assigned To ID"),
        "@deleted": ("IsDeleted", "Deleted"),
    },
    mapping={
        "name": "Salesforce tasks",
        "kind": "touches",
        "system": "salesforce",
        "ids": "salesforce",
        "key": {"external_id": "@id"},
        "lead": [{"external_id": "@who"}, {"external_id": "@lead"}, {"external_id": "@contact"}, {"email": "@email"}],
        "skip": {"@deleted": ["true", "1"]},
        "touched": ["@done_at?", "@due", "@created?"],
        "due": ["@due"],
        "touch": work(("@closed", "@status"), ("@type", "@kind", "@result", "@direction")),
        "owner": {"any": [{"column": "@owner", "unknown": "none"}, {"column": "@owner_id", "unknown": "none"}]},
        "unknown_lead": "reject",
    },
)  # fmt: skip
