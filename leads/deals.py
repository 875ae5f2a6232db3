"""Deals: the only writer of opportunities, their buying groups, and the rows that record each change."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from alignment.lib import batch
from leads import lifecycle
from leads.causes import Cause
from leads.drafts import DealDraft, Reference
from leads.models import Journey, Lead, Opportunity, OpportunityChange, OpportunityContact
from leads.models.opportunity import DealState
from leads.models.reference import ExternalReference


@transaction.atomic
def open_deals(*, drafts: Sequence[DealDraft], cause: Cause) -> list[int]:
    """Store these deals, in order, each with its primary contact; returns their keys. Five statements at most."""
    if not drafts:
        return []
    now = lifecycle.database_now()
    keys = _new_keys(len(drafts))
    batch.insert(
        Opportunity,
        [
            {
                "id": pk, "name": draft.name, "account_id": draft.account_id, "kind": draft.kind,
                "state": DealState.OPEN, "product": draft.product, "amount": draft.amount,
                "currency": draft.currency, "rate": draft.rate, "expected_close_on": draft.expected_close_on,
                "owner_id": draft.owner_id, "sourced_by": "",
                "opened_at": None if draft.is_undated else draft.opened_at or cause.at or now, "created_at": now,
            }
            for pk, draft in zip(keys, drafts, strict=True)
        ],
    )  # fmt: skip
    batch.insert(
        OpportunityContact,
        [
            {"opportunity_id": pk, "lead_id": draft.lead_id, "role": "", "is_primary": True}
            for pk, draft in zip(keys, drafts, strict=True)
            if draft.lead_id
        ],
    )
    batch.insert(
        ExternalReference,
        [
            {"system": one.system, "external_id": one.external_id, "url": one.url, "opportunity_id": pk}
            for pk, draft in zip(keys, drafts, strict=True)
            for one in draft.references
        ],
        conflict="ON CONFLICT DO NOTHING",
    )
    _record(
        (
            _Change(pk, draft.opened_at, field, "", value, draft.currency, draft.rate)
            for pk, draft in zip(keys, drafts, strict=True)
            for field, value in (("amount", draft.amount), ("expected_close_on", draft.expected_close_on))
            if value is not None
        ),
        cause,
        now,
    )
    return keys


def _new_keys(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('leads_opportunity', 'id')) FROM generate_series(1, %s)", [count]
        )
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def find_or_open(*, drafts: Sequence[DealDraft], cause: Cause) -> tuple[list[int], frozenset[int]]:
    """The deals that these drafts are, in order, opened where they are new; and the new ones.

    Found by external reference; without one, the deal of the same name that the lead carries.
    """
    referenced, named = _referenced(drafts), _named(drafts)
    found = [_known(draft, referenced, named) for draft in drafts]
    opened = open_deals(drafts=[draft for draft, pk in zip(drafts, found, strict=True) if pk is None], cause=cause)
    fresh = iter(opened)
    return [pk or next(fresh) for pk in found], frozenset(opened)


def _known(
    draft: DealDraft, referenced: Mapping[tuple[str, str], int], named: Mapping[tuple[int | None, str], int]
) -> int | None:
    if not draft.references:
        return named.get((draft.lead_id, draft.name))
    keys = ((one.system, one.external_id) for one in draft.references)
    return next((referenced[key] for key in keys if key in referenced), None)


def _referenced(drafts: Sequence[DealDraft]) -> dict[tuple[str, str], int]:
    names = {(one.system, one.external_id) for draft in drafts for one in draft.references}
    stored = ExternalReference.objects.filter(
        opportunity__isnull=False,
        released_at=None,
        system__in={name[0] for name in names},
        external_id__any_of={name[1] for name in names},
    )
    return {
        (system, external_id): pk
        for system, external_id, pk in stored.values_list("system", "external_id", "opportunity_id")
    }


def _named(drafts: Sequence[DealDraft]) -> dict[tuple[int | None, str], int]:
    leads = {draft.lead_id for draft in drafts if draft.lead_id and not draft.references}
    carried = OpportunityContact.objects.filter(lead_id__any_of=leads, is_primary=True, opportunity__withdrawn_at=None)
    return {
        (lead_id, name): pk for lead_id, name, pk in carried.values_list("lead_id", "opportunity__name", "opportunity")
    }


EDITABLE = ("name", "amount", "currency", "rate", "expected_close_on", "product", "owner_id")


@transaction.atomic
def change(*, opportunity_id: int, changes: Mapping[str, Any], cause: Cause) -> Opportunity:
    """Change fields of one deal (any of `EDITABLE`); each field that really changes becomes a row."""
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    now = lifecycle.database_now()
    rows = []
    for field in EDITABLE:
        if field in changes and changes[field] != getattr(deal, field):
            rows.append(
                _Change(deal.pk, cause.at, field, getattr(deal, field), changes[field], deal.currency, deal.rate)
            )
            setattr(deal, field, changes[field])
    if rows:
        deal.save(update_fields=[row.field.removesuffix("_id") for row in rows])
        _record(rows, cause, now)
    return deal


@transaction.atomic
def withdraw(*, opportunity_ids: Collection[int], cause: Cause) -> int:
    """Take deals back that should never have been opened, and that no journey carries; returns how many. Each leaves
    lists and figures, and its names in other systems are free for another deal.
    """
    now = lifecycle.database_now()
    deals = Opportunity.objects.filter(pk__any_of=opportunity_ids, journeys=None, withdrawn_at=None)
    withdrawn = list(deals.order_by("pk").values_list("pk", "currency", "rate"))
    keys = [pk for pk, _, _ in withdrawn]
    Opportunity.objects.filter(pk__any_of=keys).update(withdrawn_at=now)
    ExternalReference.objects.filter(opportunity__any_of=keys, released_at=None).update(released_at=now)
    _record(
        (_Change(pk, now, "withdrawn", "", now.isoformat(), currency, rate) for pk, currency, rate in withdrawn),
        cause,
        now,
    )
    return len(keys)


def lock_around(*, references: Iterable[Reference], lead_ids: Iterable[int]) -> None:
    """Lock these leads, and those that carry the deals which these references name, before any deal is locked: leads
    come first, in ascending order, in every write. Two statements.
    """
    named = {(one.system, one.external_id) for one in references}
    carriers = OpportunityContact.objects.filter(
        is_primary=True,
        opportunity__references__system__in={system for system, _ in named},
        opportunity__references__external_id__any_of={external_id for _, external_id in named},
    )
    wanted = {*lead_ids, *carriers.values_list("lead_id", flat=True)}
    list(Lead.objects.filter(pk__any_of=wanted).order_by("pk").select_for_update(no_key=True).values_list("pk"))


_AMENDED = ("name", "amount", "currency", "expected_close_on", "product", "owner_id")
_FILLED = ("account_id", "opened_at")


@transaction.atomic
def amend(*, drafts: Mapping[int, DealDraft], cause: Cause) -> frozenset[int]:
    """Bring standing deals (by key) in line with drafts: what a draft says otherwise is changed, and each changed field
    becomes a row; account and opening are only filled in. Returns the deals that changed; the same statements for any
    number.
    """
    names = (*_AMENDED, *_FILLED)
    standing = Opportunity.objects.filter(pk__any_of=drafts).order_by("pk").select_for_update(no_key=True)
    rows: list[dict[str, Any]] = []
    changes: list[_Change] = []
    for deal in standing.values("pk", "rate", *names):
        pk, draft = deal["pk"], drafts[deal["pk"]]
        said = {name: getattr(draft, name) for name in names if getattr(draft, name) not in (None, "")}
        new = {name: value for name, value in said.items() if name in _AMENDED or deal[name] is None}
        if fresh := [name for name, value in new.items() if deal[name] != value]:
            rows.append({"id": pk, **{name: new.get(name, deal[name]) for name in names}})
            changes += [
                _Change(pk, cause.at, name, deal[name], new[name], draft.currency, deal["rate"])
                for name in fresh
                if name in _AMENDED
            ]
    batch.update(Opportunity, rows)
    _record(changes, cause, lifecycle.database_now())
    return frozenset(row["id"] for row in rows)


@transaction.atomic
def introduce(*, contacts: Iterable[OpportunityContact]) -> None:
    """Add leads to buying groups; who belongs to one already stays as it is. One statement."""
    batch.insert(
        OpportunityContact,
        [
            {
                "opportunity_id": each.opportunity_id, "lead_id": each.lead_id, "role": each.role,
                "is_primary": each.is_primary,
            }
            for each in contacts
        ],
        conflict="ON CONFLICT DO NOTHING",
    )  # fmt: skip


@transaction.atomic
def settle(*, verdicts: Mapping[int, tuple[str, datetime | None]], cause: Cause) -> frozenset[int]:
    """Say of deals (by key) whether they are open, won or lost, and since when. Those that a primary journey carries
    follow it and are left alone. Returns the deals that changed.
    """
    carried = Journey.objects.filter(opportunity_id__any_of=verdicts, is_primary=True)
    free = verdicts.keys() - set(carried.values_list("opportunity_id", flat=True))
    standing = Opportunity.objects.filter(pk__any_of=free).order_by("pk").select_for_update(no_key=True)
    rows: list[dict[str, Any]] = []
    changes: list[_Change] = []
    for deal in standing:
        state, at = verdicts[deal.pk]
        at = at or (deal.closed_at if state == deal.state else None)
        if (deal.state, deal.closed_at) != (state, at):
            rows.append({"id": deal.pk, "state": state, "closed_at": at})
            if deal.state != state:
                changes.append(_Change(deal.pk, at, "state", deal.state, state, deal.currency, deal.rate))
    batch.update(Opportunity, rows)
    _record(changes, cause, lifecycle.database_now())
    return frozenset(row["id"] for row in rows)


# What primary journeys, the newest of each deal, say: won and lost close it, anything else leaves it open.
_FOLLOW = """
    UPDATE leads_opportunity deal
    SET state = verdict.state, closed_at = verdict.closed_at
    FROM (
        SELECT DISTINCT ON (journey.opportunity_id) journey.opportunity_id,
            CASE WHEN journey.outcome IN ('won', 'lost') THEN journey.outcome ELSE 'open' END AS state,
            CASE WHEN journey.outcome IN ('won', 'lost') THEN journey.closed_at END AS closed_at,
            before.state AS state_before
        FROM leads_journey journey
        JOIN leads_opportunity before ON before.id = journey.opportunity_id
        WHERE journey.lead_id = ANY(%s) AND journey.is_primary
        ORDER BY journey.opportunity_id, journey.pass_no DESC
    ) verdict
    WHERE deal.id = verdict.opportunity_id
        AND (deal.state, deal.closed_at) IS DISTINCT FROM (verdict.state, verdict.closed_at)
    RETURNING deal.id, deal.closed_at, verdict.state_before, deal.state, deal.currency, deal.rate
"""


# Whoever joins a deal, or is moved on with one, belongs to its buying group.
_JOIN = """
    INSERT INTO leads_opportunitycontact (opportunity_id, lead_id, role, is_primary)
    SELECT DISTINCT journey.opportunity_id, journey.lead_id, '', false
    FROM leads_journey journey
    WHERE journey.lead_id = ANY(%s) AND journey.opportunity_id IS NOT NULL
    ON CONFLICT (opportunity_id, lead_id) DO NOTHING
"""


@transaction.atomic
def follow(*, lead_ids: Iterable[int], cause: Cause) -> None:
    """Bring deals in line with the journeys of these leads: buying groups grow, and the deals whose primary journeys
    were won, lost, undone or reopened are closed, or opened again.
    """
    moved = list(lead_ids)
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, [moved])
        cursor.execute(_FOLLOW, [moved])
        changed = cursor.fetchall()
    if changed:
        _record(
            (_Change(pk, at, "state", old, new, currency, rate) for pk, at, old, new, currency, rate in changed),
            cause,
            lifecycle.database_now(),
        )


@dataclass(frozen=True, slots=True)
class _Change:
    opportunity_id: int
    at: datetime | None
    field: str
    old: Any
    new: Any
    currency: str
    rate: Decimal


def _record(changes: Iterable[_Change], cause: Cause, now: datetime) -> None:
    batch.insert(
        OpportunityChange,
        [
            {
                "opportunity_id": each.opportunity_id, "at": each.at or now, "recorded_at": now,
                "actor_id": cause.actor_id, "field": each.field, "old": _text(each.old), "new": _text(each.new),
                "currency": each.currency, "rate": each.rate,
            }
            for each in changes
        ],
    )  # fmt: skip


def _text(value: Any) -> str:
    return "" if value is None else str(value)
