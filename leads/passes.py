"""Replay: from the moves of one lead to its passes. Pure: no database, no clock.

The rules, which `leads.lifecycle`, `manage.py verify` and `manage.py rebuild_journeys` all share:

- Rows count in the order of `seq`, never of `at`. A row that an `undo` reverts leaves no trace; an `undo` itself does
  nothing else. A `correct` row replaces stage, reason and date of the row it names (the newest correction wins).
- A milestone's date is the earliest date among the rows that reached it, so late evidence moves it back and fills it
  in, and a milestone that was skipped counts as reached without a date. A further stage of the same milestone than the
  one by which the pass came to it says nothing about that date.
- `accepted_at` is the earliest date of an acceptance; without a dated one, entering SQL counts as acceptance.
- A closing row gives the pass its outcome. A second row with the same outcome only dates it earlier. `reopen` takes
  back what the closing row did: outcome, reason, dates of winning and closing, stage and milestone, and the deal that
  the pass was attached to.
- `requalify` opens the next pass, which is MGL and MQL from that moment.
- `map` puts an open pass into another stage of the milestone that it has reached, earlier or later; dates stay.
- `withdraw` says that the lead should never have come in: its passes stay as they were, and leave every figure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from leads.milestones import CLOSES, Kind, Milestone, Outcome

DATE_OF = {
    Milestone.MGL: "mgl_at",
    Milestone.MQL: "mql_at",
    Milestone.SQL: "sql_at",
    Milestone.SQO: "sqo_at",
    Milestone.WON: "won_at",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A stage as replay needs it: its key, its milestone and its place among all stages."""

    stage_id: int
    milestone: Milestone
    position: int


class Move(NamedTuple):
    """One row of `LeadTransition`, without what replay does not read. `target` is None for an undo; `id` is negative
    until the row is stored.
    """

    id: int
    seq: int
    pass_no: int
    kind: Kind
    target: Target | None
    at: datetime | None
    recorded_at: datetime
    actor_id: int | None = None
    reason_id: int | None = None
    reverts_id: int | None = None
    corrects_id: int | None = None
    opportunity_id: int | None = None
    qualified_by: str = ""
    track_id: int | None = None
    revisit_on: date | None = None

    @property
    def is_stored(self) -> bool:
        """Whether the row has its key, so that others may name it."""
        return self.id > 0


@dataclass(slots=True)
class Pass:
    """Where one pass stands, and the move that brought it there. Dates are None where nobody knows them."""

    no: int
    stage: Target
    reached: Milestone
    brought_by: Move
    outcome: str = ""
    reason_id: int | None = None
    mgl_at: datetime | None = None
    mql_at: datetime | None = None
    acceptance_at: datetime | None = None
    sql_at: datetime | None = None
    sqo_at: datetime | None = None
    won_at: datetime | None = None
    closed_at: datetime | None = None
    ended_at: datetime | None = None
    """When Accord learnt of the close."""
    qualified_by: str = ""
    track_id: int | None = None
    revisit_on: date | None = None
    opportunity_id: int | None = None
    came_by: dict[Milestone, int] = field(default_factory=dict, repr=False)
    """Position of the stage by which the pass came to each milestone."""
    closed_from: tuple[Target, Milestone, int | None] | None = field(default=None, repr=False)
    """Stage, milestone and deal before the close."""

    @property
    def is_open(self) -> bool:
        """Whether nothing has ended this pass."""
        return not self.outcome

    @property
    def accepted_at(self) -> datetime | None:
        """When sales accepted: its dated acceptance, else its entry into SQL."""
        return self.acceptance_at or self.sql_at

    @property
    def requalified_at(self) -> datetime | None:
        """When a returning lead's pass began; None for a first pass, and where nobody knows."""
        return self.mgl_at if self.no > 1 else None

    def is_past(self, target: Target) -> bool:
        """Whether `target` is a further stage of a milestone to which the pass came by an earlier one."""
        return target.position > self.came_by.get(target.milestone, target.position)

    def date_of(self, milestone: Milestone) -> datetime | None:
        """The date of `milestone`, None when it is undated or was never reached."""
        found: datetime | None = getattr(self, DATE_OF[milestone])
        return found


def earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two dates, either of which may be unknown."""
    if one is None or other is None:
        return one or other
    return min(one, other)


def effective(moves: Iterable[Move]) -> list[Move]:
    """The rows that count, by `seq`, with their corrections applied; undone rows, undos and corrections are gone."""
    rows = sorted(moves, key=lambda move: move.seq)
    reverted = {move.reverts_id for move in rows if move.reverts_id}
    corrections = {move.corrects_id: move for move in rows if move.kind == Kind.CORRECT and move.id not in reverted}
    return [
        _corrected(move, corrections.get(move.id))
        for move in rows
        if move.kind not in (Kind.UNDO, Kind.CORRECT, Kind.WITHDRAW) and move.id not in reverted
    ]


def withdrawn_at(moves: Iterable[Move]) -> datetime | None:
    """When the lead was taken back; None while it counts."""
    return max((move.recorded_at for move in moves if move.kind == Kind.WITHDRAW), default=None)


def _corrected(move: Move, correction: Move | None) -> Move:
    if correction is None:
        return move
    return move._replace(target=correction.target, at=correction.at, reason_id=correction.reason_id)


def newest(moves: Iterable[Move]) -> Move | None:
    """The row that an undo would take back: the newest that is neither an undo nor undone."""
    rows = list(moves)
    reverted = {move.reverts_id for move in rows if move.reverts_id}
    standing = [move for move in rows if move.kind != Kind.UNDO and move.id not in reverted]
    return max(standing, key=lambda move: move.seq, default=None)


def replay(moves: Iterable[Move]) -> list[Pass]:
    """The passes that these moves make, first to last; empty for a lead without moves."""
    passes: list[Pass] = []
    for move in effective(moves):
        apply(passes, move)
    return passes


def apply(passes: list[Pass], move: Move) -> None:
    """Add what one move does to the newest of `passes`, in place."""
    target = move.target
    assert target is not None  # only an undo has no target, and undos never come here
    if not passes or move.kind == Kind.REQUALIFY:
        passes.append(Pass(no=len(passes) + 1, stage=target, reached=target.milestone, brought_by=move))
    current = passes[-1]
    if move.kind == Kind.REOPEN:
        _reopen(current, move)
    elif move.kind == Kind.MAP:
        _map(current, move, target)
    elif move.kind == Kind.NURTURE:
        current.track_id, current.revisit_on = move.track_id, move.revisit_on
    elif move.kind in CLOSES:
        _close(current, move, CLOSES[move.kind])
    else:
        _reach(current, move, target)
    current.opportunity_id = move.opportunity_id or current.opportunity_id


def _reach(current: Pass, move: Move, target: Target) -> None:
    if current.is_open and target.position > current.stage.position:
        current.stage, current.reached, current.brought_by = target, target.milestone, move
    if not current.is_past(target):
        current.came_by.setdefault(target.milestone, target.position)
        name = DATE_OF[target.milestone]
        setattr(current, name, earliest(getattr(current, name), move.at))
    if move.kind == Kind.ACCEPT:
        current.acceptance_at = earliest(current.acceptance_at, move.at)
    if move.kind == Kind.REQUALIFY:
        current.mgl_at = current.mql_at
    if move.qualified_by and target.milestone == Milestone.MQL:
        current.qualified_by = move.qualified_by


def _map(current: Pass, move: Move, target: Target) -> None:
    if current.is_open and target.milestone == current.reached:
        current.stage, current.brought_by = target, move


def _close(current: Pass, move: Move, outcome: Outcome) -> None:
    if current.outcome == outcome:
        current.closed_at = earliest(current.closed_at, move.at)
    elif current.is_open:
        current.closed_from = (current.stage, current.reached, current.opportunity_id)
        current.outcome, current.brought_by = outcome, move
        current.reason_id = move.reason_id
        current.closed_at, current.ended_at = move.at, move.recorded_at
        current.track_id, current.revisit_on = move.track_id, move.revisit_on
    if outcome == Outcome.WON and move.target and current.outcome == outcome:
        current.stage, current.reached = move.target, Milestone.WON
        current.won_at = current.closed_at


def _reopen(current: Pass, move: Move) -> None:
    if current.closed_from is None:
        return
    current.stage, current.reached, deal_before = current.closed_from
    if current.outcome == Outcome.ATTACHED:
        current.opportunity_id = deal_before
    current.outcome, current.reason_id, current.brought_by = "", None, move
    current.closed_at = current.ended_at = current.won_at = None
    current.track_id = current.revisit_on = current.closed_from = None
