"""Leads come in: matched, stored, touched and moved in sets. Page, API, import and forms all call `receive`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from alignment.lib import batch, collecting
from alignment.lib.emails import domain_of, email_key_or_blank
from alignment.people.models import User
from leads import dimensions, lifecycle, matching
from leads.causes import Cause
from leads.deals import deals
from leads.decisions import OPENS, Step, of_lead
from leads.drafts import Draft
from leads.editing import Edited
from leads.holders import Assignment, begin, hold
from leads.hygiene.marking import mark
from leads.joining import TEXTS, Changes, join
from leads.merging import lock as merge_lock
from leads.milestones import CauseSource, Kind, Milestone, QualifiedBy
from leads.models import Lead
from leads.models.lead import Consent
from leads.models.touchpoint import Direction
from leads.passes import Move, Pass, apply
from leads.searching import add_to_index
from leads.signals import leads_edited
from leads.stages.stages import Stages
from leads.touches import Touch, record

Teams = Mapping[int, int | None]
"""User → team."""
Handovers = Mapping[int, tuple[int | None, int | None]]
"""Lead → (who held it before, who holds it now)."""


@dataclass(frozen=True, slots=True)
class Received:
    """What came of the drafts: the lead that each is now, in their order, and which leads are new or changed.

    `changes` has, for each lead that stood already and was written, the columns with their values before and after;
    `handed_over` who held such a lead before, and who holds it now. `touches` has the lead of each new touch.
    """

    lead_ids: tuple[int, ...]
    created: frozenset[int]
    changes: Mapping[int, Changes]
    handed_over: Handovers
    opened_deals: frozenset[int]
    moved: lifecycle.Moved
    touches: Mapping[int, int] = field(default_factory=dict)

    @property
    def updated(self) -> frozenset[int]:
        """The leads whose facts changed."""
        return frozenset(self.changes)


@collecting.later()
def receive(*, drafts: Sequence[Draft], cause: Cause, overwrite: bool = False, keep_holders: bool = False) -> Received:
    """Store these leads; the same statements for one and for fifty thousand.

    A draft joins the lead that one of its external references names, else the one with the same normalised e-mail;
    otherwise it becomes a new lead. Joining fills what was blank, and replaces what was filled only with `overwrite`.
    With `keep_holders` a lead that somebody holds stays theirs. Receiving the same drafts twice changes nothing.
    """
    while True:
        try:
            return _receive(drafts, cause, overwrite, keep_holders)
        except matching.OutrunError:
            continue  # whoever was first has committed, so each time round at least one more is known


@transaction.atomic
def _receive(drafts: Sequence[Draft], cause: Cause, overwrite: bool, keep_holders: bool) -> Received:
    merge_lock.while_matching()
    now = lifecycle.database_now()
    matching.lock_systems(one for draft in drafts if draft.deal for one in draft.deal.references)
    incoming = _columns(drafts, now)
    stages = Stages.load()
    arrivals = [_arrival(draft, stages, cause) for draft in drafts]
    teams = dict(User.objects.filter(pk__in={draft.owner_id for draft in drafts}).values_list("pk", "team_id"))
    lead_ids, created = _place(drafts, incoming, arrivals, teams, cause, now)
    changes = join(lead_ids, created, incoming, overwrite)
    kept = _held(lead_ids, created) if keep_holders else set()
    handed_over = _hold(drafts, lead_ids, created, kept, teams, cause, now)
    touches = _touch(drafts, lead_ids, incoming, cause, now)
    carried, opened = _open_deals(drafts, lead_ids, incoming, cause)
    steps = _steps(drafts, arrivals, lead_ids, created, carried)
    moved = _admit(lifecycle.move(steps=steps, cause=cause), created, stages)
    if changes:
        leads_edited.send(sender=receive, batch=Edited(cause, tuple(sorted(changes))))
    return Received(tuple(lead_ids), frozenset(created), changes, handed_over, opened, moved, touches)


def _columns(drafts: Sequence[Draft], now: datetime) -> list[dict[str, Any]]:
    """What each draft says about its lead, by column."""
    facets = dimensions.resolve(drafts)
    keys = [email_key_or_blank(draft.email) for draft in drafts]
    accounts = matching.accounts(drafts, keys, now)
    return [
        {
            **{name: getattr(draft, name) for name in TEXTS},
            "email_key": key,
            "email_domain": domain_of(key),
            "account_id": account,
            **dimensions.primary_keys(draft, facets),
            "consent": draft.consent or Consent.UNKNOWN.value,
            "do_not_contact": draft.do_not_contact,
            "attributes": draft.attributes,
        }
        for draft, key, account in zip(drafts, keys, accounts, strict=True)
    ]


def _place(
    drafts: Sequence[Draft],
    incoming: Sequence[dict[str, Any]],
    arrivals: Sequence[Sequence[Step]],
    teams: Teams,
    cause: Cause,
    now: datetime,
) -> tuple[list[int], set[int]]:
    """The lead of each draft, in order, and those of them that were created now."""
    known = matching.known_references(drafts)
    references = dict(known)
    emails = matching.known_emails([row["email_key"] for row in incoming if row["email_key"]])
    unknown = sum(
        matching.match(draft, row["email_key"], references, emails) is None
        for draft, row in zip(drafts, incoming, strict=True)
    )
    keys = _new_keys(unknown)
    fresh: dict[int, int] = {}  # new key → index of the draft that makes it
    placed: list[int] = []
    for index, (draft, row) in enumerate(zip(drafts, incoming, strict=True)):
        lead_id = matching.match(draft, row["email_key"], references, emails)
        if lead_id is None:
            lead_id = next(keys)
            fresh[lead_id] = index
            # A later draft of the same batch with the same name or address is the same lead.
            references.update(((one.system, one.external_id), lead_id) for one in draft.references)
            if row["email_key"]:
                emails[row["email_key"]] = lead_id
        placed.append(lead_id)
    created = _insert(fresh, drafts, incoming, arrivals, teams, cause, now)
    if len(created) < len(fresh):
        placed = _yield_to_others(placed, incoming, set(fresh) - created)
    matching.store_references(placed, drafts, known)
    return placed, created


def _new_keys(count: int) -> Iterator[int]:
    if not count:
        return iter(())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval((SELECT pg_get_serial_sequence('leads_lead', 'id')::regclass)) FROM generate_series(1, %s)",
            [count],
        )
        return iter([row[0] for row in cursor.fetchall()])


def _insert(
    fresh: Mapping[int, int],
    drafts: Sequence[Draft],
    incoming: Sequence[dict[str, Any]],
    arrivals: Sequence[Sequence[Step]],
    teams: Teams,
    cause: Cause,
    now: datetime,
) -> set[int]:
    """Insert new leads, where their arrival will bring them and in the order of their addresses: so no row is written
    twice, and two writers never wait for each other in a ring. Returns the keys that were inserted.
    """
    if not fresh:
        return set()
    stages = Stages.load()
    routes = {index: tuple((step.kind, step.stage_id) for step in arrivals[index]) for index in fresh.values()}
    standing = {route: _standing(route, stages) for route in set(routes.values())}
    rows = [
        {
            "id": pk,
            **incoming[index],
            **standing[routes[index]],
            "moved_at": cause.recorded_at(arrivals[index][-1].at or cause.at, now),
            "owner_id": drafts[index].owner_id,
            "team_id": teams.get(drafts[index].owner_id or 0),
            "created_at": drafts[index].created_at or now,
        }
        for pk, index in fresh.items()
    ]
    rows.sort(key=lambda row: (row["email_key"], row["id"]))
    inserted = batch.insert(
        Lead,
        rows,
        conflict="ON CONFLICT (email_key) WHERE NOT (email_key = '') AND merged_into_id IS NULL "
        "AND withdrawn_at IS NULL DO NOTHING",
        returning=("id",),
    )
    created = {row[0] for row in inserted}
    add_to_index(row for row in rows if row["id"] in created)
    mark(created)
    return created


_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # where moves leave a lead does not depend on when they were recorded


def _standing(route: Sequence[tuple[Kind, int | None]], stages: Stages) -> dict[str, Any]:
    """Where moves of these kinds, to these stages, leave a new lead; `lifecycle.move` mends it where it refuses one."""
    passes: list[Pass] = []
    for seq, (kind, stage_id) in enumerate(route, start=1):
        target = stages.target_of(kind, stage_id) or passes[-1].stage
        apply(passes, Move(id=-seq, seq=seq, pass_no=1, kind=kind, target=target, at=None, recorded_at=_ANY_TIME))
    return {
        "stage_id": passes[-1].stage.stage_id,
        "milestone": passes[-1].reached,
        "outcome": passes[-1].outcome,
        "pass_no": passes[-1].no,
        "last_seq": len(route),
    }


def _yield_to_others(placed: Sequence[int], incoming: Sequence[dict[str, Any]], lost: set[int]) -> list[int]:
    """Another transaction created the same address first: join its lead."""
    emails = matching.known_emails([row["email_key"] for row in incoming if row["email_key"]])
    return [
        emails[row["email_key"]] if lead_id in lost else lead_id for lead_id, row in zip(placed, incoming, strict=True)
    ]


def _held(lead_ids: Sequence[int], created: set[int]) -> set[int]:
    """Those of the known leads that are in somebody's hands."""
    known = set(lead_ids) - created
    return set(Lead.objects.filter(pk__any_of=known, owner__isnull=False).values_list("pk", flat=True))


def _hold(
    drafts: Sequence[Draft],
    lead_ids: Sequence[int],
    created: set[int],
    kept: set[int],
    teams: Teams,
    cause: Cause,
    now: datetime,
) -> Handovers:
    """A new lead was inserted as its first draft's owner's; all others but the `kept` are handed over, and returned."""
    entering = set(created)
    first: list[Assignment] = []
    later: list[Assignment] = []
    for lead_id, draft in zip(lead_ids, drafts, strict=True):
        if draft.owner_id and lead_id in entering:
            first.append(Assignment(lead_id, draft.owner_id, draft.owned_at or cause.at or now))
        elif draft.owner_id and lead_id not in kept:
            later.append(Assignment(lead_id, draft.owner_id, draft.owned_at))
        entering.discard(lead_id)
    begin(assignments=first, teams=teams, cause=cause)
    return hold(assignments=later, cause=cause).changes if later else {}


def _touch(
    drafts: Sequence[Draft],
    lead_ids: Sequence[int],
    incoming: Sequence[dict[str, Any]],
    cause: Cause,
    now: datetime,
) -> Mapping[int, int]:
    touches = [
        Touch(
            lead_id=lead_id, at=touch.at or cause.at or now, kind=touch.kind, title=touch.title,
            direction=touch.direction, channel_id=columns["source_id"], campaign_id=columns["campaign_id"],
            is_human=touch.is_human, is_engaged=touch.is_engaged, is_hand_raise=touch.is_hand_raise,
            actor_id=touch.actor_id or (cause.actor_id if touch.direction == Direction.OUTBOUND else None),
            system=touch.system, external_id=touch.external_id,
        )
        for lead_id, draft, columns in zip(lead_ids, drafts, incoming, strict=True)
        for touch in draft.touches
    ]  # fmt: skip
    return record(touches=touches, cause=cause).leads if touches else {}


def _arrival(draft: Draft, stages: Stages, cause: Cause) -> tuple[Step, ...]:
    """The moves by which this draft would enter as a new lead. One that only knows how it ended skipped the rest."""
    if draft.steps:
        begins = draft.steps[0].kind in OPENS
        return draft.steps if begins else (_first_step(stages, cause, at=draft.steps[0].at), *draft.steps)
    raised = any(touch.is_hand_raise for touch in draft.touches)
    stage = stages.first(Milestone.MQL if raised else Milestone.MGL)
    return (
        Step(
            0,
            Kind.ADVANCE,
            stage_id=stage.pk,
            at=draft.created_at,
            is_undated=cause.source == CauseSource.IMPORT and draft.created_at is None,
            qualified_by=QualifiedBy.HAND_RAISE if raised else "",
        ),
    )


def _open_deals(
    drafts: Sequence[Draft], lead_ids: Sequence[int], incoming: Sequence[dict[str, Any]], cause: Cause
) -> tuple[dict[int, int], frozenset[int]]:
    """Index of each draft that brings a deal → the deal; and which of the deals are new."""
    bringing = {
        index: replace(draft.deal, lead_id=lead_ids[index], account_id=incoming[index]["account_id"])
        for index, draft in enumerate(drafts)
        if draft.deal is not None
    }
    if not bringing:
        return {}, frozenset()
    found, opened = deals.find_or_open(drafts=list(bringing.values()), cause=cause)
    return dict(zip(bringing, found, strict=True)), opened


def _steps(
    drafts: Sequence[Draft],
    arrivals: Sequence[Sequence[Step]],
    lead_ids: Sequence[int],
    created: set[int],
    carried: Mapping[int, int],
) -> list[Step]:
    """The moves that the drafts bring: of a new lead its arrival, of one that stands only what its draft states."""
    entering = set(created)
    steps: list[Step] = []
    for index, (draft, arrival, lead_id) in enumerate(zip(drafts, arrivals, lead_ids, strict=True)):
        brought = arrival if lead_id in entering else draft.steps
        entering.discard(lead_id)
        own = [of_lead(step, lead_id) for step in brought]
        steps += [replace(step, opportunity_id=carried[index]) for step in own] if index in carried else own
    return steps


def _first_step(stages: Stages, cause: Cause, *, at: datetime | None = None, lead_id: int = 0, note: str = "") -> Step:
    """Into the first stage; what history does not say is undated. With a `note` past its criteria."""
    return Step(
        lead_id, Kind.ADVANCE, stage_id=stages.first(Milestone.MGL).pk, at=at,
        is_undated=cause.source == CauseSource.IMPORT, override=bool(note), note=note,
    )  # fmt: skip


def _admit(moved: lifecycle.Moved, created: set[int], stages: Stages) -> lifecycle.Moved:
    """Who came in is in the funnel: a new lead whose every move was refused enters at its beginning, and why."""
    outside = created - set(moved.lead_ids)
    if not outside:
        return moved
    why = {refusal.lead_id: refusal.message for refusal in reversed(moved.refused) if refusal.lead_id in outside}
    steps = [_first_step(stages, moved.cause, lead_id=pk, note=why[pk]) for pk in sorted(outside)]
    admitted = lifecycle.move(steps=steps, cause=moved.cause)
    return replace(moved, taken=(*moved.taken, *admitted.taken))
