"""Clocks follow the passes of their leads: the one writer that starts, stops, reopens, settles and cancels them.

`settle` takes what a write to the lifecycle did, in the same transaction and under its locks on the leads; it runs
the same statements for one lead and for fifty thousand. The sweep, `sla.pausing` and `sla.recalculating` write clocks
besides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from alignment.lib import batch
from leads.causes import Cause, Promise
from leads.holders import Handover
from leads.lifecycle import Moved, database_now
from leads.touches import Touched
from sla import matching, pausing
from sla.dues import Asked, Choice, choices, due_times
from sla.ladder import first_look
from sla.models import Clock, EventKind, Policy
from sla.settlement import NEVER, Happening, Owed, Times, begin, follow, happenings, start_of
from sla.storing import KEPT, TIMES, Change, columns, record, schedule
from sla.subjects import SubjectKey, begun, owed


@transaction.atomic
def settle(*, moved: Moved) -> None:
    """Bring the clocks of these leads in line with their passes; settling the same moves twice changes nothing.

    A clock starts with the move that begins what it times, if that move promises so (`Cause.promise`): a lead that
    came in without a promise does not get one because somebody touches it later. Clocks that exist follow their pass
    whatever the cause.
    """
    promise = moved.cause.promise
    begins = begun(moved.taken, is_history=promise == Promise.HISTORY) if promise != Promise.NONE else []
    _settle(moved.lead_ids, begins, moved.cause, moved.recorded_at)


@transaction.atomic
def touched(*, touched: Touched) -> None:
    """Bring clocks in line with touches: sales' own may be what was owed, and the buyer's end a pause."""
    if touched.worked:
        _settle(touched.worked, [], touched.cause, database_now())
    if touched.replies:
        pausing.replied(replies=touched.replies, cause=touched.cause)


@transaction.atomic
def reassigned(*, handover: Handover) -> None:
    """Note on the running clocks of these leads who held them and who does: their due time stays."""
    if not handover.changes:
        return
    running = Clock.objects.running().filter(lead_id__any_of=handover.changes).values_list("pk", "lead_id")
    now = database_now()
    moves = {
        pk: Happening(EventKind.REASSIGNED, handover.cause.at or now, {"holder": list(handover.changes[lead_id])})
        for pk, lead_id in running
    }
    record({pk: [event] for pk, event in moves.items()}, now=now, actor_id=handover.cause.actor_id)


def _settle(lead_ids: Sequence[int], begins: Sequence[SubjectKey], cause: Cause, now: datetime) -> None:
    policies = {policy.pk: policy for policy in Policy.objects.select_related("version")}
    given = owed(lead_ids)
    clocks = _locked(lead_ids)
    is_history = cause.promise == Promise.HISTORY
    fresh = {key: given[key] for key in begins if key in given and key not in clocks}
    starting = _starting(fresh, policies.values(), now, is_history)
    moving = [
        Asked(clock["policy_id"], clock["calendar_id"], since)
        for key, clock in clocks.items()
        if (since := given.get(key, NEVER).since) and since != clock["started_at"]
    ]
    found = due_times([*(each.asked for each in starting), *moving], policies)
    changes = [
        _followed(clock, given.get(key, NEVER), policies[clock["policy_id"]], found, now)
        for key, clock in clocks.items()
    ]
    changes = [each for each in changes if each.events]
    changes = pausing.ended(changes, clocks.values(), {pk: each.unit for pk, each in policies.items()})
    batch.update(Clock, [each.row for each in changes])
    changes += _insert([change for each in starting if (change := each.change(found, now, is_history))])
    record({each.row["id"]: each.events for each in changes}, now=now, actor_id=cause.actor_id)


def _locked(lead_ids: Sequence[int]) -> dict[SubjectKey, dict[str, Any]]:
    """The clocks of these leads, locked in ascending order; one query."""
    rows = (
        Clock.objects.filter(lead_id__any_of=set(lead_ids))
        .order_by("pk")
        .select_for_update()
        .values(
            "id", "subject_kind", "lead_id", "pass_no", "policy_id", "calendar_id", "rung", "is_silent", *KEPT, *TIMES
        )
    )
    return {SubjectKey(row["subject_kind"], row["lead_id"], row["pass_no"]): row for row in rows}


def _followed(
    clock: Mapping[str, Any], given: Owed, policy: Policy, found: Mapping[Asked, datetime], now: datetime
) -> Change:
    before = Times(**{name: clock[name] for name in TIMES})
    after = follow(before, given, due=lambda at: found[Asked(policy.pk, clock["calendar_id"], at)], now=now)
    # What the sweep has done is done; a new due time, or a reopened clock, is looked at again.
    goes_on = before.is_running and after.is_running and before.due_at == after.due_at
    look = first_look(policy, after.started_at, after.due_at, rung=clock["rung"], is_silent=clock["is_silent"])
    kept = {name: clock[name] for name in KEPT}
    scheduled = kept if goes_on else {**kept, **schedule(look if after.is_running else None)}
    return Change({"id": clock["id"], **columns(after), **scheduled}, happenings(before, after, now))


@dataclass(frozen=True, slots=True)
class Starting:
    """A clock that is about to start: what it is about, under which policy, by whose calendar, since when."""

    key: SubjectKey
    given: Owed
    policy: Policy
    choice: Choice
    started_at: datetime

    @property
    def asked(self) -> Asked:
        """The question when it is due."""
        return Asked(self.policy.pk, self.choice.calendar_id, self.started_at)

    def change(self, found: Mapping[Asked, datetime], now: datetime, is_silent: bool) -> Change | None:
        """The new clock; None where there is nothing to time any more."""
        times = begin(self.given, self.started_at, due=lambda _: found[self.asked], now=now)
        if times is None:
            return None
        look = first_look(self.policy, times.started_at, times.due_at, rung=0, is_silent=is_silent)
        row = {
            "policy_id": self.policy.pk,
            "subject_kind": self.key.kind,
            "subject_id": self.key.lead_id,
            "lead_id": self.key.lead_id,
            "pass_no": self.key.pass_no,
            "calendar_id": self.choice.calendar_id,
            "calendar_of": self.choice.of,
            **columns(times),
            **schedule(look if times.is_running else None),
            "paused_until": None,
            "rung": 0,
            "is_silent": is_silent,
        }
        return Change(row, happenings(None, times, now))


def _starting(
    fresh: Mapping[SubjectKey, Owed], policies: Collection[Policy], now: datetime, is_history: bool
) -> list[Starting]:
    """The clocks to start: of what can be timed and is promised anything. No query where there are none."""
    starts = {
        key: at for key, given in fresh.items() if (at := start_of(given, now=now, is_history=is_history)) is not None
    }
    rules = matching.promised(starts.keys(), [each for each in policies if each.is_in_force])
    wanted: dict[int, list[Policy]] = {}
    for key, policy in rules.items():
        wanted.setdefault(key.lead_id, []).append(policy)
    chosen = choices(wanted)
    return [
        Starting(key, fresh[key], policy, chosen[key.lead_id, policy.pk], starts[key]) for key, policy in rules.items()
    ]


def _insert(started: Sequence[Change]) -> list[Change]:
    """Store new clocks; returns them with their keys."""
    keys = batch.insert(Clock, [each.row for each in started], returning=("id",))
    return [Change({"id": pk, **each.row}, each.events) for (pk,), each in zip(keys, started, strict=True)]
