"""Measured once for everybody: a report is kept until an event is written, and for half a minute at most.

The row is the event: whatever changes a figure adds a row to one of these tables, so the last numbers that their
sequences gave are the version of the data. A number is given before its row can be read; so nothing is kept while a
transaction that writes is under way. What no event tells (a name, a target, a lead that nobody holds any more), and
what time alone changes, shows after half a minute.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from django.db import connection

from leads.models import HolderInterval, Journey, LeadTransition, OpportunityContact, Touchpoint
from sla.models import ClockEvent

EVENTS = (LeadTransition, HolderInterval, Journey, OpportunityContact, Touchpoint, ClockEvent)
FRESH = timedelta(seconds=30)
MOST_KEPT = 64

_LAST = ", ".join(f"pg_sequence_last_value('{model._meta.db_table}_id_seq')" for model in EVENTS)
_NUMBERS = f"SELECT current_database(), {_LAST}"
_WRITING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL LIMIT 1"

Measured = TypeVar("Measured")
Version = tuple[str | int | None, ...]


def version() -> Version | None:
    """What numbers the newest events have; None while somebody, this transaction included, is writing. Two queries.

    The numbers are asked for first: who began to write in between has given away a newer one by the time it is read.
    """
    if connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS)
        numbers = cursor.fetchone()
        cursor.execute(_WRITING)
        return None if cursor.rowcount else numbers


@dataclass(slots=True)
class _Place(Generic[Measured]):
    """Where one measurement is kept; who comes while it is made waits for it."""

    lock: Lock = field(default_factory=Lock)
    kept: tuple[datetime, Measured] | None = None


class Keeper(Generic[Measured]):
    """What was measured lately, by what was asked."""

    def __init__(self) -> None:
        self._places: OrderedDict[Hashable, _Place[Measured]] = OrderedDict()
        self._lock = Lock()

    def get(self, asked: Hashable, at: datetime, measure: Callable[[], Measured]) -> Measured:
        """What `measure` answers to `asked`: as it was kept, where that still holds at `at`."""
        known = version()
        if known is None:
            return measure()
        place = self._place((known, asked))
        with place.lock:
            if place.kept is None or at - place.kept[0] > FRESH:
                place.kept = at, measure()
            return place.kept[1]

    def _place(self, key: Hashable) -> _Place[Measured]:
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            while len(self._places) > MOST_KEPT:
                self._places.popitem(last=False)
            return place
