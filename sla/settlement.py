"""What a clock must say, given where its pass stands. Pure: no database, no clock of its own.

A clock follows its pass, whatever order the news came in: it starts at the hand-off (MQL) and stops at the answer,
both by their own dates. An answer taken back reopens the same clock with the due time that it had, since the buyer
waited all the while. A corrected hand-off moves the due time; a merge, a joined deal or an undone hand-off cancels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from leads.milestones import Milestone, Outcome
from sla.models.clock import CancelReason, EventKind
from sla.verdict import is_late

Due = Callable[[datetime], datetime]
"""From the start of a clock to its due time, as its policy has it."""


@dataclass(frozen=True, slots=True)
class HandOff:
    """What the promise reads of a pass: when marketing handed the lead over (None: undated) and when sales answered.

    `answered_at` None of an answered pass: nobody knows when. `void` says why no answer is owed, if none is.
    """

    handed_at: datetime | None
    is_answered: bool
    answered_at: datetime | None
    void: CancelReason | None = None


NEVER = HandOff(handed_at=None, is_answered=False, answered_at=None, void=CancelReason.UNDONE)
"""A pass that does not exist any more."""


def hand_off(*, reached: int, outcome: str, mql_at: datetime | None, answered_at: datetime | None) -> HandOff:
    """Read a pass; `answered_at` is the earliest date of what sales did with it."""
    answers = reached > Milestone.MQL or answered_at is not None
    void = None
    if mql_at is None and reached < Milestone.MQL:
        void = CancelReason.UNDONE
    elif outcome == Outcome.MERGED:
        void = CancelReason.MERGED
    elif outcome == Outcome.ATTACHED and reached <= Milestone.MQL:
        void = CancelReason.ATTACHED
    return HandOff(mql_at, answers or bool(outcome), answered_at, void)


@dataclass(frozen=True, slots=True)
class Times:
    """The dates of a clock."""

    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_why: str = ""

    @property
    def is_running(self) -> bool:
        """Whether an answer is still owed."""
        return self.stopped_at is None and self.cancelled_at is None


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a clock, before it is stored."""

    kind: EventKind
    at: datetime
    detail: dict[str, Any]


def begin(given: HandOff, *, due: Due, now: datetime, is_history: bool) -> Times | None:
    """The clock of a hand-off that has none; None where there is nothing to time.

    An undated hand-off can be timed only from now on, and only while its answer is awaited; an undated answer of
    history has no verdict.
    """
    started_at = given.handed_at
    if started_at is None and not is_history and not given.is_answered:
        started_at = now
    if started_at is None or given.void or (is_history and given.is_answered and given.answered_at is None):
        return None
    stopped_at = (given.answered_at or now) if given.is_answered else None
    return Times(started_at, due(started_at), stopped_at)


def follow(times: Times, given: HandOff, *, due: Due, now: datetime) -> Times:
    """The same clock after its pass changed. An answer without a date was given when Accord first heard of it."""
    if given.void:
        if times.cancelled_at and times.cancelled_why == given.void:
            return times
        return replace(times, stopped_at=None, cancelled_at=now, cancelled_why=given.void.value)
    started_at = given.handed_at or times.started_at
    stopped_at = (given.answered_at or times.stopped_at or now) if given.is_answered else None
    return Times(started_at, due(started_at), stopped_at)


def happenings(before: Times | None, after: Times, now: datetime) -> list[Happening]:
    """The events that lead from `before` (None: no clock) to `after`; none where nothing changed."""
    events = []
    if before is None:
        events.append(Happening(EventKind.STARTED, after.started_at, {}))
    elif before.due_at != after.due_at:
        events.append(Happening(EventKind.RECALCULATED, now, {"due_at": [before.due_at, after.due_at]}))
    if after.cancelled_at:
        if before is None or before.cancelled_why != after.cancelled_why:
            events.append(Happening(EventKind.CANCELLED, now, {"why": after.cancelled_why}))
    elif after.stopped_at is None:
        if before and not before.is_running:
            events.append(Happening(EventKind.REOPENED, now, {"stopped_at": before.stopped_at}))
    elif before and before.stopped_at and before.stopped_at != after.stopped_at:
        events.append(Happening(EventKind.SETTLED, now, {"stopped_at": [before.stopped_at, after.stopped_at]}))
    elif before is None or before.stopped_at is None:
        kind = EventKind.STOPPED if is_late(after.due_at, after.stopped_at, now) else EventKind.MET
        events.append(Happening(kind, after.stopped_at, {}))
    if events and after.stopped_at and is_late(after.due_at, after.stopped_at, now):
        events.append(Happening(EventKind.BREACHED, after.due_at, {}))
    return events
