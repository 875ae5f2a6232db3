"""The days on which journeys and clocks changed are forgotten once every process has seen them."""

from datetime import datetime, timedelta

from leads.models import ChangedDays

KEPT = timedelta(days=1)
"""Far longer than a process keeps what it measured without looking (`dashboards.settled`)."""


def forget(*, now: datetime) -> int:
    """Drop what was told longer than `KEPT` ago; returns how many rows. One statement."""
    dropped, _ = ChangedDays.objects.filter(recorded_at__lt=now - KEPT).delete()
    return dropped
