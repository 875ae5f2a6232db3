"""What a column of a file can be, and what a value of its status column can mean, in the words of the page. Pure."""

IGNORE, ATTRIBUTE, ID, OWNER, STATUS = "", "attribute", "id", "owner", "status"
CLOSED, CREATED, AMOUNT = "date:close", "created", "deal:amount"
KEPT = "kept"
"""What the mapping does with the column stays as it is; the form has no word for it."""

FIELDS = {
    "Person": {
        "field:name": "Name",
        "field:email": "E-mail",
        "field:phone": "Phone",
        "field:title": "Job title",
        "field:seniority": "Seniority",
        "field:consent": "Consent to be contacted",
    },
    "Company and interest": {
        "field:company_name": "Company",
        "field:product_interest": "Product interest",
        "field:territory": "Territory",
        "field:segment": "Segment",
    },
    "Where it came from": {
        "field:source": "Source",
        "field:campaign": "Campaign",
        ID: "Id in the other system",
    },
    "Sales": {OWNER: "Owner", STATUS: "Stage or status"},
    "Dates": {
        "date:MGL": "Date it came in (MGL)",
        "date:MQL": "Date marketing handed it over (MQL)",
        "date:SQL": "Date sales accepted it (SQL)",
        "date:SQO": "Date it became an opportunity (SQO)",
        "date:win": "Date it was won",
        "date:lose": "Date it was lost",
        CLOSED: "Date it was closed, won or lost",
        CREATED: "Date the record was created",
        "date:reject": "Date sales rejected it",
        "date:recycle": "Date it went back to nurture",
    },
    "Deal": {
        "deal:name": "Deal: name",
        "deal:amount": "Deal: amount",
        "deal:currency": "Deal: currency",
        "deal:product": "Deal: product",
        "deal:kind": "Deal: kind",
        "deal:expected_close_on": "Deal: expected close",
    },
    "Nothing of these": {ATTRIBUTE: "Keep with the lead", IGNORE: "Leave out"},
}
"""Target → what people call it, by group."""

TARGETS = {target: label for group in FIELDS.values() for target, label in group.items()}
SHARED = frozenset({IGNORE, ATTRIBUTE, KEPT, "field:name"})
"""The targets that more than one column may have; the parts of a name are joined."""


def is_date(target: str) -> bool:
    """Whether a column with this target holds dates."""
    return target.startswith("date:") or target in (CREATED, "deal:expected_close_on")


CASES = {
    "MGL": "Came in (MGL)",
    "MQL": "Handed over to sales (MQL)",
    "SQL": "Accepted by sales (SQL)",
    "SQO": "Opportunity (SQO)",
    "win": "Won",
    "lose": "Lost",
    "reject": "Rejected by sales",
    "recycle": "Back to nurture",
}
"""What a value of the status column can mean."""

AS_GIVEN = "given"
"""A value means what the mapping said before, which none of `CASES` says."""
