"""Exports of HubSpot: contacts with their lifecycle stages, and deals."""

from typing import Any

from alignment.integrations.importers.presets import Preset
from alignment.integrations.importers.presets.work import work

_ASKS = "Which number has your HubSpot account (Hub ID)? With it each record links back to HubSpot."

OPTED_OUT = {
    **dict.fromkeys(("true", "True", "TRUE", "Yes", "yes", "1"), "withdrawn"),
    **dict.fromkeys(("false", "False", "FALSE", "No", "no", "0"), "unknown"),
}
"""What a column of opt-outs says about consent: not to have opted out is no consent."""

_DATES = {"MGL": "@mgl", "MQL": "@mql", "SQL": "@sql", "SQO": "@sqo", "WON": "@won"}


def _path(standing: str = "") -> list[dict[str, Any]]:
    """The moves that the dates of the lifecycle stages tell; the stage in which a contact stands was reached even
    where no date says when.
    """
    moves = []
    for milestone, sign in _DATES.items():
        move: dict[str, Any] = {"kind": "win"} if milestone == "WON" else {"to": milestone}
        undated = {"at": f"{sign}?", "or_undated": True} if milestone == standing else {"at": sign}
        moves.append(move | undated)
    return moves


_STAGES = {
    "MQL": ("marketingqualifiedlead", "marketing qualified lead"),
    "SQL": ("salesqualifiedlead", "sales qualified lead"),
    "SQO": ("opportunity",),
    "WON": ("customer", "evangelist"),
}

CONTACTS = Preset(
    name="HubSpot contacts",
    system="hubspot",
    needs=(("@id",), ("@stage", "@mql", "@mgl"), ("@email", "@first", "@last")),
    foreign=("Deal Name", "Deal Stage"),
    names={
        "@id": ("Record ID", "Record ID - Contact", "Contact ID", "hs_object_id", "vid"),
        "@email": ("Email", "Work email"),
        "@first": ("First Name", "firstname"),
        "@last": ("Last Name", "lastname"),
        "@phone": ("Phone Number", "phone", "Mobile Phone Number", "mobilephone"),
        "@title": ("Job Title", "jobtitle"),
        "@seniority": ("Seniority", "Employment Seniority", "hs_seniority"),
        "@company": ("Company Name", "company", "Associated Company", "Primary Associated Company"),
        "@owner": ("Contact owner",),
        "@owner_id": ("hubspot_owner_id",),
        "@created": ("Create Date", "createdate", "Object create date/time"),
        "@source": ("Original Source", "Original Traffic Source", "hs_analytics_source"),
        "@campaign": ("First Touch Converting Campaign", "hs_analytics_first_touch_converting_campaign"),
        "@industry": ("Industry",),
        "@country": ("Country/Region", "country"),
        "@optout": ("Unsubscribed from all email", "hs_email_optout"),
        "@stage": ("Lifecycle Stage", "lifecyclestage"),
        "@status": ("Lead Status", "hs_lead_status"),
        "@mgl": (
            "Became a Lead Date", "hs_lifecyclestage_lead_date", "hs_v2_date_entered_lead",
            "Date entered Lead (Lifecycle Stage Pipeline)",
        ),
        "@mql": (
            "Became a Marketing Qualified Lead Date", "hs_lifecyclestage_marketingqualifiedlead_date",
            "hs_v2_date_entered_marketingqualifiedlead",
            "Date entered Marketing Qualified Lead (Lifecycle Stage Pipeline)",
        ),
        "@sql": (
            "Became a Sales Qualified Lead Date", "hs_lifecyclestage_salesqualifiedlead_date",
            "hs_v2_date_entered_salesqualifiedlead", "Date entered Sales Qualified Lead (Lifecycle Stage Pipeline)",
        ),
        "@sqo": (
            "Became an Opportunity Date", "hs_lifecyclestage_opportunity_date", "hs_v2_date_entered_opportunity",
            "Date entered Opportunity (Lifecycle Stage Pipeline)",
        ),
        "@won": (
            "Became a Customer Date", "hs_lifecyclestage_customer_date", "hs_v2_date_entered_customer",
            "Date entered Customer (Lifecycle Stage Pipeline)",
        ),
        "@conversion": ("First Conversion", "first_conversion_event_name"),
        "@recent": ("Recent Conversion", "recent_conversion_event_name"),
        "@drill1": ("Original Source Drill-Down 1", "hs_analytics_source_data_1"),
        "@drill2": ("Original Source Drill-Down 2", "hs_analytics_source_data_2"),
        "@score": ("HubSpot Score", "hubspotscore"),
        "@employees": ("Number of Employees", "numemployees", "numberofemployees"),
        "@revenue": ("Annual Revenue", "annualrevenue"),
        "@website": ("Website URL", "website"),
        "@message": ("Message",),
        "@persona": ("Persona", "hs_persona"),
    },
    mapping={
        "name": "HubSpot contacts",
        "system": "hubspot",
        "key": {"external_id": "@id"},
        "fields": {
            "name": ["@first?", "@last?"], "email": "@email?", "phone": "@phone?", "title": "@title?",
            "seniority": "@seniority?", "company_name": "@company?", "source": "@source?", "campaign": "@campaign?",
            "segment": "@industry?", "territory": "@country?", "consent": "@optout?",
        },
        "values": {"@optout": OPTED_OUT},
        "attributes": [
            "@conversion?", "@recent?", "@drill1?", "@drill2?", "@score?", "@employees?", "@revenue?", "@website?",
            "@message?", "@persona?",
        ],
        "created": "@created?",
        "moves": [
            {
                "any": [
                    {
                        "by": "@stage",
                        "cases": {word: _path(standing) for standing, words in _STAGES.items() for word in words},
                        "otherwise": _path(),
                    },
                    {"always": _path()},
                ]
            },
            {
                "by": "@status",
                "cases": {
                    "unqualified": [{"kind": "reject"}],
                    "bad timing": [{"kind": "recycle", "reason": "not_now"}],
                    "bad_timing": [{"kind": "recycle", "reason": "not_now"}],
                },
                "otherwise": [],
            },
        ],
        "owner": {"any": [{"column": "@owner", "unknown": "add"}, {"column": "@owner_id", "unknown": "none"}]},
    },
    link="https://app.hubspot.com/contacts/[account]/record/0-1/{key}",
    asks=_ASKS,
)  # fmt: skip

DEALS = Preset(
    name="HubSpot deals",
    system="hubspot",
    needs=(("@id",), ("@name",), ("@stage",)),
    names={
        "@id": ("Record ID", "Record ID - Deal", "Deal ID", "hs_object_id", "dealId"),
        "@name": ("Deal Name", "dealname"),
        "@stage": ("Deal Stage", "dealstage"),
        "@amount": ("Amount",),
        "@currency": ("Currency", "deal_currency_code"),
        "@close": ("Close Date", "closedate"),
        "@created": ("Create Date", "createdate"),
        "@type": ("Deal Type", "dealtype"),
        "@owner": ("Deal owner",),
        "@owner_id": ("hubspot_owner_id",),
        "@contacts": ("Associated Contact IDs", "Associated Contact IDs (Deal to Contact)"),
        "@named": ("Associated Contact", "Associated Contacts", "Associated Contact (Deal to Contact)"),
        "@company": ("Associated Company", "Associated Company (Primary)", "Company Name"),
    },
    mapping={
        "name": "HubSpot deals",
        "kind": "deals",
        "system": "hubspot",
        "key": {"external_id": "@id"},
        "fields": {"company_name": "@company?"},
        "lead": [{"external_id": "@contacts"}, {"email": "@named"}],
        "deal": {
            "fields": {
                "name": "@name?", "amount": "@amount?", "currency": "@currency?", "kind": "@type?",
                "expected_close_on": "@close?",
            }
        },
        "moves": [
            {"to": "SQO", "at": "@created?", "or_undated": True},
            {
                "by": "@stage",
                "cases": {
                    **dict.fromkeys(
                        ("closedwon", "closed won", "closed won (sales pipeline)"),
                        ({"kind": "win", "at": "@close?", "or_undated": True},),
                    ),
                    **dict.fromkeys(
                        ("closedlost", "closed lost", "closed lost (sales pipeline)"),
                        ({"kind": "lose", "at": "@close?", "or_undated": True},),
                    ),
                },
                "otherwise": [],
            },
        ],
        "owner": {"any": [{"column": "@owner", "unknown": "add"}, {"column": "@owner_id", "unknown": "none"}]},
    },
    link="https://app.hubspot.com/contacts/[account]/record/0-3/{key}",
    asks=_ASKS,
)  # fmt: skip

_WHO: dict[str, tuple[str, ...]] = {
    "@contacts": (
        "Associated Contact IDs", "Associated Contact IDs (Task to Contact)",
        "Associated Contact IDs (Call to Contact)", "Contact IDs",
    ),
    "@named": ("Associated Contact", "Associated Contacts", "Contact Email", "Email"),
    "@owner": ("Assigned to", "Activity assigned to", "Task owner", "Owner"),
    "@owner_id": ("hubspot_owner_id",),
}  # fmt: skip
_WORK: dict[str, Any] = {
    "kind": "touches",
    "system": "hubspot",
    "key": {"external_id": "@id"},
    "lead": [{"external_id": "@contacts"}, {"email": "@named"}],
    "owner": {"any": [{"column": "@owner", "unknown": "none"}, {"column": "@owner_id", "unknown": "none"}]},
    "unknown_lead": "reject",
}
"""How a row of work names its lead and who did it."""

TASKS = Preset(
    name="HubSpot tasks",
    system="hubspot",
    needs=(("@id",), ("@task",), ("@status",), ("@due",), ("@contacts", "@named")),
    foreign=("Deal Name", "Lifecycle Stage"),
    names={
        "@id": ("Record ID", "Record ID - Task", "Task ID", "hs_object_id"),
        "@task": ("Task Title", "Task Name", "Task Type", "hs_task_subject", "hs_task_type"),
        "@subject": ("Task Title", "Task Name", "hs_task_subject", "Title", "Subject"),
        "@status": ("Task Status", "hs_task_status", "Status"),
        "@type": ("Task Type", "hs_task_type", "Type"),
        "@due": ("Due Date", "hs_timestamp", "Task Due Date"),
        "@done_at": ("Completed at", "Completion Date", "Completed Date", "hs_task_completion_date"),
        **_WHO,
    },
    mapping={
        "name": "HubSpot tasks", **_WORK, "touched": ["@done_at?", "@due"], "due": ["@due"],
        "touch": work(("@status",), ("@type",)),
    },
)  # fmt: skip

CALLS = Preset(
    name="HubSpot calls",
    system="hubspot",
    needs=(("@id",), ("@call",), ("@at",), ("@contacts", "@named")),
    foreign=("Deal Name", "Lifecycle Stage", "Engagement Type"),
    names={
        "@id": ("Record ID", "Record ID - Call", "Call ID", "hs_object_id"),
        "@call": ("Call Title", "hs_call_title", "hs_call_disposition", "Call Direction", "hs_call_direction"),
        "@subject": ("Call Title", "hs_call_title"),
        "@result": ("Call Outcome", "Call and meeting outcome", "hs_call_disposition"),
        "@direction": ("Call Direction", "hs_call_direction"),
        "@at": ("Activity date", "Call Date", "hs_timestamp", "Create Date", "hs_createdate"),
        **_WHO,
    },
    mapping={
        "name": "HubSpot calls", **_WORK, "touched": ["@at"],
        "touch": work(
            (), ("@result", "@direction"),
            otherwise=[{"kind": "call", "title": "Called: {@subject}", "direction": "outbound", "is_engaged": False}],
        ),
    },
)  # fmt: skip

ENGAGEMENTS = Preset(
    name="HubSpot activities",
    system="hubspot",
    needs=(("@id",), ("@type",), ("@at",), ("@contacts", "@named")),
    foreign=("Deal Name", "Lifecycle Stage"),
    names={
        "@id": ("Engagement ID", "Activity ID", "Record ID", "hs_object_id"),
        "@type": ("Engagement Type", "hs_engagement_type"),
        "@subject": ("Subject", "Title", "Engagement Title", "Activity Title"),
        "@result": ("Call Outcome", "Disposition", "hs_call_disposition"),
        "@direction": ("Call Direction", "hs_call_direction"),
        "@at": ("Engagement Date", "Activity date", "Timestamp", "hs_timestamp"),
        **_WHO,
    },
    mapping={
        "name": "HubSpot activities", **_WORK, "touched": ["@at"],
        "touch": work((), ("@type", "@result", "@direction")),
    },
)  # fmt: skip
