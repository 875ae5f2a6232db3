"""What a claimed clock does: which steps of its ladder have come, the events that say so, and when to look again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from alignment.lib.business_time import Calendar
from alignment.people import calendars
from alignment.people.models import Company
from sla.claiming import Claimed
from sla.ladder import BREACH, HEADS, PROPOSAL, Step, after_breach, next_look, reminder_due
from sla.models import EventKind
from sla.standings import Standings
from sla.storing import schedule
from sla.verdict import is_late


class Hours:
    """The working hours of those who hold the clocks of a sweep; read when a clock needs them, each calendar once."""

    def __init__(self) -> None:
        self._known: dict[int, Calendar] = {}
        self._company: int | None = None
        self._is_read = False
        self.standings = Standings()

    def load(self, clocks: Sequence[Claimed]) -> None:
        """Read what these clocks need; no query where it is known."""
        if not self._is_read:
            self._company, self._is_read = Company.get().calendar_id, True
        self.standings.load(clocks)
        missing = {key for each in clocks for key in (self._holders(each), self._own(each)) if key} - self._known.keys()
        if missing:
            self._known |= calendars.load(missing)

    def of_holder(self, clock: Claimed) -> Calendar | None:
        """When the holder is reminded; None: at any time."""
        return self._known.get(self._holders(clock) or 0)

    def of_clock(self, clock: Claimed) -> Calendar | None:
        """What the steps after a breach are counted by."""
        return self._known.get(self._own(clock) or 0)

    def _holders(self, clock: Claimed) -> int | None:
        owner = self.standings.of(clock).holder
        return (owner.calendar_id if owner else None) or self._company

    def _own(self, clock: Claimed) -> int | None:
        return clock.calendar_id or self._holders(clock)


class Climb(NamedTuple):
    """The steps of one clock that have come, the rows of their events, and the clock's own row."""

    clock: Claimed
    rungs: tuple[int, ...]
    events: list[dict[str, Any]]
    row: dict[str, Any]


def climb(clock: Claimed, hours: Hours, now: datetime) -> Climb:
    """What to do with a clock at this moment; it stands on its last step for good when there is none left."""
    paused_until = clock.paused_until
    if paused_until and paused_until > now:  # claimed again after an error
        return Climb(clock, (), [], _row(clock, clock.rung, paused_until, paused_until))
    events = [_event(clock, EventKind.RESUMED, paused_until, now, why="The pause was over")] if paused_until else []
    steps, look = _steps(clock, hours, now)
    events += [_stepped(clock, step, now) for step in steps]
    rung = max([clock.rung, *(step.rung for step in steps)])
    return Climb(clock, tuple(step.rung for step in steps), events, _row(clock, rung, look, None))


def _steps(clock: Claimed, hours: Hours, now: datetime) -> tuple[list[Step], datetime | None]:
    """The steps that have come, and when the next one does."""
    policy, times = clock.policy, (clock.started_at, clock.due_at)
    if not is_late(clock.due_at, None, now):
        calendar = hours.of_holder(clock)
        step = reminder_due(policy, *times, rung=clock.rung, now=now, calendar=calendar)
        rung = step.rung if step else clock.rung
        look = next_look(policy, *times, rung=rung, now=now, calendar=calendar)
        return ([Step(step.rung, now)] if step else []), look
    breach = [Step(BREACH, clock.due_at)] if clock.rung < BREACH else []
    if clock.is_silent:
        return breach, None
    later = [step for step in after_breach(policy, clock.due_at, hours.of_clock(clock)) if step.rung > clock.rung]
    ahead = [step.at for step in later if step.at >= now]
    return [*breach, *(step for step in later if step.at < now)], min(ahead, default=None)


def _stepped(clock: Claimed, step: Step, now: datetime) -> dict[str, Any]:
    if step.rung == BREACH:
        return _event(clock, EventKind.BREACHED, step.at, now)
    kind = EventKind.REMINDED if step.rung < BREACH else EventKind.ESCALATED
    why = _WHY.get(step.rung, f"After {step.rung}% of the time")
    return {**_event(clock, kind, step.at, now, why=why), "rung": step.rung}


_WHY = {PROPOSAL: "The manager was asked to hand it over", HEADS: "Both heads were told"}


def _event(clock: Claimed, kind: EventKind, at: datetime, now: datetime, **detail: Any) -> dict[str, Any]:
    return {
        "clock_id": clock.pk, "kind": kind.value, "at": at, "recorded_at": now, "actor_id": None, "rung": 0,
        "detail": detail,
    }  # fmt: skip


def _row(clock: Claimed, rung: int, look: datetime | None, paused_until: datetime | None) -> dict[str, Any]:
    return {"id": clock.pk, "rung": rung, "paused_until": paused_until, **schedule(look)}
