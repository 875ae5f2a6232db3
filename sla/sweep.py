"""The sweep: what is due becomes a breach, recorded once, and the people concerned are told.

Celery, and a second trigger beside it, only say "look now"; what is due stands in the database. A batch is one
transaction that claims its clocks and writes clocks, events, notifications and messages, never a lead: killed at any
moment it leaves nothing behind, and any number of sweeps share the work without waiting for each other.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, transaction

from alignment.lib import batch
from alignment.lib.announcements import announce
from alignment.ops.notifications import notify
from leads.lifecycle import database_now
from sla.models import Clock, ClockEvent, EventKind
from sla.notices import breach_notices, parked_notices

log = logging.getLogger(__name__)

RETRY_PARKED_AFTER = timedelta(minutes=5)
# The connection, or the time, is gone: that says nothing about a row.
NOT_ABOUT_A_ROW = (OperationalError, SoftTimeLimitExceeded)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: clocks that it claimed, breaches that it recorded, clocks that it set aside."""

    claimed: int = 0
    breached: int = 0
    parked: int = 0

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(self.claimed + other.claimed, self.breached + other.breached, self.parked + other.parked)


def sweep(*, limit: int = 500, at: datetime | None = None, within: timedelta = timedelta(seconds=60)) -> Swept:
    """Handle all clocks that are due, in batches of `limit`; begins no batch after `within`.

    `at` None means now, by the database's clock. With nothing due it is two queries, however many clocks run.
    """
    stop_at = time.monotonic() + within.total_seconds()
    done = Swept()
    while time.monotonic() < stop_at:
        with transaction.atomic():
            now = at or database_now()
            clocks = _claim(limit, now)
            done += _handle(clocks, now) if clocks else Swept()
        if len(clocks) < limit:
            break
    return done


def _claim(limit: int, now: datetime) -> list[Clock]:
    """The clocks that are due, this sweep's alone until its transaction ends."""
    due = (
        Clock.objects.filter(next_at__lt=now)
        .order_by("next_at")
        .select_related("policy", "lead__owner", "lead__team__manager")
        .only(
            "due_at", "is_silent", "policy__target_hours", "lead__name", "lead__email", "lead__owner__name",
            "lead__team__manager__is_active",
        )
        .select_for_update(of=("self",), skip_locked=True)
    )  # fmt: skip
    return list(due[:limit])


def _handle(clocks: Sequence[Clock], now: datetime) -> Swept:
    """Record the breaches of these clocks. If that fails, each half by itself, down to the one that is to blame."""
    try:
        with transaction.atomic():
            return _record(clocks, now)
    except NOT_ABOUT_A_ROW:
        raise
    except Exception as error:
        if len(clocks) == 1:
            return _park(clocks[0], error, now)
    middle = len(clocks) // 2
    return _handle(clocks[:middle], now) + _handle(clocks[middle:], now)


def _record(clocks: Sequence[Clock], now: datetime) -> Swept:
    recorded = batch.insert(
        ClockEvent,
        [
            {
                "clock_id": clock.pk, "kind": EventKind.BREACHED.value, "at": clock.due_at,
                "recorded_at": now, "actor_id": None, "detail": {},
            }
            for clock in clocks
        ],
        conflict="ON CONFLICT (clock_id) WHERE kind = 'breached' DO NOTHING",
        returning=("clock_id",),
    )  # fmt: skip
    Clock.objects.filter(pk__in=[clock.pk for clock in clocks]).update(next_at=None, parked_at=None, parked_why="")
    keys = {row[0] for row in recorded}
    fresh = [clock for clock in clocks if clock.pk in keys]
    if fresh:
        notify(notices=breach_notices([clock for clock in fresh if not clock.is_silent]))
        announce("leads", [clock.lead_id for clock in fresh if clock.lead_id])
    return Swept(claimed=len(clocks), breached=len(fresh))


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
