"""The years before: settled leads of the demo company once more, further back in time, until there are enough.

The write verbs tell the last twelve months, lead by lead. A company with a million leads has years of them, and those
differ from the last one by their names and dates alone: so they are copied inside the database, each table with one
statement for each step back. What waits for somebody is not copied: nothing in the past is still due.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import connection, models, transaction

from leads.models import (
    Account,
    CustomerPeriod,
    ExternalReference,
    HolderInterval,
    Journey,
    Lead,
    LeadKeys,
    LeadSearch,
    LeadTransition,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    Score,
    Sourcing,
    Touchpoint,
    TransitionNote,
)
from sla.models import Clock, ClockEvent

BACK = timedelta(days=120)
"""How much further back each copy lies."""

_OF_LEADS = "lead_id IN (SELECT id FROM settled)"
_OF_DEALS = "opportunity_id IN (SELECT id FROM settled_deals)"

# Disputes stay with the originals, and deals of the copies are up to date by their own changes.
_OF_PASSES = f"{_OF_LEADS} AND subject_kind IN ('disposition', 'first_touch', 'worked')"

ROWS: Mapping[type[models.Model], str] = {
    Account: "id <= {accounts}",
    Opportunity: "id IN (SELECT id FROM settled_deals)",
    Lead: "id IN (SELECT id FROM settled)",
    LeadKeys: _OF_LEADS,
    LeadSearch: _OF_LEADS,
    LeadTransition: _OF_LEADS,
    TransitionNote: f"transition_id IN (SELECT id FROM leads_leadtransition WHERE {_OF_LEADS})",
    Journey: _OF_LEADS,
    HolderInterval: _OF_LEADS,
    Touchpoint: _OF_LEADS,
    Score: _OF_LEADS,
    ExternalReference: f"{_OF_LEADS} OR {_OF_DEALS}",
    OpportunityContact: _OF_LEADS,
    OpportunityChange: _OF_DEALS,
    Sourcing: f"{_OF_DEALS} AND coalesce({_OF_LEADS}, true)",
    CustomerPeriod: _OF_DEALS,
    Clock: _OF_PASSES,
    ClockEvent: f"clock_id IN (SELECT id FROM sla_clock WHERE {_OF_PASSES})",
}
"""What is copied of each table, in the order of their keys. Of the keys that find people who are known twice only their
own address: by all others the copies all are.
"""

_NUMBERED = "CASE WHEN {column} = '' THEN '' ELSE {column} || '-' || {copy} END"
OTHERWISE: Mapping[tuple[type[models.Model], str], str] = {
    (Account, "name"): "name || ' ' || {copy}",
    (Account, "name_key"): "name_key || ' ' || {copy}",
    (Account, "domain"): "CASE WHEN domain = '' THEN '' ELSE 'y{copy}.' || domain END",
    (Lead, "email"): "replace(email, '@', '@y{copy}.')",
    (Lead, "email_key"): "replace(email_key, '@', '@y{copy}.')",
    (Lead, "email_domain"): "CASE WHEN email_domain = '' THEN '' ELSE 'y{copy}.' || email_domain END",
    (Lead, "company_name"): "CASE WHEN company_name = '' THEN '' ELSE company_name || ' ' || {copy} END",
    (LeadKeys, "mailbox"): "(SELECT email_key FROM leads_lead lead WHERE lead.id = source.lead_id + {leads})",
    **{(LeadKeys, key): "''" for key in ("phone", "person", "company", "name_block", "first_block", "last_block")},
    (LeadKeys, "is_stale"): "false",
    (LeadSearch, "text"): """(
        SELECT concat_ws(' ', nullif(name, ''), nullif(email, ''), nullif(company_name, ''))
        FROM leads_lead lead WHERE lead.id = source.lead_id + {leads}
    )""",
    (Touchpoint, "external_id"): _NUMBERED,
    (ExternalReference, "external_id"): _NUMBERED,
    (Clock, "subject_id"): "subject_id + {leads}",
    (Clock, "excused_at"): "NULL::timestamptz",
}
"""Columns whose copy is neither the same nor follows from their kind."""

# Whose whole story is over, or never began: a lead that stays where it came in has no clock.
_SETTLED = """
    CREATE TEMPORARY TABLE settled AS
    SELECT lead.id FROM leads_lead lead
    WHERE lead.id <= %s AND lead.merged_into_id IS NULL
        AND (lead.outcome <> '' OR (lead.milestone = 1 AND lead.pass_no = 1))
        AND NOT EXISTS (
            SELECT FROM leads_opportunitycontact own
            JOIN leads_opportunitycontact other ON other.opportunity_id = own.opportunity_id
            JOIN leads_lead colleague ON colleague.id = other.lead_id
            WHERE own.lead_id = lead.id AND colleague.outcome = ''
        )
        AND NOT EXISTS (
            SELECT FROM leads_journey journey
            WHERE journey.lead_id = lead.id AND journey.opportunity_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM leads_opportunitycontact contact
                WHERE contact.opportunity_id = journey.opportunity_id AND contact.lead_id = lead.id
            )
        )
"""
_SETTLED_DEALS = """
    CREATE TEMPORARY TABLE settled_deals AS
    SELECT DISTINCT opportunity_id AS id FROM leads_opportunitycontact WHERE lead_id IN (SELECT id FROM settled)
"""


def go_back(*, leads: int, tell: Callable[[int], None] = lambda count: None) -> int:
    """Copy settled leads, each time `BACK` further into the past, until at least `leads` stand; returns how many do.

    Each copy is a transaction; `tell` hears how many leads there are after it. Raises ValueError where there is
    nothing to copy.
    """
    highest = {model: _highest(model) for model in ROWS if _is_pointed_at(model)}
    standing, number = Lead.objects.count(), 0
    while standing < leads:
        number += 1
        copied = _Copy(number, highest).make()
        if not copied:
            raise ValueError("No lead's story is over yet, so there is nothing to copy.")
        standing += copied
        tell(standing)
    return standing


def _is_pointed_at(model: type[models.Model]) -> bool:
    """Whether copied rows name rows of this table, so that the keys of its copies must be known."""
    return any(field.related_model is model for each in ROWS for field in each._meta.concrete_fields)


def _highest(model: type[models.Model]) -> int:
    return model._default_manager.aggregate(highest=models.Max("pk"))["highest"] or 0


@dataclass(frozen=True, slots=True)
class _Copy:
    """One step back: its `number`, and the highest key that each table had before the first one."""

    number: int
    highest: Mapping[type[models.Model], int]

    @transaction.atomic
    def make(self) -> int:
        """Copy all tables; returns the number of leads."""
        leads = 0
        with connection.cursor() as cursor:
            cursor.execute(_SETTLED, [self.highest[Lead]])
            cursor.execute(_SETTLED_DEALS)
            cursor.execute("ANALYZE settled, settled_deals")
            for model in ROWS:
                cursor.execute(self.statement(model))
                leads += cursor.rowcount if model is Lead else 0
            for model in self.highest:
                table = model._meta.db_table
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
            cursor.execute("DROP TABLE settled, settled_deals")
        return leads

    def statement(self, model: type[models.Model]) -> str:
        """What copies the rows of this table."""
        columns = {
            field.column: self._value(model, field)
            for field in model._meta.concrete_fields
            if not field.generated and (not field.primary_key or field.is_relation or model in self.highest)
        }
        table, rows = model._meta.db_table, ROWS[model].format(accounts=self.highest[Account])
        # Where rows tell a story by the order of their keys, their copies tell it in the same order.
        key = model._meta.pk.column
        return (
            f"INSERT INTO {table} ({', '.join(columns)}) "
            f"SELECT {', '.join(columns.values())} FROM {table} source WHERE {rows} ORDER BY source.{key}"
        )

    def _value(self, model: type[models.Model], field: models.Field) -> str:
        column, back = field.column, f"interval '{self.number * BACK.days} days'"
        if told := OTHERWISE.get((model, field.column)):
            return told.format(column=column, copy=self.number, leads=self._beyond(Lead))
        if field.primary_key and not field.is_relation:
            return f"{column} + {self._beyond(model)}"
        if (pointed_at := field.related_model) in self.highest:
            return f"{column} + {self._beyond(cast(type[models.Model], pointed_at))}"
        match field:
            case DateTimeRangeField():
                return f"tstzrange(lower({column}) - {back}, upper({column}) - {back})"
            case models.DateTimeField():
                return f"{column} - {back}"
            case models.DateField():
                return f"{column} - {self.number * BACK.days}"
        return column

    def _beyond(self, model: type[models.Model]) -> int:
        return self.number * self.highest[model]
