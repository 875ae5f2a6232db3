"""Exports of Marketo: leads, and the activities that are touches."""

from alignment.integrations.importers.presets import Preset

LEADS = Preset(
    name="Marketo leads",
    system="marketo",
    needs=(("@id",), ("@email",), ("@created",), ("@updated",)),
    foreign=("activity_type_id", "IsConverted", "StageName"),
    names={
        "@id": ("Marketo ID", "Marketo Lead ID", "Lead ID", "id"),
        "@email": ("Email Address", "email"),
        "@name": ("Full Name",),
        "@first": ("First Name", "firstName"),
        "@last": ("Last Name", "lastName"),
        "@phone": ("Phone Number", "Phone", "Mobile Phone Number", "mobilePhone"),
        "@title": ("Job Title", "title"),
        "@company": ("Company Name", "company"),
        "@source": ("Lead Source", "Person Source", "Original Source Type", "leadSource"),
        "@campaign": ("Acquisition Program", "acquisitionProgramId"),
        "@industry": ("Industry",),
        "@country": ("Country",),
        "@owner": ("Lead Owner", "Sales Owner", "Lead Owner Email Address"),
        "@created": ("Created At", "createdAt"),
        "@updated": ("Updated At", "updatedAt"),
        "@mql": ("MQL Date", "MQL Date Time"),
        "@sql": ("SQL Date", "SAL Date"),
        "@crm": ("SFDC Lead Id", "sfdcLeadId"),
        "@score": ("Lead Score", "Person Score", "leadScore"),
        "@status": ("Lead Status", "Person Status", "leadStatus"),
        "@unsubscribed": ("Unsubscribed",),
    },
    mapping={
        "name": "Marketo leads",
        "system": "marketo",
        "key": {"external_id": "@id"},
        "fields": {
            "name": {"any": [["@first", "@last"], "@name", "@last", "@first"]}, "email": "@email?", "phone": "@phone?",
            "title": "@title?", "company_name": "@company?", "source": "@source?", "campaign": "@campaign?",
            "segment": "@industry?", "territory": "@country?", "consent": "@unsubscribed?",
        },
        "values": {
            "@unsubscribed": {
                **dict.fromkeys(("true", "TRUE", "1", "Yes"), "withdrawn"),
                **dict.fromkeys(("false", "FALSE", "0", "No"), "unknown"),
            }
        },
        "attributes": ["@score?", "@status?", "@crm?"],
        "created": "@created?",
        "moves": [
            {"to": "MGL", "at": "@created"},
            {"to": "MQL", "at": "@mql"},
            {"to": "SQL", "at": "@sql"},
        ],
        "owner": {"any": [{"column": "@owner", "unknown": "add"}]},
    },
    link="https://[host]/leadDatabase/loadLeadDetail?leadId={key}",
    asks="What is the address of your Marketo, as in app-sj01.marketo.com? With it each lead links back to Marketo.",
)  # fmt: skip

# https://developers.marketo.com names the types; those that are no touch of the buyer (data changed, lead merged, score
# changed …) are left out.
_TOUCHES = {
    "1": {"kind": "visit", "title": "Visited a page: {@what}"},
    "2": {"kind": "form", "title": "Filled out a form: {@what}"},
    "3": {"kind": "click", "title": "Clicked a link: {@what}"},
    "6": {"kind": "e-mail", "title": "Was sent an e-mail: {@what}", "is_engaged": False, "is_human": False},
    "7": {"kind": "e-mail", "title": "Received an e-mail: {@what}", "is_engaged": False, "is_human": False},
    "10": {"kind": "e-mail", "title": "Opened an e-mail: {@what}", "is_engaged": False, "is_human": False},
    "11": {"kind": "e-mail", "title": "Clicked in an e-mail: {@what}"},
    "40": {"kind": "e-mail", "title": "Opened a sales e-mail: {@what}", "is_engaged": False},
    "41": {"kind": "e-mail", "title": "Clicked in a sales e-mail: {@what}"},
    "46": {"kind": "moment", "title": "Interesting moment: {@what}"},
    "104": {"kind": "campaign", "title": "Changed status in a programme: {@what}"},
}

ACTIVITIES = Preset(
    name="Marketo activities",
    system="marketo",
    needs=(("@id",), ("@lead",), ("@type",), ("@at",)),
    names={
        "@id": ("marketoGUID", "id"),
        "@lead": ("leadId", "lead_id", "Lead ID"),
        "@type": ("activityTypeId", "activity_type_id", "Activity Type ID"),
        "@at": ("activityDate", "activity_date", "Activity Date"),
        "@what": ("primaryAttributeValue", "primary_attribute_value"),
        "@campaign": ("campaignId", "campaign_id"),
    },
    mapping={
        "name": "Marketo activities",
        "kind": "touches",
        "system": "marketo",
        "key": {"external_id": "@id"},
        "lead": [{"external_id": "@lead"}],
        "zone": "UTC",
        "touched": ["@at"],
        "touch": {
            "by": "@type",
            "cases": {number: [touch] for number, touch in _TOUCHES.items()},
            "otherwise": [],
        },
        "unknown_lead": "reject",
    },
)
