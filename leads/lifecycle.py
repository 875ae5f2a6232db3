"""Moving leads through their lifecycle. The one place that writes moves, journeys and where a lead stands.

Every verb takes a set of leads and runs the same statements for one and for fifty thousand. A step that cannot be
taken is refused by itself, with a sentence and the move that was first; the others go through. Locks are taken on the
leads in ascending order of their keys.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from django.db import transaction

from alignment.lib import failpoints, moments
from leads import criteria
from leads.causes import Cause
from leads.decisions import Code, Refusal, Step, decide, of_lead
from leads.milestones import CauseSource, Kind, Milestone, QualifiedBy
from leads.models import Reason, Stage
from leads.signals import leads_moved
from leads.stages.stages import Stages
from leads.standing import Standing, lock, write

database_now = moments.database_now


class Taken(NamedTuple):
    """A step that was taken: the new row, and the pass before and after it (None before a lead's first row).
    `is_override`: it went past the entry criteria.
    """

    lead_id: int
    seq: int
    kind: Kind
    pass_no: int
    before: tuple[Milestone, str] | None
    after: tuple[Milestone, str]
    is_override: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """What a call did. `refused` holds the steps that were not taken; `recorded_at` is the database's time."""

    cause: Cause
    recorded_at: datetime
    taken: tuple[Taken, ...]
    refused: tuple[Refusal, ...]
    keys: Mapping[tuple[int, int], int] = field(repr=False)

    def transition_id(self, taken: Taken) -> int:
        """The key of the row that a taken step wrote."""
        return self.keys[taken.lead_id, taken.seq]

    @property
    def lead_ids(self) -> list[int]:
        """The leads that moved, in ascending order, each once."""
        return sorted({each.lead_id for each in self.taken})


# Verbs: what pages, API and rules call ------------------------------------------------------------------------


def advance(
    *,
    lead_ids: Iterable[int],
    to: Stage,
    cause: Cause,
    qualified_by: str = "",
    confirmations: Iterable[str] = (),
    opportunity_id: int | None = None,
    override: bool = False,
    note: str = "",
) -> Moved:
    """Bring leads to stage `to`. With `override` the entry criteria are skipped and the move is listed as such."""
    step = Step(
        0, Kind.ADVANCE, stage_id=to.pk, qualified_by=qualified_by, confirmations=tuple(confirmations),
        opportunity_id=opportunity_id, override=override, note=note,
    )  # fmt: skip
    return move(steps=_for_each(lead_ids, step), cause=cause)


def accept(*, lead_ids: Iterable[int], cause: Cause, note: str = "") -> Moved:
    """Sales accepts: the answer that stops the disposition clock."""
    return move(steps=_for_each(lead_ids, Step(0, Kind.ACCEPT, note=note)), cause=cause)


def reject(*, lead_ids: Iterable[int], reason_id: int | None, cause: Cause, note: str = "") -> Moved:
    """Sales rejects, with a reason from the agreed list (refused without one)."""
    return move(steps=_for_each(lead_ids, Step(0, Kind.REJECT, reason_id=reason_id, note=note)), cause=cause)


def recycle(
    *,
    lead_ids: Iterable[int],
    cause: Cause,
    reason_id: int | None = None,
    track_id: int | None = None,
    revisit_on: date | None = None,
    note: str = "",
) -> Moved:
    """Back to nurture: onto a track, with an optional day to look again."""
    step = Step(0, Kind.RECYCLE, reason_id=reason_id, track_id=track_id, revisit_on=revisit_on, note=note)
    return move(steps=_for_each(lead_ids, step), cause=cause)


def nurture(*, lead_ids: Iterable[int], track_id: int | None, revisit_on: date | None, cause: Cause) -> Moved:
    """Within nurture: onto this track, to look again on that day. For recycled leads and those not qualified yet."""
    step = Step(0, Kind.NURTURE, track_id=track_id, revisit_on=revisit_on)
    return move(steps=_for_each(lead_ids, step), cause=cause)


def requalify(
    *, lead_ids: Iterable[int], cause: Cause, qualified_by: str = QualifiedBy.MANUAL, note: str = ""
) -> Moved:
    """Open the next pass of leads whose last one is closed: MGL and MQL from this moment."""
    return move(steps=_for_each(lead_ids, Step(0, Kind.REQUALIFY, qualified_by=qualified_by, note=note)), cause=cause)


def win(*, lead_ids: Iterable[int], cause: Cause, reason_id: int | None = None, note: str = "") -> Moved:
    """The deal is won, for a reason if one is given: the lead is a customer."""
    return move(steps=_for_each(lead_ids, Step(0, Kind.WIN, reason_id=reason_id, note=note)), cause=cause)


def lose(*, lead_ids: Iterable[int], reason_id: int | None, cause: Cause, note: str = "") -> Moved:
    """The deal is lost, with a reason."""
    return move(steps=_for_each(lead_ids, Step(0, Kind.LOSE, reason_id=reason_id, note=note)), cause=cause)


def reopen(*, lead_ids: Iterable[int], cause: Cause, note: str = "") -> Moved:
    """Take back the close of the same pass."""
    return move(steps=_for_each(lead_ids, Step(0, Kind.REOPEN, note=note)), cause=cause)


def remap(*, lead_ids: Iterable[int], to: Stage, cause: Cause, note: str) -> Moved:
    """Their stage is no more: leads stand in `to` from now on, another stage of the same milestone, earlier or later.
    Entry criteria are not asked, and the dates of milestones stay.
    """
    return move(steps=_for_each(lead_ids, Step(0, Kind.MAP, stage_id=to.pk, note=note)), cause=cause)


def attach(*, lead_ids: Iterable[int], opportunity_id: int, cause: Cause, note: str = "") -> Moved:
    """Leads join an open deal of their account instead of a cold hand-off."""
    step = Step(0, Kind.ATTACH, opportunity_id=opportunity_id, note=note)
    return move(steps=_for_each(lead_ids, step), cause=cause)


def undo(*, lead_id: int, cause: Cause, transition_id: int | None = None) -> Moved:
    """Take back a lead's newest move, within 24 hours; refused when `transition_id` is not the newest any more."""
    return move(steps=[Step(lead_id, Kind.UNDO, transition_id=transition_id)], cause=cause)


def correct(
    *,
    lead_id: int,
    transition_id: int,
    at: datetime | None,
    note: str,
    cause: Cause,
    to: Stage | None = None,
    reason_id: int | None = None,
) -> Moved:
    """Correct date, stage or reason of an earlier move; `note` says why. `at` None means the date is not known."""
    step = Step(
        lead_id, Kind.CORRECT, transition_id=transition_id, at=at, is_undated=at is None,
        stage_id=to.pk if to else None, reason_id=reason_id, note=note,
    )  # fmt: skip
    return move(steps=[step], cause=cause)


def withdraw(*, lead_ids: Iterable[int], cause: Cause, note: str) -> Moved:
    """Take leads back that should never have come in; `leads.withdrawing` does the rest of it."""
    return move(steps=_for_each(lead_ids, Step(0, Kind.WITHDRAW, note=note)), cause=cause)


def _for_each(lead_ids: Iterable[int], step: Step) -> list[Step]:
    return [of_lead(step, lead_id) for lead_id in dict.fromkeys(lead_ids)]


# The core: one path for all of them ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the steps of one call are judged by; `unmet` has the criteria that steps fail, by index."""

    cause: Cause
    now: datetime
    stages: Stages
    reasons: Mapping[int, str]
    unmet: Mapping[int, str]


@transaction.atomic
def move(*, steps: Sequence[Step], cause: Cause) -> Moved:
    """Take these steps, in the order given for each lead (an import hands in several a lead)."""
    standings, taken, refused, now = _judge(steps, cause)
    moved = Moved(
        cause=cause, recorded_at=now, taken=tuple(taken), refused=tuple(refused), keys=write(standings.values())
    )
    failpoints.reached("moves.written")
    if taken:
        leads_moved.send(sender=move, batch=moved)
    failpoints.reached("moves.followed")
    return moved


def would_refuse(*, steps: Sequence[Step], cause: Cause) -> tuple[Refusal, ...]:
    """Which of these steps would be refused now, and why; nothing is written, and no lead stays locked."""
    with transaction.atomic():
        *_, refused, _ = _judge(steps, cause)
        transaction.set_rollback(True)
    return tuple(refused)


def _judge(steps: Sequence[Step], cause: Cause) -> tuple[Mapping[int, Standing], list[Taken], list[Refusal], datetime]:
    """The leads under lock with the rows of the steps that may be taken, these steps, the others, and the time."""
    stages = Stages.load()
    standings = lock({step.lead_id for step in steps}, stages)
    # History that an import brings is recorded, not judged.
    unmet = {} if cause.source == CauseSource.IMPORT else criteria.unmet(steps, standings, stages)
    rules = _Rules(cause, database_now(), stages, _reasons(steps), unmet)
    taken: list[Taken] = []
    refused: list[Refusal] = []
    for index, step in enumerate(steps):
        outcome = _take(index, step, standings.get(step.lead_id), rules)
        if isinstance(outcome, Refusal):
            refused.append(outcome)
        else:
            taken.append(outcome)
    return standings, taken, refused, rules.now


def _take(index: int, step: Step, standing: Standing | None, rules: _Rules) -> Taken | Refusal:
    if standing is None:
        return Refusal(step.lead_id, Code.UNKNOWN_LEAD, "This lead does not exist, was merged or was taken back.")
    decision = decide(
        step,
        passes=standing.passes,
        moves=standing.moves,
        target=rules.stages.target_of(step.kind, step.stage_id),
        at=None if step.is_undated else step.at or rules.cause.at or rules.now,
        now=rules.now,
        explains=rules.reasons.get(step.reason_id or 0),
    )
    if isinstance(decision, Refusal):
        return decision
    if index in rules.unmet:
        return Refusal(step.lead_id, Code.CRITERIA, rules.unmet[index])
    before = (standing.passes[-1].reached, standing.passes[-1].outcome) if standing.passes else None
    current = standing.take(step, decision, rules.cause, rules.now)
    return Taken(
        lead_id=step.lead_id,
        seq=standing.last_seq,
        kind=decision.kind,
        pass_no=current.no,
        before=before,
        after=(current.reached, current.outcome),
        is_override=step.override,
    )


def _reasons(steps: Sequence[Step]) -> dict[int, str]:
    """The reasons that these steps name → the kind of move that each explains; no query where none does."""
    named = {step.reason_id for step in steps if step.reason_id}
    return dict(Reason.objects.filter(pk__any_of=named).values_list("pk", "kind")) if named else {}
