"""Clocks that stand still in the demo company."""

from datetime import datetime, timedelta

from alignment.people.models import User
from leads.causes import Cause
from leads.milestones import CauseSource
from sla import pausing
from sla.models import Clock, PauseReason

PAUSED = (
    ("away", "On leave until Monday, says the auto-reply."),
    ("waiting", "Waits for the floor plans of two sites."),
)
LEFT = timedelta(hours=6)
"""So much time a clock that is paused has left at least."""


def tell(people: dict[str, User], now: datetime) -> None:
    """Tell it, after the leads are there. `people` are the demo's logins by role."""
    running = Clock.objects.dispositions().running().exclude(lead__owner=people["rep"])
    waiting = running.filter(due_at__gt=now + LEFT).order_by("due_at").values_list("pk", flat=True)
    cause = Cause(CauseSource.DEMO, actor_id=people["manager"].pk)
    for clock_id, (key, note) in zip(list(waiting), PAUSED, strict=False):
        pausing.pause(clock_ids=[clock_id], reason=PauseReason.objects.get(key=key), note=note, cause=cause)
