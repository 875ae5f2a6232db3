"""Clocks that stand still: for a listed reason, not beyond its cap, and not once the buyer replied.

While a clock is paused its due time counts the whole pause, so that the verdict needs no more than the dates; a pause
that ends early brings it forward by the rest. An answer ends a pause, and a pause takes no breach back.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils.timezone import localtime

from alignment.lib import batch
from alignment.lib.business_time import Calendar
from alignment.people import calendars
from leads.causes import Cause
from leads.lifecycle import database_now
from sla.ladder import first_look
from sla.models import Clock, ClockPause, EventKind, PauseReason
from sla.models.policy import TargetUnit
from sla.settlement import Happening
from sla.storing import Change, record, schedule
from sla.targets import resumed


@dataclass(frozen=True, slots=True)
class Paused:
    """The clocks that stand still now (or go on again), and of the others why not, as sentences."""

    clock_ids: tuple[int, ...]
    refused: Mapping[int, str]


@transaction.atomic
def pause(*, clock_ids: Iterable[int], reason: PauseReason, cause: Cause, note: str = "") -> Paused:
    """Let running clocks stand still for this reason, until `resume`, the buyer's reply or the reason's cap. The cap is
    for all pauses of a clock for that reason together.
    """
    began_at = cause.at or database_now()
    clocks = _locked(Clock.objects.filter(pk__any_of=set(clock_ids)))
    left = _left(clocks, reason)
    refused = {each.pk: why for each in clocks if (why := _why_not(each, reason, began_at, left[each.pk]))}
    pausing = [each for each in clocks if each.pk not in refused]
    known = _calendars(pausing)
    changes = []
    for each in pausing:
        until = began_at + left[each.pk]
        due_at = resumed(known.get(each.pk), each.due_at, began_at, until)
        told = {"due_at": [each.due_at, due_at], "reason": reason.name, "note": note, "until": until}
        changes.append(_change(each, due_at, until, until, Happening(EventKind.PAUSED, began_at, told)))
    batch.insert(
        ClockPause,
        [
            {
                "clock_id": each.pk, "reason_id": reason.pk, "began_at": began_at, "ends_at": began_at + left[each.pk],
                "actor_id": cause.actor_id, "note": note,
            }
            for each in pausing
        ],
    )  # fmt: skip
    _store(changes, cause.actor_id)
    return Paused(tuple(each.pk for each in pausing), refused)


def _left(clocks: Sequence[Clock], reason: PauseReason) -> dict[int, timedelta]:
    """How long each of these clocks may still be paused for this reason; one query."""
    left = dict.fromkeys((each.pk for each in clocks), timedelta(hours=reason.cap_hours))
    rows = ClockPause.objects.filter(clock__any_of=set(left), reason=reason)
    for pk, began_at, ends_at in rows.values_list("clock_id", "began_at", "ends_at"):
        left[pk] -= ends_at - began_at
    return left


def _why_not(clock: Clock, reason: PauseReason, at: datetime, left: timedelta) -> str:
    """Why a clock cannot be paused; empty where it can."""
    if not clock.is_running:
        return "Nothing is owed any more: there is nothing to pause."
    if clock.is_breached(at):
        return "It is overdue already, and a pause takes no breach back."
    if clock.paused_until:
        return f"It is paused already, until {localtime(clock.paused_until):%-d %B, %H:%M} at most."
    if at < clock.started_at:
        return "It had not begun by then."
    if reason.retired_at or reason.key not in clock.policy.pauses:
        return f"“{clock.policy}” is not paused for “{reason}”."
    if left <= timedelta():
        return f"It was paused for “{reason}” as long as it may be: {reason.cap_hours} hours in all."
    return ""


@transaction.atomic
def resume(*, clock_ids: Iterable[int], cause: Cause, why: str = "") -> Paused:
    """Let paused clocks go on, with what was left of their time."""
    at = cause.at or database_now()
    clocks = _locked(Clock.objects.filter(pk__any_of=list(clock_ids)))
    paused = [each for each in clocks if each.paused_until]
    _resume({each.pk: at for each in paused}, paused, cause, why)
    refused = {each.pk: "It is not paused." for each in clocks if not each.paused_until}
    return Paused(tuple(each.pk for each in paused), refused)


@transaction.atomic
def replied(*, replies: Mapping[int, datetime], cause: Cause) -> None:
    """The buyer did something: the clocks of these leads go on from then. One query where none is paused."""
    began_at = ClockPause.objects.filter(clock=OuterRef("pk")).order_by("-began_at").values("began_at")[:1]
    rows = Clock.objects.filter(paused_until__isnull=False, lead_id__any_of=list(replies))
    clocks = _locked(rows.annotate(paused_at=Subquery(began_at)))
    moments = {each.pk: at for each in clocks if (at := replies[each.lead_id or 0]) > each.paused_at}  # type: ignore[attr-defined]
    if moments:
        _resume(moments, [each for each in clocks if each.pk in moments], cause, "The buyer replied")


def _resume(moments: Mapping[int, datetime], paused: Sequence[Clock], cause: Cause, why: str) -> None:
    ends = _ends({each.pk: (moments[each.pk], each.paused_until) for each in paused})
    known = _calendars(paused)
    changes = []
    for each in paused:
        assert each.paused_until
        due_at = resumed(known.get(each.pk), each.due_at, each.paused_until, ends[each.pk])
        told = {"due_at": [each.due_at, due_at], "why": why}
        look = first_look(each.policy, each.started_at, due_at, rung=each.rung, is_silent=each.is_silent)
        changes.append(_change(each, due_at, None, look, Happening(EventKind.RESUMED, ends[each.pk], told)))
    _store(changes, cause.actor_id)


def ended(changes: Sequence[Change], clocks: Iterable[Mapping[str, Any]], units: Mapping[int, str]) -> list[Change]:
    """End the pauses of clocks that stopped: `changes` as they are to be stored. No query where none was paused.

    What was left of the time when the clock stopped is what it has left should it ever run again. `units` are those
    of the policies by their keys.
    """
    before = {each["id"]: each for each in clocks if each["paused_until"]}
    stopping = {
        each.row["id"]: each
        for each in changes
        if each.row["id"] in before and (each.row["stopped_at"] or each.row["cancelled_at"])
    }
    if not stopping:
        return list(changes)
    ends = _ends(
        {
            pk: (each.row["stopped_at"] or each.row["cancelled_at"], before[pk]["paused_until"])
            for pk, each in stopping.items()
        }
    )
    wanted = {pk: each for pk, each in before.items() if pk in stopping and _counts_work(units[each["policy_id"]])}
    known = calendars.load({each["calendar_id"] for each in wanted.values()} - {None})
    found = []
    for each in changes:
        pk = each.row["id"]
        if pk in stopping:
            calendar = known.get(before[pk]["calendar_id"]) if pk in wanted else None
            due_at = resumed(calendar, each.row["due_at"], before[pk]["paused_until"], ends[pk])
            told = {"due_at": [each.row["due_at"], due_at], "why": "Answered"}
            row = {**each.row, "due_at": due_at, "paused_until": None}
            each = each._replace(row=row, events=[Happening(EventKind.RESUMED, ends[pk], told), *each.events])
        found.append(each)
    return found


def _ends(moments: Mapping[int, tuple[datetime, datetime | None]]) -> dict[int, datetime]:
    """End the running pauses of these clocks then, within their bounds; returns when they ended. Two queries."""
    running = ClockPause.objects.filter(clock__any_of=list(moments)).order_by("clock", "-began_at").distinct("clock")
    ends, rows = {}, []
    for each in running:
        at, until = moments[each.clock_id]
        ends[each.clock_id] = min(max(at, each.began_at), until or each.ends_at)
        rows.append({"id": each.pk, "ends_at": ends[each.clock_id]})
    batch.update(ClockPause, rows)
    return ends


def _locked(clocks: Any) -> list[Clock]:
    return list(clocks.order_by("pk").select_related("policy").select_for_update(of=("self",)))


def calendar_key(clock: Clock) -> int | None:
    """The calendar that a clock's time is counted by; None where every hour counts."""
    return clock.calendar_id if _counts_work(clock.policy.unit) else None


def _counts_work(unit: str) -> bool:
    return unit != TargetUnit.ELAPSED_HOURS


def _calendars(clocks: Collection[Clock]) -> dict[int, Calendar]:
    """The calendars of those of these clocks that count working time, by the clock's key."""
    keys = {each.pk: key for each in clocks if (key := calendar_key(each))}
    known = calendars.load(keys.values()) if keys else {}
    return {pk: known[key] for pk, key in keys.items()}


def _change(clock: Clock, due_at: datetime, until: datetime | None, look: datetime, event: Happening) -> Change:
    return Change({"id": clock.pk, "due_at": due_at, "paused_until": until, **schedule(look)}, [event])


def _store(changes: Sequence[Change], actor_id: int | None) -> None:
    if changes:
        batch.update(Clock, [each.row for each in changes])
        record({each.row["id"]: each.events for each in changes}, now=database_now(), actor_id=actor_id)
