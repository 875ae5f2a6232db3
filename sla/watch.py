"""How well the sweep keeps up: how late breaches were found, and what is due and not handled yet. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Min, Q

from sla.models import Clock
from sla.sweep import RETRY_PARKED_AFTER

LOOKED_BACK = timedelta(hours=24)
MOST_BREACHES = 5000
"""The latest so many of the time looked back are measured."""

# Measured are the clocks that fell due while they were watched. What came in overdue was late before anybody could
# find it, and history is not watched over.
_LAGS = """
WITH found AS (
    SELECT event.id, event.clock_id, event.at, event.recorded_at
    FROM sla_clockevent event JOIN sla_clock clock ON clock.id = event.clock_id AND NOT clock.is_silent
    WHERE event.kind = 'breached' AND event.recorded_at > %(since)s AND event.recorded_at <= %(at)s
    ORDER BY event.recorded_at DESC LIMIT %(most)s
), lags AS (
    SELECT extract(epoch FROM recorded_at - at)::float AS seconds FROM found WHERE at >= (
        SELECT max(earlier.recorded_at) FROM sla_clockevent earlier
        WHERE earlier.clock_id = found.clock_id AND earlier.id < found.id
    )
)
SELECT count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds),
    percentile_disc(0.99) WITHIN GROUP (ORDER BY seconds), max(seconds)
FROM lags
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """In how many seconds breaches were found: the median, 99 of 100, and the slowest; None without any."""

    n: int
    median: float | None
    p99: float | None
    longest: float | None


@dataclass(frozen=True, slots=True)
class Watch:
    """How the sweep stands. `oldest_due_at`: since when the clock waits that has waited longest, None where none does;
    `parked` clocks could not be handled, and are tried again.
    """

    lag: Lag
    due: int
    oldest_due_at: datetime | None
    parked: int


def lag(at: datetime, *, within: timedelta = LOOKED_BACK) -> Lag:
    """How late the breaches were found that were recorded in the time before `at`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_LAGS, {"since": at - within, "at": at, "most": MOST_BREACHES})
        return Lag(*cursor.fetchone())


def read(at: datetime) -> Watch:
    """How the sweep stands at `at`. Two queries, by the index on what is due."""
    waits = Q(next_at__lt=at, parked_at=None)
    # Whatever is parked is looked at again within that time.
    found = Clock.objects.filter(next_at__lte=at + RETRY_PARKED_AFTER).aggregate(
        due=Count("pk", filter=waits),
        oldest=Min("next_at", filter=waits),
        parked=Count("pk", filter=Q(parked_at__isnull=False)),
    )
    return Watch(lag=lag(at), due=found["due"], oldest_due_at=found["oldest"], parked=found["parked"])
