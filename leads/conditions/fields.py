"""What conditions can ask about. This registry alone names tables and columns; what people write are values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db import models

from leads.models import Campaign, Segment, Source, Stage, Territory
from leads.models.lead import Consent
from leads.models.touchpoint import Direction


class Kind(StrEnum):
    """What a field holds, which says how it can be asked."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """`says` is how a sentence names it, `sql` its expression over the aliases of `leads.conditions.sql`.

    A choice has its values from `of` (their keys; the expression is then the foreign key) or from `choices` (value →
    name). A flag says `yes` or `no` as whole clauses.
    """

    key: str
    label: str
    says: str
    kind: Kind
    alias: str
    sql: str
    of: type[models.Model] | None = None
    choices: Mapping[str, str] | None = None
    yes: str = ""
    no: str = ""


def _text(key: str, label: str, says: str, alias: str, column: str = "") -> Field:
    return Field(key, label, says, Kind.TEXT, alias, f"{alias}.{column or key}")


def _number(key: str, label: str, says: str, alias: str, column: str = "") -> Field:
    return Field(key, label, says, Kind.NUMBER, alias, f"{alias}.{column or key}")


def _of(key: str, label: str, says: str, alias: str, model: type[models.Model]) -> Field:
    return Field(key, label, says, Kind.CHOICE, alias, f"{alias}.{key}_id", of=model)


def _flag(key: str, label: str, alias: str, sql: str, yes: str, no: str) -> Field:
    return Field(key, label, label, Kind.FLAG, alias, sql, yes=yes, no=no)


_ACCOUNT = (
    _text("account_name", "Account name", "the name of the account", "account", "name"),
    _text("account_domain", "Website of the account", "the domain of the account", "account", "domain"),
    _text("industry", "Industry", "the industry", "account"),
    _text("country", "Country", "the country", "account"),
    _number("employees", "Employees", "the number of employees", "account"),
    _number("annual_revenue", "Annual revenue", "the annual revenue", "account"),
    _flag(
        "account_owned", "Owner of the account", "account", "account.owner_id IS NOT NULL",
        "the account has an owner", "the account has no owner",
    ),
)  # fmt: skip

_TARGET = _flag(
    "target_account", "Target account", "account",
    "EXISTS (SELECT 1 FROM leads_targetaccount target"
    " WHERE target.account_id = account.id AND target.removed_at IS NULL)",
    "the account is a target account", "the account is no target account",
)  # fmt: skip

_PERSON = (
    _text("title", "Job title", "the title", "lead"),
    _text("seniority", "Seniority", "the seniority", "lead"),
    _text("product_interest", "Interested in", "the product of interest", "lead"),
    _of("source", "Source", "the source", "lead", Source),
    _of("campaign", "Campaign", "the campaign", "lead", Campaign),
    _of("segment", "Segment", "the segment", "lead", Segment),
    _of("territory", "Territory", "the territory", "lead", Territory),
    _text("email_domain", "E-mail domain", "the e-mail domain", "lead"),
    _flag(
        "free_email", "Free mailbox", "lead",
        "EXISTS (SELECT 1 FROM leads_freedomain free WHERE free.domain = lead.email_domain)",
        "the e-mail address is a free mailbox", "the e-mail address is no free mailbox",
    ),
    _text("phone", "Phone", "the phone number", "lead"),
    _text("company_name", "Company", "the company", "lead"),
    Field(
        "consent", "Consent", "the consent to be contacted", Kind.CHOICE, "lead", "lead.consent",
        choices={value: label.lower() for value, label in Consent.choices},
    ),
    _flag(
        "do_not_contact", "Do not contact", "lead", "lead.do_not_contact",
        "the person must not be contacted", "the person may be contacted",
    ),
    _flag(
        "returning", "Came back", "lead", "lead.pass_no > 1",
        "the lead has come back", "the lead is here for the first time",
    ),
)  # fmt: skip

_SCORE = (
    _number("score", "Score", "the score", "score", "points"),
    Field(
        "fit", "Fit", "the fit", Kind.CHOICE, "score", "score.grade",
        choices={grade: grade for grade in "ABCD"},
    ),
)  # fmt: skip

_TOUCH = (
    _text("touch_kind", "Kind of touch", "the kind of touch", "touch", "kind"),
    _text("touch_title", "What happened", "what happened", "touch", "title"),
    _of("channel", "Channel", "the channel", "touch", Source),
    Field(
        "touch_campaign", "Campaign of the touch", "the campaign of the touch", Kind.CHOICE, "touch",
        "touch.campaign_id", of=Campaign,
    ),
    Field(
        "direction", "Direction", "the touch", Kind.CHOICE, "touch", "touch.direction",
        choices={value: label.lower() for value, label in Direction.choices},
    ),
    _flag(
        "hand_raise", "Hand raise", "touch", "touch.is_hand_raise",
        "the buyer asked to talk to sales", "the buyer did not ask to talk to sales",
    ),
)  # fmt: skip

_TIER = Field(
    "tier", "Tier of the profile", "the tier of the account", Kind.CHOICE, "account",
    "(SELECT profiled.tier::text FROM leads_accountprofile profiled WHERE profiled.account_id = account.id)",
    choices={"1": "1", "2": "2", "3": "3"},
)  # fmt: skip

ABOUT_ACCOUNT = _ACCOUNT
"""Of an account alone: what profiles ask."""
ABOUT_PROFILED_ACCOUNT = (*_ACCOUNT, _TIER)
"""Of an account and the profile it meets: what the list of target accounts asks."""
ABOUT_LEAD = (*_PERSON, *ABOUT_PROFILED_ACCOUNT, _TARGET)
"""Of a lead and its account: what fit, routing and promises ask."""
ABOUT_SCORED_LEAD = (*ABOUT_LEAD, *_SCORE)
"""Of a lead and its score as it was last computed."""
ABOUT_PROMISED_LEAD = (
    _flag(
        "raised_hand", "Raised a hand", "lead",
        "EXISTS (SELECT 1 FROM leads_journey pass WHERE pass.lead_id = lead.id AND pass.pass_no = lead.pass_no"
        " AND pass.qualified_by = 'hand_raise')",
        "the buyer asked to talk to sales", "the buyer did not ask to talk to sales",
    ),
    _of("stage", "Stage", "the stage", "lead", Stage),
    *ABOUT_SCORED_LEAD,
)  # fmt: skip
"""Of a lead as it stands when something is promised to it."""
ABOUT_TOUCH = _TOUCH
"""Of one touch: what engagement asks."""

FIELDS: Mapping[str, Field] = {field.key: field for field in (*ABOUT_PROMISED_LEAD, *_TOUCH)}
"""All of them, by key."""
