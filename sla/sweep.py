"""The sweep: what is due is done, once: reminders, breaches and what follows them, and the people concerned are told.

Celery, and a second trigger beside it, only say "look now"; what is due stands in the database. A batch is one
transaction that claims its clocks and writes clocks, events, notifications and messages, never a lead: killed at any
moment it leaves nothing behind, and any number of sweeps share the work without waiting for each other.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, transaction
from django.db.models import Prefetch

from alignment.lib import batch, failpoints
from alignment.lib.announcements import announce
from alignment.lib.moments import database_now
from alignment.ops.notifications import notify
from sla.climbing import Hours, climb
from sla.ladder import BREACH
from sla.models import Clock, ClockEvent, EventKind, Policy
from sla.notices import notices, parked_notices, shared_notices

log = logging.getLogger(__name__)

RETRY_PARKED_AFTER = timedelta(minutes=5)
EARLIEST = datetime.min.replace(tzinfo=UTC)
# The connection, or the time, is gone: that says nothing about a row.
NOT_ABOUT_A_ROW = (OperationalError, SoftTimeLimitExceeded)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: clocks that it claimed, breaches that it recorded, further steps of their ladders that it took,
    clocks that it set aside, and how long it took.
    """

    claimed: int = 0
    breached: int = 0
    parked: int = 0
    stepped: int = 0
    seconds: float = field(default=0, compare=False)

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            self.claimed + other.claimed,
            self.breached + other.breached,
            self.parked + other.parked,
            self.stepped + other.stepped,
            self.seconds + other.seconds,
        )


def sweep(*, limit: int = 2000, at: datetime | None = None, within: timedelta = timedelta(seconds=60)) -> Swept:
    """Handle all clocks that are due, in batches of `limit`; begins no batch after `within`.

    `at` None means now, by the database's clock. With nothing due it is two queries, however many clocks run.
    """
    began_at = time.monotonic()
    done, hours, since = Swept(), Hours(), EARLIEST
    while time.monotonic() - began_at < within.total_seconds():
        with transaction.atomic():
            now = at or database_now()
            clocks = _claim(limit, since, now) if _is_anything_due(since, now) else []
            since = clocks[-1].next_at or since if clocks else since
            done += _handle(clocks, hours, now, is_flood=len(clocks) == limit) if clocks else Swept()
        if clocks:
            failpoints.reached("sweep.committed")
        if len(clocks) < limit:
            break
    return replace(done, seconds=time.monotonic() - began_at)


def _is_anything_due(since: datetime, now: datetime) -> bool:
    """The first entry of the index says it, however many clocks run, and whatever the planner knows of them."""
    first = Clock.objects.filter(next_at__gte=since).order_by("next_at").values_list("next_at", flat=True).first()
    return first is not None and first < now


def _claim(limit: int, since: datetime, now: datetime) -> list[Clock]:
    """The clocks that are due, this sweep's alone until its transaction ends. What many share is read once.

    `since`: what was due before is claimed. Its entries stay in the index until nobody sees them any more, and a batch
    that began with them would look at all that were before it.
    """
    due = (
        Clock.objects.filter(next_at__gte=since, next_at__lt=now)
        .order_by("next_at")
        .prefetch_related(
            Prefetch("policy", Policy.objects.only("target", "unit", "reminders", "propose_after", "heads_after"))
        )
        .only(
            "subject_kind", "subject_id", "lead_id", "started_at", "due_at", "next_at", "rung", "paused_until",
            "calendar_id", "is_silent", "policy_id",
        )
        .select_for_update(of=("self",), skip_locked=True)
    )  # fmt: skip
    return list(due[:limit])


def _handle(clocks: Sequence[Clock], hours: Hours, now: datetime, *, is_flood: bool) -> Swept:
    """Take the steps of these clocks. If that fails, each half by itself, down to the one that is to blame."""
    try:
        with transaction.atomic():
            return _record(clocks, hours, now, is_flood=is_flood)
    except NOT_ABOUT_A_ROW:
        raise
    except Exception as error:
        if len(clocks) == 1:
            return _park(clocks[0], error, now)
    middle = len(clocks) // 2
    halves = clocks[:middle], clocks[middle:]
    return sum((_handle(half, hours, now, is_flood=is_flood) for half in halves), Swept())


def _record(clocks: Sequence[Clock], hours: Hours, now: datetime, *, is_flood: bool) -> Swept:
    failpoints.reached("sweep.claimed")
    hours.load(clocks)
    climbs = [climb(clock, hours, now) for clock in clocks]
    recorded = batch.insert(
        ClockEvent,
        [event for each in climbs for event in each.events],
        conflict="ON CONFLICT DO NOTHING",
        returning=("clock_id", "kind", "rung"),
    )
    failpoints.reached("sweep.events")
    batch.update(Clock, [each.row for each in climbs])
    fresh = {(pk, rung or BREACH) for pk, kind, rung in recorded if rung or kind == EventKind.BREACHED}
    told = [each.only(fresh) for each in climbs if not each.clock.is_silent]
    notify(notices=notices(told, hours.standings, now), shared=shared_notices(told, hours.standings), is_flood=is_flood)
    failpoints.reached("sweep.told")
    if recorded:
        announce("leads", sorted({each.clock.lead_id for each in climbs if each.clock.lead_id}))
    breached = sum(rung == BREACH for _, rung in fresh)
    return Swept(claimed=len(clocks), breached=breached, stepped=len(fresh) - breached)


def _park(clock: Clock, error: Exception, now: datetime) -> Swept:
    """Set a clock aside, so that the others go on, and tell RevOps; it is tried again by itself."""
    log.error("Clock %s was set aside: %s.", clock.pk, type(error).__name__)
    clock.parked_at = now
    clock.parked_why = f"{type(error).__name__}: {error}".strip()[:500]
    clock.next_at = now + RETRY_PARKED_AFTER
    clock.save(update_fields=["parked_at", "parked_why", "next_at"])
    ClockEvent.objects.create(
        clock=clock, kind=EventKind.PARKED, at=now, recorded_at=now,
        detail={"why": clock.parked_why},
    )  # fmt: skip
    notify(notices=parked_notices(clock, error, now))
    return Swept(claimed=1, parked=1)
