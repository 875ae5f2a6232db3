"""Leads under lock: reading their moves, adding rows, and writing everything that follows from them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alignment.lib import batch
from leads import journeys
from leads.causes import Cause
from leads.decisions import Granted, Step
from leads.milestones import Kind
from leads.models import Lead, LeadTransition, TransitionNote
from leads.passes import Move, Pass, apply, replay, withdrawn_at
from leads.stages.stages import Stages

Entries = dict[int, dict[str, int | None]]
"""Pass number → what the pass froze when it was opened."""


@dataclass(slots=True)
class Standing:
    """A locked lead: its moves and the passes they make, both kept up to date as rows are added.

    `fresh` are the rows added since the lock, not yet written; `changed` the numbers of the passes that they touch;
    `stored` is what the lead says of where it stands; `is_withdrawn` whether a fresh row takes it back.
    """

    lead_id: int
    holder: dict[str, int | None]
    facets: dict[str, int | None]
    last_seq: int
    moves: list[Move]
    entries: Entries
    passes: list[Pass]
    fresh: list[batch.Row] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    passes_before: int = 0
    is_withdrawn: bool = False
    stored: batch.Row = field(default_factory=dict)

    @property
    def has_derived(self) -> bool:
        """Whether its journeys may say more than their moves and today's holder do (see `journeys.refresh`).

        Not those of a lead that is coming in: its first pass is open, nobody accepted it, and it carries no deal.
        """
        [*earlier, newest] = self.passes
        is_entering = not self.passes_before and not earlier
        return not (is_entering and newest.is_open and not newest.accepted_at and not newest.opportunity_id)

    @property
    def passes_kept(self) -> int:
        """How many passes have a journey from now on."""
        return 0 if self.is_withdrawn else len(self.passes)

    def take(self, step: Step, granted: Granted, cause: Cause, now: datetime) -> Pass:
        """Add the row of a granted step and what it does; returns the newest pass after it."""
        self.last_seq += 1
        current = self.passes[-1] if self.passes else None
        came_from = current.stage.stage_id if current else None
        no = 1 if current is None else current.no + (granted.kind == Kind.REQUALIFY)
        row = Move(
            id=-self.last_seq, seq=self.last_seq, pass_no=no, kind=granted.kind, target=granted.target,
            at=granted.at, recorded_at=cause.recorded_at(granted.at, now),
            actor_id=step.actor_id or cause.actor_id, reason_id=granted.reason_id, reverts_id=granted.reverts_id,
            corrects_id=granted.corrects_id, opportunity_id=step.opportunity_id,
            qualified_by=step.qualified_by, track_id=step.track_id, revisit_on=step.revisit_on,
        )  # fmt: skip
        self.moves.append(row)
        if granted.kind in (Kind.UNDO, Kind.CORRECT):
            self.changed.update(each.no for each in self.passes)
            self.passes = replay(self.moves)
        elif granted.kind == Kind.WITHDRAW:
            self.is_withdrawn = True
        else:
            apply(self.passes, row)
        self.changed.add(self.passes[-1].no)
        if current is None or granted.kind == Kind.REQUALIFY:
            self.entries[no] = self.facets
        if step.note:
            self.notes[row.seq] = step.note
        self.fresh.append(self._columns(row, step, cause, came_from))
        return self.passes[-1]

    def _columns(self, row: Move, step: Step, cause: Cause, came_from: int | None) -> batch.Row:
        opens = came_from is None or row.kind == Kind.REQUALIFY
        return {
            "lead_id": self.lead_id,
            "pass_no": row.pass_no,
            "seq": row.seq,
            "kind": row.kind,
            "from_stage_id": came_from,
            "to_stage_id": row.target.stage_id if row.target else None,
            "reason_id": row.reason_id,
            "at": row.at,
            "recorded_at": row.recorded_at,
            "actor_id": row.actor_id,
            "source": cause.source,
            "reverts_id": row.reverts_id,
            "corrects_id": row.corrects_id,
            "opportunity_id": row.opportunity_id,
            "qualified_by": row.qualified_by,
            "confirmations": list(step.confirmations),
            "is_override": step.override,
            "track_id": row.track_id,
            "revisit_on": row.revisit_on,
            "entry": self.facets if opens else None,
        }


def lock(lead_ids: Collection[int], stages: Stages) -> dict[int, Standing]:
    """Lock these leads (no merged or withdrawn ones) in ascending order and read where they stand; two queries."""
    rows = (
        Lead.objects.standing()
        .filter(pk__any_of=set(lead_ids))
        .order_by("pk")
        .select_for_update(no_key=True)
        .values("pk", "owner_id", "team_id", *journeys.STATE, *journeys.FROZEN)
    )
    leads = {row["pk"]: row for row in rows}
    known = histories(leads.keys(), stages)
    return {pk: _standing(row, *known.get(pk, ([], {}))) for pk, row in leads.items()}


def _standing(row: Mapping[str, Any], moves: list[Move], entries: Entries) -> Standing:
    passes = replay(moves)
    return Standing(
        lead_id=row["pk"],
        holder={"owner_id": row["owner_id"], "team_id": row["team_id"]},
        facets={name: row[name] for name in journeys.FROZEN},
        last_seq=moves[-1].seq if moves else 0,
        moves=moves,
        entries=entries,
        passes=passes,
        passes_before=len(passes),
        stored={name: row[name] for name in journeys.STATE},
    )


def histories(lead_ids: Collection[int], stages: Stages) -> dict[int, tuple[list[Move], Entries]]:
    """The moves of these leads by `seq`, and what each of their passes froze; one query."""
    rows = (
        LeadTransition.objects.filter(lead_id__any_of=set(lead_ids))
        .order_by("lead_id", "seq")
        .values_list(
            "lead_id", "entry", "id", "seq", "pass_no", "kind", "to_stage_id", "at", "recorded_at", "actor_id",
            "reason_id", "reverts_id", "corrects_id", "opportunity_id", "qualified_by", "track_id", "revisit_on",
        )
    )  # fmt: skip
    found: dict[int, tuple[list[Move], Entries]] = {}
    rest: list[Any]
    for lead_id, entry, pk, seq, pass_no, kind, to_stage_id, *rest in rows:
        moves, entries = found.setdefault(lead_id, ([], {}))
        moves.append(Move(pk, seq, pass_no, _KINDS[kind], stages.target(to_stage_id), *rest))
        if entry is not None:
            entries[pass_no] = entry
    return found


_KINDS = {kind.value: kind for kind in Kind}


def write(standings: Iterable[Standing]) -> dict[tuple[int, int], int]:
    """Write the fresh rows and all that follows from them. Returns (lead id, seq) → key of the new row."""
    moved = [standing for standing in standings if standing.fresh]
    if not moved:
        return {}
    written = batch.insert(
        LeadTransition, [row for each in moved for row in each.fresh], returning=("lead_id", "seq", "id")
    )
    keys = {(lead_id, seq): pk for lead_id, seq, pk in written}
    batch.insert(
        TransitionNote,
        [
            {"transition_id": keys[each.lead_id, seq], "text": text}
            for each in moved
            for seq, text in each.notes.items()
        ],
    )
    # First, because an earlier pass may be open again, and only one may be.
    journeys.forget_passes({each.lead_id: each.passes_kept for each in moved if each.passes_kept < each.passes_before})
    journeys.write(
        [
            journeys.as_row(each.lead_id, one, each.entries.get(one.no, {}))
            for each in moved
            for one in each.passes[: each.passes_kept]
            if one.no in each.changed
        ],
        holders={each.lead_id: each.holder for each in moved},
    )
    journeys.refresh([each.lead_id for each in moved if each.has_derived])
    states = (
        (each, journeys.as_state(each.lead_id, each.passes[-1], each.moves[-1], withdrawn_at(each.moves)))
        for each in moved
    )
    # A new lead was inserted where its arrival leaves it: it need not be written again.
    journeys.write_state([state for each, state in states if not each.stored.items() <= state.items()])
    return keys
