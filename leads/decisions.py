"""May this step be taken? Pure: from where a lead stands and what is asked to the row that will be written.

A step that history already knows is not an error: an earlier or missing date becomes a row of evidence, anything else
is refused as `already`. Everything that is refused says why, and names the move that stands in the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from leads.milestones import CLOSES, Kind, Milestone, Outcome
from leads.passes import Move, Pass, Target, effective, newest

UNDO_WITHIN = timedelta(hours=24)
OPENS = (Kind.ADVANCE, Kind.ACCEPT)
"""The kinds by which a lead can enter the lifecycle."""
REASONED = (Kind.REJECT, Kind.RECYCLE, Kind.WIN, Kind.LOSE)
"""The kinds that have a list of reasons of their own."""


@dataclass(slots=True)  # not frozen: sets of leads make a step for each, and that would take three times as long
class Step:
    """What is asked for one lead. `at` None means the cause's date, else now; `is_undated` is for history only.

    `stage_id` is the stage to go to (advance and correct; the other kinds know theirs). `transition_id` names the row
    that an undo or a correction is about; an undo without one takes the newest. `actor_id` is who took the step,
    where history names somebody else than the cause.
    """

    lead_id: int
    kind: Kind
    stage_id: int | None = None
    at: datetime | None = None
    is_undated: bool = False
    reason_id: int | None = None
    note: str = ""
    transition_id: int | None = None
    opportunity_id: int | None = None
    qualified_by: str = ""
    confirmations: tuple[str, ...] = ()
    override: bool = False
    track_id: int | None = None
    revisit_on: date | None = None
    actor_id: int | None = None


_REST = attrgetter(*(each.name for each in fields(Step)[1:]))


def of_lead(step: Step, lead_id: int) -> Step:
    """The same step of this lead. `dataclasses.replace` takes twice as long, and sets of leads take it for each."""
    return Step(lead_id, *_REST(step))


class Code(StrEnum):
    """Why a step was refused."""

    ALREADY = "already"
    CONFLICT = "conflict"
    CRITERIA = "criteria"
    REASON = "reason"
    TOO_LATE = "too_late"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN_LEAD = "unknown_lead"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused step: `message` is a sentence for a person, `standing` the move that brought the lead to where it
    stands, if that is what is in the way.
    """

    lead_id: int
    code: Code
    message: str
    standing: Move | None = None


class Granted(NamedTuple):
    """A step that may be taken: the kind, the stage it leads to, and the row that it reverts or corrects."""

    kind: Kind
    target: Target | None
    at: datetime | None
    reverts_id: int | None = None
    corrects_id: int | None = None
    reason_id: int | None = None


def decide(
    step: Step,
    *,
    passes: Sequence[Pass],
    moves: Sequence[Move],
    target: Target | None,
    at: datetime | None,
    now: datetime,
    explains: str | None = None,
) -> Granted | Refusal:
    """Whether `step` may be taken by a lead with these `moves` and the `passes` that they replay to.

    `target` is the stage that the step leads to, `at` its effective time (None: undated history); `explains` the kind
    of move that its reason is for (None for a reason that does not exist).
    """
    if step.override and not step.note.strip():
        return Refusal(step.lead_id, Code.REASON, "Say why the rule does not hold here.")
    if step.kind == Kind.UNDO:
        return _undo(step, moves, at, now)
    if step.kind == Kind.CORRECT:
        return _correct(step, moves, target, at, explains)
    if step.kind == Kind.WITHDRAW and passes:
        return _granted(step, passes[-1].stage, at)
    if step.kind in REASONED and step.reason_id is not None and explains != step.kind:
        return _wrong_reason(step)
    if not passes:
        return _first(step, target, at)
    if step.kind in (Kind.REJECT, Kind.LOSE) and step.reason_id is None:
        return Refusal(step.lead_id, Code.REASON, "Choose a reason: both teams learn from it.")
    return _next(step, passes[-1], target, at)


def _next(step: Step, current: Pass, target: Target | None, at: datetime | None) -> Granted | Refusal:
    # History of an earlier pass that arrives late, or again, is none of this one's.
    if step.at is not None and current.requalified_at is not None and step.at < current.requalified_at:
        return _standing(step, current, Code.ALREADY)
    if step.kind == Kind.REQUALIFY:
        return _requalify(step, current, target, at)
    if step.kind == Kind.REOPEN:
        return _reopen(step, current, at)
    if step.kind == Kind.MAP:
        return _map(step, current, target, at)
    if step.kind == Kind.NURTURE:
        return _nurture(step, current, at)
    if step.kind in CLOSES:
        return _close(step, current, target, at)
    return _reach(step, current, target, at)


def _granted(step: Step, target: Target | None, at: datetime | None) -> Granted:
    return Granted(step.kind, target, at, reason_id=step.reason_id)


def _wrong_reason(step: Step) -> Refusal:
    return Refusal(step.lead_id, Code.REASON, "That reason explains another kind of move.")


def _first(step: Step, target: Target | None, at: datetime | None) -> Granted | Refusal:
    if step.kind not in OPENS or target is None or target.milestone == Milestone.WON:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "A lead enters the lifecycle by reaching a stage before won.")
    return _granted(step, target, at)


def _reach(step: Step, current: Pass, target: Target | None, at: datetime | None) -> Granted | Refusal:
    if target is None:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "Say which stage the lead goes to.")
    if target.milestone == Milestone.WON:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "A lead becomes a customer by winning its deal.")
    if target.position > current.stage.position:
        return _granted(step, target, at) if current.is_open else _standing(step, current, Code.CONFLICT)
    known = current.accepted_at if step.kind == Kind.ACCEPT else current.date_of(target.milestone)
    says_nothing = step.kind == Kind.ADVANCE and current.is_past(target)
    if _dates(step, known, at) and not says_nothing:
        return _granted(step, target, at)
    return _standing(step, current, Code.ALREADY)


def _dates(step: Step, known: datetime | None, at: datetime | None) -> bool:
    """Whether the step brings evidence: a stated date that is earlier than the known one, or the first."""
    return step.at is not None and at is not None and (known is None or at < known)


def _close(step: Step, current: Pass, target: Target | None, at: datetime | None) -> Granted | Refusal:
    target = target if step.kind == Kind.WIN else current.stage
    if current.outcome == CLOSES[step.kind]:
        is_news = _dates(step, current.closed_at, at)
        return _granted(step, target, at) if is_news else _standing(step, current, Code.ALREADY)
    if not current.is_open:
        return _standing(step, current, Code.CONFLICT)
    if step.kind in (Kind.REJECT, Kind.RECYCLE) and current.reached > Milestone.SQL:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "This lead has an open deal: lose the deal instead.")
    if step.kind == Kind.LOSE and current.reached < Milestone.SQL:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "Sales has not accepted this lead: reject or recycle it.")
    return _granted(step, target, at)


def _nurture(step: Step, current: Pass, at: datetime | None) -> Granted | Refusal:
    """Nurture holds who was recycled, and who is not qualified yet."""
    if current.is_open and current.reached > Milestone.MGL:
        sentence = "Sales has this lead: recycling takes it to nurture."
        return Refusal(step.lead_id, Code.NOT_ALLOWED, sentence, current.brought_by)
    if not current.is_open and current.outcome != Outcome.RECYCLED:
        return _standing(step, current, Code.CONFLICT)
    if (step.track_id, step.revisit_on) == (current.track_id, current.revisit_on):
        return Refusal(step.lead_id, Code.ALREADY, "This lead is there already, until that day.", current.brought_by)
    return _granted(step, current.stage, at)


def _requalify(step: Step, current: Pass, target: Target | None, at: datetime | None) -> Granted | Refusal:
    if current.is_open:
        return _opened(step, current)
    if current.outcome in (Outcome.MERGED, Outcome.ATTACHED):
        return _standing(step, current, Code.CONFLICT)
    return _granted(step, target, at)


def _reopen(step: Step, current: Pass, at: datetime | None) -> Granted | Refusal:
    if current.closed_from is None:
        return _opened(step, current)
    if current.outcome == Outcome.MERGED:
        return _standing(step, current, Code.CONFLICT)
    return _granted(step, current.closed_from[0], at)


def _map(step: Step, current: Pass, target: Target | None, at: datetime | None) -> Granted | Refusal:
    if not current.is_open:
        return _standing(step, current, Code.CONFLICT)
    if target is None or target.milestone != current.reached:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "A stage is replaced by another one of its milestone.")
    if target == current.stage:
        return _standing(step, current, Code.ALREADY)
    return _granted(step, target, at)


def _undo(step: Step, moves: Sequence[Move], at: datetime | None, now: datetime) -> Granted | Refusal:
    last = newest(moves)
    if last is None or last.seq == 1:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "There is no move to undo.")
    if step.transition_id is not None and step.transition_id != last.id:
        return Refusal(
            step.lead_id, Code.CONFLICT, "The lead has moved on since: only its newest move can be undone.", last
        )
    if not last.is_stored:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "A move and its undo cannot come together.")
    if now - last.recorded_at > UNDO_WITHIN:
        return Refusal(
            step.lead_id, Code.TOO_LATE, "A move can be undone for 24 hours; ask RevOps to correct it.", last
        )
    return Granted(Kind.UNDO, None, at, reverts_id=last.id)


def _correct(
    step: Step, moves: Sequence[Move], target: Target | None, at: datetime | None, explains: str | None
) -> Granted | Refusal:
    if not step.note.strip():
        return Refusal(step.lead_id, Code.REASON, "Say why the move is corrected.")
    row = next((move for move in effective(moves) if move.id == step.transition_id), None)
    if row is None or row.target is None:
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "That move does not count any more, so it cannot be corrected.")
    if step.reason_id is not None and explains != row.kind:
        return _wrong_reason(step)
    new = target or row.target
    if new != row.target and (row.kind != Kind.ADVANCE or new.milestone == Milestone.WON):
        return Refusal(step.lead_id, Code.NOT_ALLOWED, "Only the stage of an advance can be corrected.")
    return Granted(Kind.CORRECT, new, at, corrects_id=row.id, reason_id=step.reason_id or row.reason_id)


def _opened(step: Step, current: Pass) -> Refusal:
    """The pass is open, by such a step or by another one."""
    return _standing(step, current, Code.ALREADY if current.brought_by.kind == step.kind else Code.CONFLICT)


def _standing(step: Step, current: Pass, code: Code) -> Refusal:
    """The lead is where the step would bring it, or beyond (`already`), or somebody decided otherwise (`conflict`)."""
    stands = Outcome(current.outcome).label.lower() if current.outcome else current.stage.milestone.label.lower()
    return Refusal(step.lead_id, code, f"This lead is already {stands}.", current.brought_by)
