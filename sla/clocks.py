"""Clocks follow the passes of their leads: the one writer that starts, stops, reopens, settles and cancels them.

`settle` takes what a write to the lifecycle did, in the same transaction and under its locks on the leads; it runs
the same statements for one lead and for fifty thousand. Only the sweep writes clocks besides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Least

from alignment.lib import batch
from leads.causes import Promise
from leads.lifecycle import Moved
from leads.milestones import Kind, Milestone
from leads.models import Journey
from sla.models import Clock, ClockEvent, Policy, SubjectKind
from sla.settlement import NEVER, HandOff, Happening, Times, begin, follow, hand_off, happenings

PassKey = tuple[int, int]
"""(lead id, number of the pass)."""

TIMES = tuple(each.name for each in fields(Times))


@dataclass(frozen=True, slots=True)
class Change:
    """What a clock becomes, as columns, and the events that say so."""

    row: dict[str, Any]
    events: list[Happening]


@transaction.atomic
def settle(*, moved: Moved) -> None:
    """Bring the clocks of these leads in line with their passes; settling the same moves twice changes nothing.

    A clock starts with the move that makes its pass an MQL, if that move promises so (`Cause.promise`): a lead that
    came in without a promise does not get one because somebody touches it later. Clocks that exist follow their pass
    whatever the cause.
    """
    policies = {policy.pk: policy for policy in Policy.objects.filter(subject_kind=SubjectKind.DISPOSITION)}
    hand_offs = _hand_offs(moved.lead_ids)
    clocks = _locked(moved.lead_ids)
    changes = [
        _followed(clock, hand_offs.get(key, NEVER), policies[clock["policy_id"]], moved.recorded_at)
        for key, clock in clocks.items()
    ]
    changes = [each for each in changes if each.events]
    batch.update(Clock, [each.row for each in changes])
    in_force = next((policy for policy in policies.values() if policy.retired_at is None), None)
    if in_force and moved.cause.promise != Promise.NONE:
        fresh = {key: hand_offs[key] for key in _handed_over(moved) if key in hand_offs and key not in clocks}
        changes += _insert(_started(fresh, in_force, moved))
    _record(changes, moved)


def _hand_offs(lead_ids: Sequence[int]) -> dict[PassKey, HandOff]:
    """What the promise reads of the passes of these leads; one query."""
    rows = Journey.objects.filter(lead_id__any_of=lead_ids).values_list(
        "lead_id", "pass_no", "reached", "outcome", "mql_at",
        Least("accepted_at", "sql_at", "sqo_at", "won_at", "closed_at"),
    )  # fmt: skip
    return {
        (lead_id, pass_no): hand_off(reached=reached, outcome=outcome, mql_at=mql_at, answered_at=answered_at)
        for lead_id, pass_no, reached, outcome, mql_at, answered_at in rows
    }


def _locked(lead_ids: Sequence[int]) -> dict[PassKey, dict[str, Any]]:
    """The disposition clocks of these leads, locked in ascending order; one query."""
    rows = (
        Clock.objects.dispositions()
        .filter(lead_id__any_of=lead_ids)
        .order_by("pk")
        .select_for_update()
        .values("id", "lead_id", "pass_no", "policy_id", "next_at", "parked_at", "parked_why", *TIMES)
    )
    return {(row["lead_id"], row["pass_no"]): row for row in rows}


def _handed_over(moved: Moved) -> list[PassKey]:
    """The passes that these moves made MQL, in the order of their leads."""
    return sorted(
        {
            (each.lead_id, each.pass_no)
            for each in moved.taken
            if each.after[0] >= Milestone.MQL
            and (each.before is None or each.kind == Kind.REQUALIFY or each.before[0] < Milestone.MQL)
        }
    )


def _followed(clock: Mapping[str, Any], given: HandOff, policy: Policy, now: datetime) -> Change:
    before = Times(**{name: clock[name] for name in TIMES})
    after = follow(before, given, due=policy.due_at, now=now)
    events = happenings(before, after, now)
    # A breach that is recorded already has no next moment; a new due time, or a reopened clock, is looked at again.
    goes_on = before.is_running and after.is_running and before.due_at == after.due_at
    scheduled = {name: clock[name] for name in ("next_at", "parked_at", "parked_why")} if goes_on else _schedule(after)
    return Change({"id": clock["id"], **_columns(after), **scheduled}, events)


def _columns(times: Times) -> dict[str, Any]:
    return {name: getattr(times, name) for name in TIMES}


def _schedule(times: Times) -> dict[str, Any]:
    """When the sweep looks at a clock with these times."""
    return {"next_at": times.due_at if times.is_running else None, "parked_at": None, "parked_why": ""}


def _started(fresh: Mapping[PassKey, HandOff], policy: Policy, moved: Moved) -> list[Change]:
    is_history = moved.cause.promise == Promise.HISTORY
    changes = []
    for (lead_id, pass_no), given in fresh.items():
        times = begin(given, due=policy.due_at, now=moved.recorded_at, is_history=is_history)
        if times is None:
            continue
        row = {
            "policy_id": policy.pk,
            "subject_kind": SubjectKind.DISPOSITION.value,
            "subject_id": lead_id,
            "lead_id": lead_id,
            "pass_no": pass_no,
            **_columns(times),
            **_schedule(times),
            "is_silent": is_history,
        }
        changes.append(Change(row, happenings(None, times, moved.recorded_at)))
    return changes


def _insert(started: Sequence[Change]) -> list[Change]:
    """Store new clocks; returns them with their keys."""
    keys = batch.insert(Clock, [each.row for each in started], returning=("id",))
    return [Change({"id": pk, **each.row}, each.events) for (pk,), each in zip(keys, started, strict=True)]


def _record(changes: Sequence[Change], moved: Moved) -> None:
    batch.insert(
        ClockEvent,
        [
            {
                "clock_id": each.row["id"], "kind": event.kind.value, "at": event.at,
                "recorded_at": moved.recorded_at, "actor_id": moved.cause.actor_id, "detail": event.detail,
            }
            for each in changes
            for event in each.events
        ],
        conflict="ON CONFLICT (clock_id) WHERE kind = 'breached' DO NOTHING",
    )  # fmt: skip
