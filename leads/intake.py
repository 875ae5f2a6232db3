"""Leads come in: matched, stored, touched and moved in sets. Page, API, import and forms all call `receive`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from alignment.lib import batch
from leads import dimensions, lifecycle, matching
from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft
from leads.holders import Assignment, hold
from leads.milestones import CauseSource, Kind, Milestone, QualifiedBy
from leads.models import Lead, LeadSearch
from leads.models.lead import Consent
from leads.stages import Stages
from leads.touches import Touch, record

TEXTS = ("name", "email", "phone", "title", "seniority", "company_name", "product_interest")
KEYS = ("source_id", "campaign_id", "segment_id", "territory_id", "account_id")


@dataclass(frozen=True, slots=True)
class Received:
    """What came of the drafts: the lead that each is now, in their order, and which leads are new or changed."""

    lead_ids: tuple[int, ...]
    created: frozenset[int]
    updated: frozenset[int]
    moved: lifecycle.Moved


@transaction.atomic
def receive(*, drafts: Sequence[Draft], cause: Cause, overwrite: bool = False) -> Received:
    """Store these leads; the same statements for one and for fifty thousand.

    A draft joins the lead that one of its external references names, else the one with the same normalised e-mail;
    otherwise it becomes a new lead. Joining fills what was blank, and replaces what was filled only with `overwrite`.
    Receiving the same drafts twice changes nothing.
    """
    now = lifecycle.database_now()
    matching.lock_references(drafts)
    incoming = _columns(drafts, now)
    lead_ids, created = _place(drafts, incoming, now)
    updated = _join(lead_ids, created, incoming, overwrite)
    matching.store_references(lead_ids, drafts)
    _hold(drafts, lead_ids, cause)
    _touch(drafts, lead_ids, incoming, cause, now)
    moved = lifecycle.move(steps=_steps(drafts, lead_ids, created, cause), cause=cause)
    return Received(tuple(lead_ids), frozenset(created), frozenset(updated), moved)


def _columns(drafts: Sequence[Draft], now: datetime) -> list[dict[str, Any]]:
    """What each draft says about its lead, by column."""
    facets = dimensions.resolve(drafts)
    accounts = matching.accounts(drafts, now)
    return [
        {
            **{name: getattr(draft, name) for name in TEXTS},
            "email_key": draft.email_key,
            "email_domain": draft.email_domain,
            "account_id": account,
            **dimensions.primary_keys(draft, facets),
            "consent": draft.consent or Consent.UNKNOWN.value,
            "do_not_contact": draft.do_not_contact,
            "attributes": draft.attributes,
        }
        for draft, account in zip(drafts, accounts, strict=True)
    ]


def _place(drafts: Sequence[Draft], incoming: Sequence[dict[str, Any]], now: datetime) -> tuple[list[int], set[int]]:
    """The lead of each draft, in order, and those of them that were created now."""
    references = matching.known_references(drafts)
    emails = matching.known_emails([row["email_key"] for row in incoming if row["email_key"]])
    fresh: dict[int, int] = {}  # index of the draft → its new key
    placed: list[int | None] = []
    keys = _new_keys(sum(matching.match(draft, references, emails) is None for draft in drafts))
    for index, draft in enumerate(drafts):
        lead_id = matching.match(draft, references, emails)
        if lead_id is None:
            lead_id = fresh[index] = next(keys)
            # A later draft of the same batch with the same name or address is the same lead.
            references |= {(one.system, one.external_id): lead_id for one in draft.references}
            if incoming[index]["email_key"]:
                emails[incoming[index]["email_key"]] = lead_id
        placed.append(lead_id)
    created = _insert({pk: (drafts[index], incoming[index]) for index, pk in fresh.items()}, now)
    if len(created) < len(fresh):
        placed = _yield_to_others(placed, incoming, set(fresh.values()) - created)
    return placed, created


def _new_keys(count: int) -> Iterable[int]:
    if not count:
        return iter(())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('leads_lead', 'id')) FROM generate_series(1, %s)", [count]
        )
        return iter([row[0] for row in cursor.fetchall()])


def _insert(fresh: dict[int, tuple[Draft, dict[str, Any]]], now: datetime) -> set[int]:
    """Insert new leads in the order of their addresses, so that two writers never wait for each other in a ring."""
    if not fresh:
        return set()
    entry = Stages.load().first(Milestone.MGL)
    rows = [
        {
            "id": pk, **columns, "stage_id": entry.pk, "milestone": Milestone.MGL, "outcome": "", "pass_no": 1,
            "last_seq": 0, "created_at": draft.created_at or now, "moved_at": now,
        }
        for pk, (draft, columns) in fresh.items()
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["email_key"], row["id"]))
    inserted = batch.insert(
        Lead,
        rows,
        conflict="ON CONFLICT (email_key) WHERE NOT (email_key = '') AND merged_into_id IS NULL DO NOTHING",
        returning=("id",),
    )
    created = {row[0] for row in inserted}
    _index([{"lead_id": pk, "text": draft.search_text} for pk, (draft, _) in fresh.items() if pk in created])
    return created


def _yield_to_others(placed: Sequence[int], incoming: Sequence[dict[str, Any]], lost: set[int]) -> list[int]:
    """Another transaction created the same address first: join its lead."""
    emails = matching.known_emails([row["email_key"] for row in incoming if row["email_key"]])
    return [
        emails[row["email_key"]] if lead_id in lost else lead_id for lead_id, row in zip(placed, incoming, strict=True)
    ]


def _index(rows: list[dict[str, Any]]) -> None:
    batch.insert(LeadSearch, rows, conflict="ON CONFLICT (lead_id) DO UPDATE SET text = excluded.text")


def _join(lead_ids: Sequence[int], created: set[int], incoming: Sequence[dict[str, Any]], overwrite: bool) -> set[int]:
    """Fill in (or, with `overwrite`, replace) what leads that stand already were told; returns those that changed."""
    told: dict[int, list[dict[str, Any]]] = {}
    fresh = set(created)
    for lead_id, columns in zip(lead_ids, incoming, strict=True):
        if lead_id in fresh:
            fresh.discard(lead_id)  # the draft that made it
        else:
            told.setdefault(lead_id, []).append(columns)
    if not told:
        return set()
    names = [*TEXTS, "email_key", "email_domain", *KEYS, "consent", "do_not_contact", "attributes"]
    leads = Lead.objects.filter(pk__in=told).order_by("pk").select_for_update(no_key=True)
    standing = {row["pk"]: row for row in leads.values("pk", *names)}
    taken = matching.known_emails([row["email_key"] for rows in told.values() for row in rows if row["email_key"]])
    changed = []
    for pk, before in standing.items():
        after = dict(before)
        for columns in told[pk]:
            _fill(after, columns, overwrite, email_is_free=taken.get(columns["email_key"], pk) == pk)
        if after != before:
            after["id"] = after.pop("pk")
            changed.append(after)
    batch.update(Lead, changed)
    _index([{"lead_id": row["id"], "text": search_text(row)} for row in changed])
    return {row["id"] for row in changed}


def _fill(lead: dict[str, Any], told: dict[str, Any], overwrite: bool, *, email_is_free: bool) -> None:
    for name in (*TEXTS, *KEYS):
        if told[name] and (overwrite or not lead[name]) and name != "email":
            lead[name] = told[name]
    if told["email_key"] and email_is_free and (overwrite or not lead["email_key"]):
        lead |= {name: told[name] for name in ("email", "email_key", "email_domain")}
    if told["consent"] != Consent.UNKNOWN:
        lead["consent"] = told["consent"]
    lead["do_not_contact"] = lead["do_not_contact"] or told["do_not_contact"]
    given, kept = told["attributes"], lead["attributes"]
    lead["attributes"] = {**kept, **given} if overwrite else {**given, **kept}


def search_text(row: dict[str, Any]) -> str:
    """What the search box finds a lead by."""
    return " ".join(filter(None, (row["name"], row["email"], row["company_name"])))


def _hold(drafts: Sequence[Draft], lead_ids: Sequence[int], cause: Cause) -> None:
    assignments = [
        Assignment(lead_id, draft.owner_id, draft.owned_at)
        for lead_id, draft in zip(lead_ids, drafts, strict=True)
        if draft.owner_id
    ]
    if assignments:
        hold(assignments=assignments, cause=cause)


def _touch(
    drafts: Sequence[Draft],
    lead_ids: Sequence[int],
    incoming: Sequence[dict[str, Any]],
    cause: Cause,
    now: datetime,
) -> None:
    touches = [
        Touch(
            lead_id=lead_id, at=touch.at or cause.at or now, kind=touch.kind, title=touch.title,
            direction=touch.direction, channel_id=columns["source_id"], campaign_id=columns["campaign_id"],
            is_human=touch.is_human, is_engaged=touch.is_engaged, is_hand_raise=touch.is_hand_raise,
            actor_id=cause.actor_id if touch.direction == "outbound" else None,
            system=touch.system, external_id=touch.external_id,
        )
        for lead_id, draft, columns in zip(lead_ids, drafts, incoming, strict=True)
        for touch in draft.touches
    ]  # fmt: skip
    if touches:
        record(touches=touches, cause=cause)


def _steps(drafts: Sequence[Draft], lead_ids: Sequence[int], created: set[int], cause: Cause) -> list[Step]:
    """The moves that the drafts bring; a new lead without any enters where it belongs."""
    stages = Stages.load()
    entering = set(created)
    steps: list[Step] = []
    for lead_id, draft in zip(lead_ids, drafts, strict=True):
        steps += [replace(step, lead_id=lead_id) for step in draft.steps]
        if lead_id in entering and not draft.steps:
            raised = any(touch.is_hand_raise for touch in draft.touches)
            steps.append(
                Step(
                    lead_id, Kind.ADVANCE, stage_id=stages.first(Milestone.MQL if raised else Milestone.MGL).pk,
                    at=draft.created_at, is_undated=cause.source == CauseSource.IMPORT and draft.created_at is None,
                    qualified_by=QualifiedBy.HAND_RAISE if raised else "",
                )
            )  # fmt: skip
        entering.discard(lead_id)
    return steps
