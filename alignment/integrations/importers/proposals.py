"""What the columns of a file probably are, with the reason. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Proposal:
    mapping: dict[str, Any]
    reasons: Mapping[str, str] = field(default_factory=dict)
    preset: str = ""


_NAMES = {
    "name": {"name", "fullname", "contactname"},
    "email": {"email", "emailaddress", "mail"},
    "company_name": {"company", "companyname", "account", "organisation", "organization"},
    "phone": {"phone", "phonenumber", "telephone"},
    "title": {"title", "jobtitle", "position"},
    "source": {"source", "leadsource", "channel", "origin"},
    "campaign": {"campaign", "campaignname"},
}


def propose(header: Sequence[str], sample: Sequence[Mapping[str, str]], *, name: str) -> Proposal:
    fields, reasons = {}, {}
    for column in header:
        key = re.sub(r"[^a-z]", "", column.lower())
        target = next((ours for ours, names in _NAMES.items() if key in names and ours not in fields), None)
        if target:
            fields[target] = column
            reasons[column] = "The name says so."
    mapping: dict[str, Any] = {"name": name, "fields": fields}
    if "email" in fields:
        mapping["key"] = {"email": fields["email"]}
    return Proposal(mapping, reasons)
