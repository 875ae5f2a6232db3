"""The sweep: what is due is done, once: reminders, breaches and what follows them, and the people concerned are told.

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
from sla.climbing import Climb, Hours, climb
from sla.ladder import BREACH
from sla.models import Clock, ClockEvent, EventKind
from sla.notices import notices, parked_notices

log = logging.getLogger(__name__)

RETRY_PARKED_AFTER = timedelta(minutes=5)
# The connection, or the time, is gone: that says nothing about a row.
NOT_ABOUT_A_ROW = (OperationalError, SoftTimeLimitExceeded)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: clocks that it claimed, breaches that it recorded, further steps of their ladders that it took,
    clocks that it set aside.
    """

    claimed: int = 0
    breached: int = 0
    parked: int = 0
    stepped: int = 0

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            self.claimed + other.claimed,
            self.breached + other.breached,
            self.parked + other.parked,
            self.stepped + other.stepped,
        )


def sweep(*, limit: int = 500, at: datetime | None = None, within: timedelta = timedelta(seconds=60)) -> Swept:
    """Handle all clocks that are due, in batches of `limit`; begins no batch after `within`.

    `at` None means now, by the database's clock. With nothing due it is two queries, however many clocks run.
    """
    stop_at = time.monotonic() + within.total_seconds()
    done = Swept()
    hours = Hours()
    while time.monotonic() < stop_at:
        with transaction.atomic():
            now = at or database_now()
            clocks = _claim(limit, now)
            done += _handle(clocks, hours, now) if clocks else Swept()
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
            "subject_kind", "started_at", "due_at", "next_at", "rung", "paused_until", "calendar_id", "is_silent",
            "policy__target", "policy__unit", "policy__reminders", "policy__propose_after", "policy__heads_after",
            "lead__name", "lead__email", "lead__owner__name", "lead__owner__calendar_id",
            "lead__team__manager__is_active",
        )
        .select_for_update(of=("self",), skip_locked=True)
    )  # fmt: skip
    return list(due[:limit])


def _handle(clocks: Sequence[Clock], hours: Hours, now: datetime) -> Swept:
    """Take the steps of these clocks. If that fails, each half by itself, down to the one that is to blame."""
    try:
        with transaction.atomic():
            return _record(clocks, hours, now)
    except NOT_ABOUT_A_ROW:
        raise
    except Exception as error:
        if len(clocks) == 1:
            return _park(clocks[0], error, now)
    middle = len(clocks) // 2
    return _handle(clocks[:middle], hours, now) + _handle(clocks[middle:], hours, now)


def _record(clocks: Sequence[Clock], hours: Hours, now: datetime) -> Swept:
    hours.load(clocks)
    climbs = [climb(clock, hours, now) for clock in clocks]
    recorded = batch.insert(
        ClockEvent,
        [event for each in climbs for event in each.events],
        conflict="ON CONFLICT DO NOTHING",
        returning=("clock_id", "kind", "rung"),
    )
    batch.update(Clock, [each.row for each in climbs])
    fresh = {(pk, rung or BREACH) for pk, kind, rung in recorded if rung or kind == EventKind.BREACHED}
    told = [each for each in climbs if not each.clock.is_silent]
    notify(notices=notices([Climb.only(each, fresh) for each in told]))
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
