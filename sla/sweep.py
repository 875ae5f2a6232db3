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

from alignment.lib import batch, failpoints
from alignment.lib.announcements import announce
from alignment.lib.moments import database_now
from alignment.ops.notifications import notify
from sla.claiming import Claimed, Policies, claim, is_anything_due
from sla.climbing import Hours, climb
from sla.ladder import BREACH
from sla.models import Clock, ClockEvent, EventKind
from sla.notices import notices, parked_notices, shared_notices, taken

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
    done, hours, policies, since = Swept(), Hours(), Policies(), EARLIEST
    while time.monotonic() - began_at < within.total_seconds():
        with transaction.atomic():
            now = at or database_now()
            clocks = claim(limit, since, now, policies) if is_anything_due(since, now) else []
            since = clocks[-1].next_at if clocks else since
            done += _handle(clocks, hours, now, is_flood=len(clocks) == limit) if clocks else Swept()
        if clocks:
            failpoints.reached("sweep.committed")
        if len(clocks) < limit:
            break
    return replace(done, seconds=time.monotonic() - began_at)


def _handle(clocks: Sequence[Claimed], hours: Hours, now: datetime, *, is_flood: bool) -> Swept:
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


def _record(clocks: Sequence[Claimed], hours: Hours, now: datetime, *, is_flood: bool) -> Swept:
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
    told = taken((each for each in climbs if not each.clock.is_silent), fresh, hours.standings)
    notify(notices=notices(told, now), shared=shared_notices(told), is_flood=is_flood)
    failpoints.reached("sweep.told")
    if recorded:
        announce("leads", sorted({each.clock.lead_id for each in climbs if each.clock.lead_id}))
    breached = sum(rung == BREACH for _, rung in fresh)
    return Swept(claimed=len(clocks), breached=breached, stepped=len(fresh) - breached)


def _park(clock: Claimed, error: Exception, now: datetime) -> Swept:
    """Set a clock aside, so that the others go on, and tell RevOps; it is tried again by itself."""
    log.error("Clock %s was set aside: %s.", clock.pk, type(error).__name__)
    why = f"{type(error).__name__}: {error}".strip()[:500]
    again_at = now + RETRY_PARKED_AFTER
    Clock.objects.filter(pk=clock.pk).update(parked_at=now, parked_why=why, next_at=again_at)
    ClockEvent.objects.create(
        clock_id=clock.pk, kind=EventKind.PARKED, at=now, recorded_at=now, detail={"why": why},
    )  # fmt: skip
    notify(notices=parked_notices(clock.pk, error, why, now))
    return Swept(claimed=1, parked=1)
