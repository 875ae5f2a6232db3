"""What a clock must say, given where its subject stands. Pure: no database, no clock of its own.

A clock follows its subject, whatever order the news came in: it starts when something is owed and stops when that is
given, both by their own dates. What is taken back reopens the same clock with the due time that it had, since the buyer
waited all the while. A corrected start moves the due time; a merge, a joined deal or an undone start cancels.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sla.models.clock import CancelReason, EventKind
from sla.verdict import is_late

Due = Callable[[datetime], datetime]
"""From the start of a clock to its due time, as its policy has it."""


class Owed(NamedTuple):
    """What a promise reads of its subject: since when something is owed (None: undated) and when it was given.

    `answered_at` None of what is answered: nobody knows when. `void` says why nothing is owed, if that is so. A pass
    that `ended_at` a time without what was owed is late if it was due by then; else nothing is owed any more, for the
    reason `ended_why`. `queued_since`: it waited above capacity from then on, until it began to be owed.
    """

    since: datetime | None
    is_answered: bool
    answered_at: datetime | None
    void: CancelReason | None = None
    ended_at: datetime | None = None
    ended_why: CancelReason = CancelReason.CLOSED
    queued_since: datetime | None = None


NEVER = Owed(since=None, is_answered=False, answered_at=None, void=CancelReason.UNDONE)
"""A subject that does not exist any more."""


class Times(NamedTuple):
    """The dates of a clock."""

    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_why: str = ""

    @property
    def is_running(self) -> bool:
        """Whether something is still owed."""
        return self.stopped_at is None and self.cancelled_at is None


class Happening(NamedTuple):
    """One event of a clock, before it is stored."""

    kind: EventKind
    at: datetime
    detail: dict[str, Any]


def start_of(owed: Owed, *, now: datetime, is_history: bool) -> datetime | None:
    """When a clock for this would start; None where there is nothing to time.

    What is owed without a date can be timed only from now on, and only while it is awaited; an undated answer of
    history has no verdict.
    """
    if owed.void or (is_history and owed.is_answered and owed.answered_at is None):
        return None
    if owed.since is None and not is_history and not owed.is_answered:
        return now
    return owed.since


def begin(owed: Owed, started_at: datetime, *, due: Due, now: datetime) -> Times | None:
    """The clock of what is owed since `started_at`; None where it ended before it was due, so that none is needed."""
    times = _ended(Times(started_at, due(started_at)), owed, now)
    return None if times.cancelled_at else times


def follow(times: Times, owed: Owed, *, due: Due, now: datetime) -> Times:
    """The same clock after its subject changed. An answer without a date was given when Accord first heard of it.

    The due time stays what it is unless the start moves: whatever became of the policy or the calendar since.
    """
    if owed.void:
        return _cancelled(times, owed.void, now)
    started_at = owed.since or times.started_at
    due_at = times.due_at if started_at == times.started_at else due(started_at)
    return _ended(times._replace(started_at=started_at, due_at=due_at), owed, now)


def _ended(times: Times, owed: Owed, now: datetime) -> Times:
    stopped_at: datetime | None
    if owed.is_answered:
        stopped_at = owed.answered_at or times.stopped_at or now
    elif owed.ended_at and not is_late(times.due_at, owed.ended_at, now):
        return _cancelled(times, owed.ended_why, now)
    else:
        stopped_at = owed.ended_at
    if (times.stopped_at, times.cancelled_at) == (stopped_at, None) and not times.cancelled_why:
        return times
    return times._replace(stopped_at=stopped_at, cancelled_at=None, cancelled_why="")


def _cancelled(times: Times, why: CancelReason, now: datetime) -> Times:
    if times.cancelled_at and times.cancelled_why == why:
        return times
    return times._replace(stopped_at=None, cancelled_at=now, cancelled_why=why.value)


def happenings(
    before: Times | None, after: Times, now: datetime, *, queued_since: datetime | None = None
) -> list[Happening]:
    """The events that lead from `before` (None: no clock) to `after`; none where nothing changed."""
    events = []
    if before is None:
        said = {"queued_since": queued_since} if queued_since else {}
        events.append(Happening(EventKind.STARTED, after.started_at, said))
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
