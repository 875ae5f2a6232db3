"""Claiming the clocks that are due: each is one sweep's alone until its transaction ends."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sla.models import Clock, Policy


class Claimed(NamedTuple):
    """What a sweep needs of a clock, under the clock's own names. Of many at once no model is made of each: that would
    take a good part of the time.
    """

    pk: int
    subject_kind: str
    subject_id: int
    lead_id: int | None
    started_at: datetime
    due_at: datetime
    next_at: datetime
    rung: int
    paused_until: datetime | None
    calendar_id: int | None
    is_silent: bool
    policy: Policy


class Policies:
    """The policies of the clocks of a sweep: each is read once, and with what a sweep needs of it alone."""

    def __init__(self) -> None:
        self._known: dict[int, Policy] = {}

    def of(self, keys: set[int]) -> Mapping[int, Policy]:
        """These, and others; no query where they are known."""
        if missing := keys - self._known.keys():
            needed = Policy.objects.only("target", "unit", "reminders", "propose_after", "heads_after")
            self._known |= needed.in_bulk(missing)
        return self._known


def is_anything_due(since: datetime, now: datetime) -> bool:
    """The first entry of the index says it, however many clocks run, and whatever the planner knows of them."""
    first = Clock.objects.filter(next_at__gte=since).order_by("next_at").values_list("next_at", flat=True).first()
    return first is not None and first < now


def claim(limit: int, since: datetime, now: datetime, policies: Policies) -> list[Claimed]:
    """The clocks that are due, by when; two queries at most.

    `since`: what was due before is claimed. Its entries stay in the index until nobody sees them any more, and a batch
    that began with them would look at all that were before it.
    """
    due = Clock.objects.filter(next_at__gte=since, next_at__lt=now).order_by("next_at")
    columns = [name if name != "policy" else "policy_id" for name in Claimed._fields]
    rows = list(due.select_for_update(skip_locked=True).values_list(*columns)[:limit])
    known = policies.of({row[-1] for row in rows})
    return [Claimed._make((*row[:-1], known[row[-1]])) for row in rows]
