"""Deals: the only writer of opportunities. Their changes are rows of `leads.deals.changes`, the people around them
`leads.deals.buying_groups`, and what their journeys decide `leads.deals.following`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from alignment.lib import batch
from leads import criteria, lifecycle
from leads.causes import Cause
from leads.deals import customers, sourcing
from leads.deals.changes import KEPT, TOLD_AT_OPENING, Change, differences, record, tell
from leads.drafts import DealDraft, Reference, Verdict
from leads.milestones import Milestone
from leads.models import Journey, Lead, Opportunity, OpportunityContact, Stage
from leads.models.opportunity import DealState
from leads.models.reference import ExternalReference
from leads.stages.stages import Stages


class DealError(Exception):
    """A deal cannot be changed so; the message is a sentence. `field` names the column."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def open_deals(*, drafts: Sequence[DealDraft], cause: Cause) -> list[int]:
    """Store these deals, in order, each with its primary contact; returns their keys. The same statements for any
    number. A deal without a lead begins in the first stage of opportunities, unless its draft names one, and is sourced
    and told of at once; that of a lead follows its moves.
    """
    if not drafts:
        return []
    now = lifecycle.database_now()
    opened = dict(zip(_new_keys(len(drafts)), _placed(drafts), strict=True))
    batch.insert(Opportunity, [_row(pk, draft, cause, now) for pk, draft in opened.items()])
    batch.insert(
        OpportunityContact,
        [
            {"opportunity_id": pk, "lead_id": draft.lead_id, "role": "", "is_primary": True}
            for pk, draft in opened.items()
            if draft.lead_id
        ],
    )
    batch.insert(
        ExternalReference,
        [
            {"system": one.system, "external_id": one.external_id, "url": one.url, "opportunity_id": pk}
            for pk, draft in opened.items()
            for one in draft.references
        ],
        conflict="ON CONFLICT DO NOTHING",
    )
    record((change for pk, draft in opened.items() for change in _opening(pk, draft, cause)), cause, now)
    alone = [pk for pk, draft in opened.items() if not draft.lead_id]
    sourcing.decide(opportunity_ids=alone, cause=cause, now=now)
    tell(alone, cause)
    return list(opened)


def _placed(drafts: Sequence[DealDraft]) -> list[DealDraft]:
    """The drafts, those without a lead and a stage in the first one of opportunities."""
    if all(draft.lead_id or draft.stage_id for draft in drafts):
        return list(drafts)
    first = Stages.load().first(Milestone.SQO).pk
    return [draft if draft.lead_id or draft.stage_id else replace(draft, stage_id=first) for draft in drafts]


def _row(pk: int, draft: DealDraft, cause: Cause, now: datetime) -> batch.Row:
    return {
        "id": pk, "name": draft.name, "account_id": draft.account_id, "kind": draft.kind, "state": DealState.OPEN,
        "stage_id": draft.stage_id, "probability": draft.probability, "product": draft.product,
        "amount": draft.amount, "currency": draft.currency, "rate": draft.rate,
        "expected_close_on": draft.expected_close_on, "owner_id": draft.owner_id, "sourced_by": "",
        "opened_at": None if draft.is_undated else draft.opened_at or cause.at or now, "created_at": now,
    }  # fmt: skip


def _opening(pk: int, draft: DealDraft, cause: Cause) -> list[Change]:
    """What the deal has from the beginning."""
    told = {name: getattr(draft, name) for name in TOLD_AT_OPENING}
    blank = dict.fromkeys(told) | {"currency": draft.currency, "rate": draft.rate}
    return differences(pk, blank, told, at=draft.opened_at or cause.at)


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


@transaction.atomic
def change(*, opportunity_id: int, changes: Mapping[str, Any], cause: Cause) -> Opportunity:
    """Change columns of one deal (any of `KEPT`); each that really changes becomes a row. The stage of a deal that a
    lead carries is the lead's. Raises DealError.
    """
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    before = {name: getattr(deal, name) for name in KEPT}
    rows = differences(deal.pk, before, changes, at=cause.at)
    changed = [row.field for row in rows]
    if "stage_id" in changed:
        _check_stage(deal, changes["stage_id"])
    if changed:
        _check_asked(deal, before, before | dict(changes))
    if rows:
        for name in changed:
            setattr(deal, name, changes[name])
        deal.save(update_fields=[name.removesuffix("_id") for name in changed])
        record(rows, cause, lifecycle.database_now())
        tell([deal.pk], cause)
    return deal


def _check_stage(deal: Opportunity, stage_id: int | None) -> None:
    if deal.state != DealState.OPEN:
        raise DealError("A deal that is closed has no other stage. Reopen it first.", "stage_id")
    if carried(deal.pk):
        raise DealError("This deal stands where its lead does: move the lead on.", "stage_id")
    stage = Stages.load().by_id.get(stage_id or 0)
    if stage is None or stage.milestone != Milestone.SQO or stage.retired_at:
        raise DealError("An open deal is in one of the stages of opportunities.", "stage_id")


def _check_asked(deal: Opportunity, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What the stage of an open deal asks for may be missing from before; it is not taken away, nor is a stage entered
    without it.
    """
    stage = Stages.load().by_id.get(after["stage_id"] or 0)
    if stage is None or deal.state != DealState.OPEN:
        return
    lacked_before = criteria.deal_lacks(stage, _facts(before)) if stage.pk == before["stage_id"] else {}
    for name, said in criteria.deal_lacks(stage, _facts(after)).items():
        if name not in lacked_before:
            raise DealError(said, name)


def _facts(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage may ask for of a deal, of its columns."""
    return {name: columns.get("owner_id" if name == "owner" else name) for name in criteria.DEAL_FIELDS}


def asked_at_opening(columns: Mapping[str, Any]) -> dict[str, str]:
    """What a deal without a lead, of these columns, lacks for its stage (the first one of opportunities, where none is
    named): field → sentence.
    """
    stages = Stages.load()
    stage = stages.by_id[columns["stage_id"]] if columns.get("stage_id") else stages.first(Milestone.SQO)
    return criteria.deal_lacks(stage, _facts(columns))


def carried(opportunity_id: int) -> bool:
    """Whether the primary journey of a lead carries the deal."""
    return Journey.objects.filter(opportunity=opportunity_id, is_primary=True).exists()


@transaction.atomic
def withdraw(*, opportunity_ids: Collection[int], cause: Cause) -> int:
    """Take deals back that should never have been opened, and that no journey carries; returns how many. Each leaves
    lists and figures, and its names in other systems are free for another deal.
    """
    now = lifecycle.database_now()
    deals = Opportunity.objects.filter(pk__any_of=opportunity_ids, journeys=None, withdrawn_at=None)
    deals = deals.order_by("pk").select_for_update(no_key=True, of=("self",))
    withdrawn = list(deals.values_list("pk", "currency", "rate", "base_amount"))
    keys = [pk for pk, *_ in withdrawn]
    Opportunity.objects.filter(pk__any_of=keys).update(withdrawn_at=now)
    ExternalReference.objects.filter(opportunity__any_of=keys, released_at=None).update(released_at=now)
    record(
        (
            Change(pk, now, "withdrawn", "", now.isoformat(), currency, rate, base, None)
            for pk, currency, rate, base in withdrawn
        ),
        cause,
        now,
    )
    customers.follow(opportunity_ids=keys, cause=cause, now=now)
    tell(keys, cause)
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
    changes: list[Change] = []
    for deal in standing.values("pk", "opened_at", *KEPT):
        pk, draft = deal["pk"], drafts[deal["pk"]]
        said = {name: getattr(draft, name) for name in names if getattr(draft, name) not in (None, "")}
        new = {name: value for name, value in said.items() if name in _AMENDED or deal[name] is None}
        if any(deal[name] != value for name, value in new.items()):
            rows.append({"id": pk, **{name: new.get(name, deal[name]) for name in names}})
            told = {name: value for name, value in new.items() if name in _AMENDED}
            changes += differences(pk, deal, told, at=cause.at)
    batch.update(Opportunity, rows)
    record(changes, cause, lifecycle.database_now())
    tell((row["id"] for row in rows), cause)
    return frozenset(row["id"] for row in rows)


@transaction.atomic
def pass_on(*, owners: Mapping[int, int], cause: Cause) -> None:
    """Deals (by key) get other owners; the same statements for any number."""
    standing = Opportunity.objects.filter(pk__any_of=owners).order_by("pk").select_for_update(no_key=True)
    changes = [
        change
        for deal in standing.values("pk", *KEPT)
        for change in differences(deal["pk"], deal, {"owner_id": owners[deal["pk"]]}, at=cause.at)
    ]
    batch.update(Opportunity, [{"id": each.opportunity_id, "owner_id": each.new} for each in changes])
    record(changes, cause, lifecycle.database_now())
    tell((each.opportunity_id for each in changes), cause)


@transaction.atomic
def settle(*, verdicts: Mapping[int, Verdict], cause: Cause) -> frozenset[int]:
    """Say of deals (by key) whether they are open, won or lost, since when and why. Those that a primary journey
    carries follow it and are left alone. Returns the deals that changed.
    """
    carried = Journey.objects.filter(opportunity_id__any_of=verdicts, is_primary=True)
    free = verdicts.keys() - set(carried.values_list("opportunity_id", flat=True))
    standing = Opportunity.objects.filter(pk__any_of=free).order_by("pk").select_for_update(no_key=True)
    stages = Stages.load()
    rows: list[dict[str, Any]] = []
    changes: list[Change] = []
    turned: list[int] = []
    for deal in standing:
        told = verdicts[deal.pk]
        closed_at = told.at or (deal.closed_at if told.state == deal.state else None)
        stage_id = _stage_of(deal, told.state, stages)
        reason_id = told.reason_id or (deal.reason_id if told.state == deal.state else None)
        now_so = {"state": told.state, "closed_at": closed_at, "stage_id": stage_id, "reason_id": reason_id}
        if any(getattr(deal, name) != value for name, value in now_so.items()):
            rows.append({"id": deal.pk, **now_so})
        if deal.state != told.state:
            turned.append(deal.pk)
            changes += [
                Change(deal.pk, closed_at, name, getattr(deal, name), now_so[name], deal.currency, deal.rate,
                       deal.base_amount, deal.base_amount)
                for name in ("state", "stage_id", "reason_id")
                if getattr(deal, name) != now_so[name]
            ]  # fmt: skip
    batch.update(Opportunity, rows)
    now = lifecycle.database_now()
    record(changes, cause, now)
    if turned:
        customers.follow(opportunity_ids=turned, cause=cause, now=now)
    tell((row["id"] for row in rows), cause)
    return frozenset(row["id"] for row in rows)


def _stage_of(deal: Opportunity, state: str, stages: Stages) -> int | None:
    """Where a deal without a lead stands in this state: a won one is with the customers, an open one is not."""
    won = stages.first(Milestone.WON).pk
    if state == DealState.WON:
        return won
    if state == DealState.OPEN and deal.stage_id == won:
        return stages.first(Milestone.SQO).pk
    return deal.stage_id


@transaction.atomic
def restage(*, from_stage: Stage, to: Stage, cause: Cause) -> int:
    """Put open deals that no lead carries from one stage into another; each is a row. Returns how many moved."""
    carrying = Journey.objects.filter(opportunity__isnull=False, is_primary=True).values("opportunity")
    free = Opportunity.objects.filter(stage=from_stage, state=DealState.OPEN).exclude(pk__in=carrying)
    moving = list(free.order_by("pk").select_for_update(no_key=True, of=("self",)))
    Opportunity.objects.filter(pk__any_of=[deal.pk for deal in moving]).update(stage=to)
    record(
        (
            Change(deal.pk, cause.at, "stage_id", from_stage.pk, to.pk, deal.currency, deal.rate, deal.base_amount,
                   deal.base_amount)
            for deal in moving
        ),
        cause,
        lifecycle.database_now(),
    )  # fmt: skip
    tell((deal.pk for deal in moving), cause)
    return len(moving)
