"""Clocks follow the passes of their leads: the one writer that starts, stops, reopens, settles and cancels them.

`settle` takes what a write to the lifecycle did, in the same transaction and under its locks on the leads; it runs
the same statements for one lead and for fifty thousand. The sweep, `sla.pausing` and `sla.recalculating` write clocks
besides.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from alignment.lib import batch
from alignment.lib.announcements import announce
from leads.causes import Cause, Promise
from leads.holders import Handover
from leads.lifecycle import Moved, database_now
from leads.touches import Touched
from sla import backlog, capacity, matching, pausing
from sla.dues import Asked, Choice, choices, due_times
from sla.ladder import first_look
from sla.models import Clock, EventKind, Policy
from sla.querysets import ClockQuerySet
from sla.settlement import NEVER, Happening, Owed, Times, begin, follow, happenings, start_of
from sla.storing import KEPT, TIMES, Change, columns, record, schedule
from sla.subjects import SubjectKey, Whose, reader_of, subject
from sla.subjects.passes import begun, of_leads, owed


@transaction.atomic
def settle(*, moved: Moved) -> None:
    """Bring the clocks of these leads in line with their passes; settling the same moves twice changes nothing.

    A clock starts with the move that begins what it times, if that move promises so (`Cause.promise`): a lead that
    came in without a promise does not get one because somebody touches it later. Clocks that exist follow their pass
    whatever the cause. What comes above the agreed capacity starts none.
    """
    promise = moved.cause.promise
    begins = begun(moved.taken, is_history=promise == Promise.HISTORY) if promise != Promise.NONE else []
    _settle_passes(moved.lead_ids, begins, moved.cause, moved.recorded_at)


@transaction.atomic
def touched(*, touched: Touched) -> None:
    """Bring clocks in line with touches: sales' own may be what was owed, and the buyer's end a pause."""
    if touched.worked:
        _settle_passes(touched.worked, [], touched.cause, database_now())
    if touched.replies:
        pausing.replied(replies=touched.replies, cause=touched.cause)


@transaction.atomic
def reassigned(*, handover: Handover) -> None:
    """Note on the running clocks of these leads who held them and who does: their due time stays."""
    if not handover.changes:
        return
    running = Clock.objects.of_passes().running().filter(lead_id__any_of=handover.changes).values_list("pk", "lead_id")
    now = database_now()
    moves = {
        pk: Happening(EventKind.REASSIGNED, handover.cause.at or now, {"holder": list(handover.changes[lead_id])})
        for pk, lead_id in running
    }
    record({pk: [event] for pk, event in moves.items()}, now=now, actor_id=handover.cause.actor_id)


@transaction.atomic
def follow_up(*, kind: str, keys: Collection[int], cause: Cause) -> None:
    """Bring the clocks of subjects of a kind that are no passes in line with their rows, as `Reader.owed` reads them.

    What should get a clock gets one, unless the news is history, or promises nothing. Following twice changes nothing.
    """
    if not keys:
        return
    clocks = _locked(Clock.objects.of_subjects(kind, keys))
    if not clocks and not Policy.objects.in_force().filter(subject_kind=kind, is_promised=True).exists():
        return
    given = reader_of(kind).owed(kind, keys)
    begins = given if cause.promise == Promise.START else ()
    _settle(clocks, given, reader_of(kind).whose, begins, _policies(), cause, database_now())


@transaction.atomic
def begin_awaited(*, kind: str, cause: Cause) -> int:
    """Let clocks begin now for whatever is owed already without one; returns how many did. Of leads that is nothing:
    what was promised to them began with their moves.
    """
    if subject(kind).is_pass:
        return 0
    now = database_now()
    keys = [SubjectKey(kind, pk, number) for pk, number in reader_of(kind).awaited().items()]
    whose = reader_of(kind).whose([key.subject_id for key in keys]) if keys else {}
    fresh = {key: (Owed(now, False, None), whose[key.subject_id]) for key in keys if key.subject_id in whose}
    starting = _starting(fresh, _policies().values(), now, is_history=False)
    found = due_times([each.asked for each in starting], _policies())
    happened = _insert([change for each in starting if (change := each.change(found, now, is_silent=False))])
    record(happened, now=now, actor_id=cause.actor_id)
    return len(happened)


@transaction.atomic
def begin_queued(*, cause: Cause) -> int:
    """Let the clocks of what waited above capacity begin, as its turn comes; returns how many did. What was given while
    it waited is owed no more.
    """
    now = cause.at or database_now()
    turns = backlog.take_turns(now)
    if not turns:
        return 0
    lead_ids = sorted({each.lead_id for each in turns})
    turned = [SubjectKey(kind, each.lead_id, each.pass_no) for each in turns for kind in sorted(capacity.FREED)]
    clocks = _locked(Clock.objects.of_passes().filter(lead_id__any_of=set(lead_ids)))
    given = owed({*clocks, *turned})
    begins = [key for key in turned if not given[key].is_answered]
    _settle(clocks, given, of_leads, begins, _policies(), cause, now)
    announce("leads", lead_ids)
    return len(turns)


def _settle_passes(lead_ids: Sequence[int], begins: Sequence[SubjectKey], cause: Cause, now: datetime) -> None:
    policies = _policies()
    promised = {each.subject_kind for each in policies.values() if each.is_in_force and each.is_promised}
    begins = [key for key in begins if key.kind in promised]
    clocks = _locked(Clock.objects.of_passes().filter(lead_id__any_of=set(lead_ids)))
    _settle(clocks, owed({*clocks, *begins}), of_leads, begins, policies, cause, now)


def _settle(
    clocks: Mapping[SubjectKey, Mapping[str, Any]],
    given: Mapping[SubjectKey, Owed],
    whose: Callable[[Collection[int]], Mapping[int, Whose]],
    begins: Iterable[SubjectKey],
    policies: Mapping[int, Policy],
    cause: Cause,
    now: datetime,
) -> None:
    """Let `clocks` follow what is `given`, and those of `begins` that have none start. `whose` is asked of these."""
    is_history = cause.promise == Promise.HISTORY
    missing = [key for key in begins if key in given and key not in clocks]
    if not is_history:
        above = capacity.freed({key: given[key] for key in missing}, now)
        missing = [key for key in missing if key not in above]
    known = whose([key.subject_id for key in missing]) if missing else {}
    fresh = {key: (given[key], known[key.subject_id]) for key in missing if key.subject_id in known}
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
    happened = {each.row["id"]: each.events for each in changes}
    happened |= _insert([change for each in starting if (change := each.change(found, now, is_history))])
    record(happened, now=now, actor_id=cause.actor_id)


def _policies() -> dict[int, Policy]:
    return {policy.pk: policy for policy in Policy.objects.select_related("version")}


def _locked(clocks: ClockQuerySet) -> dict[SubjectKey, dict[str, Any]]:
    """These clocks, locked in ascending order; one query."""
    columns = ("id", "subject_kind", "subject_id", "pass_no", "policy_id", "calendar_id", "rung", "is_silent")
    rows = clocks.order_by("pk").select_for_update().values(*columns, *KEPT, *TIMES)
    return {SubjectKey(row["subject_kind"], row["subject_id"], row["pass_no"]): row for row in rows}


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


class Starting(NamedTuple):
    """A clock that is about to start: what it is about, under which policy, by whose calendar, and from when on (the
    question when it is due).
    """

    key: SubjectKey
    given: Owed
    whose: Whose
    policy: Policy
    choice: Choice
    asked: Asked

    def change(self, found: Mapping[Asked, datetime], now: datetime, is_silent: bool) -> Change | None:
        """The new clock; None where there is nothing to time any more."""
        times = begin(self.given, self.asked.started_at, due=lambda _: found[self.asked], now=now)
        if times is None:
            return None
        look = first_look(self.policy, times.started_at, times.due_at, rung=0, is_silent=is_silent)
        row = {
            "policy_id": self.asked.policy_id,
            "subject_kind": self.key.kind,
            "subject_id": self.key.subject_id,
            "lead_id": self.whose.lead_id,
            "pass_no": self.key.number,
            "calendar_id": self.choice.calendar_id,
            "calendar_of": self.choice.of,
            **columns(times),
            **schedule(look if times.is_running else None),
            "paused_until": None,
            "rung": 0,
            "is_silent": is_silent,
        }
        return Change(row, happenings(None, times, now, queued_since=self.given.queued_since))


def _starting(
    fresh: Mapping[SubjectKey, tuple[Owed, Whose]], policies: Collection[Policy], now: datetime, is_history: bool
) -> list[Starting]:
    """The clocks to start: of what can be timed and is promised anything. No query where there are none."""
    starts = {
        key: at
        for key, (given, _) in fresh.items()
        if (at := start_of(given, now=now, is_history=is_history)) is not None
    }
    rules = matching.promised({key: fresh[key][1] for key in starts}, [each for each in policies if each.is_in_force])
    wanted: dict[Whose, list[Policy]] = {}
    for key, policy in rules.items():
        wanted.setdefault(fresh[key][1], []).append(policy)
    chosen = choices(wanted)
    found = []
    for key, policy in rules.items():
        given, whose = fresh[key]
        choice = chosen[whose, policy.pk]
        found.append(Starting(key, given, whose, policy, choice, Asked(policy.pk, choice.calendar_id, starts[key])))
    return found


def _insert(started: Sequence[Change]) -> dict[int, list[Happening]]:
    """Store new clocks; returns the key of each with what happened to it."""
    keys = batch.insert(Clock, [each.row for each in started], returning=("id",))
    return {pk: each.events for (pk,), each in zip(keys, started, strict=True)}
