"""Running clocks under other rules or other hours: what would change, and changing it where somebody said so.

Closed clocks stay as they were, and so do overdue ones: a breach is not talked away. What would turn overdue by the
change itself is held back until somebody confirms it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from alignment.lib import batch
from alignment.ops import audit
from alignment.ops.notifications import notify
from alignment.people import calendars
from alignment.people.models import User
from leads.lifecycle import database_now
from sla.dues import Asked, Choice, choices, due_times
from sla.ladder import first_look
from sla.matching import promised
from sla.models import Clock, ClockPause, EventKind, Policy
from sla.models.policy import TargetUnit
from sla.notices import held_notice
from sla.querysets import ClockQuerySet
from sla.settlement import Happening
from sla.storing import record, schedule
from sla.subjects import SubjectKey, Whose, reader_of, subject
from sla.subjects.passes import of_leads
from sla.targets import resumed


@dataclass(frozen=True, slots=True)
class Move:
    """A running clock, and the policy, calendar and due time that it would have."""

    clock: Clock
    policy: Policy
    choice: Choice
    due_at: datetime

    @property
    def is_change(self) -> bool:
        """Whether anything would be different."""
        return self.due_at != self.clock.due_at or self.policy.pk != self.clock.policy_id

    def turns_overdue(self, at: datetime) -> bool:
        """Whether it would be overdue by the change itself."""
        return self.due_at < at


def under(policies: Sequence[Policy], kind: str, at: datetime) -> list[Move]:
    """The running clocks of a kind, as these rules would have them, the first due first; those that no rule promises
    anything stay out. The number of queries does not depend on the number of clocks.
    """
    return moves_of(_running(Clock.objects.filter(subject_kind=kind), at), policies, kind, at)


def running_after(pk: int, kind: str, at: datetime, most: int) -> list[Clock]:
    """The next so many running clocks of a kind by key, for work in slices."""
    return list(_followed(Clock.objects.filter(subject_kind=kind, pk__gt=pk), at).order_by("pk")[:most])


def count_running(kind: str, at: datetime) -> int:
    """How many clocks of a kind would follow other rules."""
    return _followed(Clock.objects.filter(subject_kind=kind), at).count()


def moves_of(clocks: Sequence[Clock], policies: Sequence[Policy], kind: str, at: datetime) -> list[Move]:
    """These running clocks of a kind, as these rules would have them."""
    whose_of = of_leads if subject(kind).is_pass else reader_of(kind).whose
    known = whose_of([each.subject_id for each in clocks])
    keys = {_key(each): known[each.subject_id] for each in clocks if each.subject_id in known}
    rules = promised(keys, policies)
    wanted: dict[Whose, list[Policy]] = {}
    for key, policy in rules.items():
        wanted.setdefault(keys[key], []).append(policy)
    chosen = choices(wanted)
    ruled = {each: rules[key] for each in clocks if (key := _key(each)) in rules}
    return _moves({each.pk: (policy, chosen[keys[_key(each)], policy.pk], each) for each, policy in ruled.items()}, at)


def by_calendar(calendar_ids: Collection[int] | None, at: datetime) -> list[Move]:
    """The running clocks that go by these calendars (None: by any), as the calendars are now; only what changes."""
    rows = Clock.objects.filter(calendar__isnull=False)
    if calendar_ids is not None:
        rows = rows.filter(calendar__in=calendar_ids)
    clocks = _running(rows, at)
    moves = _moves({each.pk: (each.policy, Choice(each.calendar_id, each.calendar_of), each) for each in clocks}, at)
    return [each for each in moves if each.is_change]


def _running(rows: ClockQuerySet, at: datetime) -> list[Clock]:
    return list(_followed(rows, at).order_by("due_at", "pk"))


def _followed(rows: ClockQuerySet, at: datetime) -> ClockQuerySet:
    """Those that follow an edit: they run, and are not overdue."""
    return rows.running().filter(due_at__gte=at).select_related("policy", "lead__owner", "lead__team", "calendar")


def _key(clock: Clock) -> SubjectKey:
    return SubjectKey(clock.subject_kind, clock.subject_id, clock.pass_no)


def _moves(ruled: Mapping[int, tuple[Policy, Choice, Clock]], at: datetime) -> list[Move]:
    policies = {policy.pk: policy for policy, *_ in ruled.values()}
    asked = {
        pk: Asked(policy.pk, choice.calendar_id, clock.started_at) for pk, (policy, choice, clock) in ruled.items()
    }
    found = due_times(set(asked.values()), policies)
    pauses = _pauses(ruled)
    known = calendars.load({ruled[pk][1].calendar_id or 0 for pk in pauses}) if pauses else {}
    moves = []
    for pk, (policy, choice, clock) in ruled.items():
        counts_work = policy.unit != TargetUnit.ELAPSED_HOURS
        calendar = known.get(choice.calendar_id or 0) if counts_work else None
        due_at = found[asked[pk]]
        for began_at, ends_at in pauses.get(pk, ()):
            if began_at < due_at:
                due_at = resumed(calendar, due_at, began_at, ends_at)
        moves.append(Move(clock, policy, choice, due_at))
    return moves


def _pauses(clock_ids: Collection[int]) -> dict[int, list[tuple[datetime, datetime]]]:
    """The pauses of these clocks, in order; one query."""
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    rows = ClockPause.objects.filter(clock__any_of=list(clock_ids)).order_by("began_at")
    for pk, began_at, ends_at in rows.values_list("clock_id", "began_at", "ends_at"):
        found.setdefault(pk, []).append((began_at, ends_at))
    return found


@transaction.atomic
def apply(*, moves: Iterable[Move], by: User | None, why: str) -> int:
    """Give clocks that still run their new policy and due time, and log old → new; returns how many changed."""
    wanted = {each.clock.pk: each for each in moves if each.is_change}
    if not wanted:
        return 0
    now = database_now()
    running = Clock.objects.filter(pk__any_of=list(wanted)).running().order_by("pk").select_for_update()
    standing = dict(running.values_list("pk", "due_at"))
    rows, events = [], {}
    for pk, due_at in standing.items():
        move = wanted[pk]
        if due_at != move.clock.due_at:
            continue  # it moved meanwhile
        rows.append(_row(move, now))
        told = {"due_at": [due_at, move.due_at], "policy": [move.clock.policy_id, move.policy.pk], "why": why}
        events[pk] = [Happening(EventKind.RECALCULATED, now, told)]
    batch.update(Clock, rows)
    record(events, now=now, actor_id=by.pk if by else None)
    audit.record(
        action="clocks_recalculated", actor=by, subject_kind="clock", subject_ids=list(events), detail={"why": why}
    )
    return len(events)


def _row(move: Move, now: datetime) -> dict[str, object]:
    clock, policy = move.clock, move.policy
    look = first_look(policy, clock.started_at, move.due_at, rung=clock.rung, is_silent=clock.is_silent)
    return {
        "id": clock.pk,
        "policy_id": policy.pk,
        "calendar_id": move.choice.calendar_id,
        "calendar_of": move.choice.of,
        "due_at": move.due_at,
        # Nothing waits for the sweep longer than since the edit.
        **schedule(clock.paused_until or max(look, now)),
    }


@transaction.atomic
def calendar_changed(*, calendar_id: int, by: User | None) -> tuple[int, int]:
    """A calendar was edited: running clocks that go by it follow, except those that would turn overdue by it, which
    wait to be confirmed, which whoever edited it is told. Returns how many followed and how many wait.
    """
    now = database_now()
    moves = by_calendar([calendar_id], now)
    followed = apply(moves=[each for each in moves if not each.turns_overdue(now)], by=by, why="A calendar was edited")
    held = [each for each in moves if each.turns_overdue(now)]
    if held and by:
        notify(notices=[held_notice(held[0].clock.calendar, followed, len(held), by, now)])
    return followed, len(held)
