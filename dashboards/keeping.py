"""Measured once for everybody: a report is kept until an event is written, and for half a minute at most.

The row is the event: whatever changes a figure adds a row to one of these tables, so the last numbers that their
sequences gave are the version of the data. A number is given before its row can be read, so a version also names who
was writing: once one of those is done, it holds no longer. What no event tells (a name, a target, a lead that nobody
holds any more), and what time alone changes, shows after half a minute.

Whoever hears of an event may `renew` what is being looked at, so that the measuring is done before the pages ask.

A question that nobody asked lately may take seconds where a million leads are. Who has less patience hears that it is
being measured, and asks again.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from django.db import close_old_connections, connection
from django.utils.timezone import now

from leads.models import HolderInterval, Journey, LeadTransition, OpportunityContact, Touchpoint, WithdrawnTouch
from sla.models import ClockEvent

EVENTS = (LeadTransition, HolderInterval, Journey, OpportunityContact, Touchpoint, WithdrawnTouch, ClockEvent)
FRESH = timedelta(seconds=30)
MOST_KEPT = 64
LOOKED_AT_SECONDS = 300
"""How long after somebody asked for it a report is taken to be looked at, if nobody asked since it was renewed."""

_LAST = ", ".join(f"pg_sequence_last_value('{model._meta.db_table}_id_seq')" for model in EVENTS)
_NUMBERS = f"SELECT current_database(), {_LAST}"
_WRITERS = """
    SELECT backend_xid::text FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL
"""

# Each of these threads keeps a database connection. Two questions at once leave the database time for all else.
measurers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="questions")

Measured = TypeVar("Measured")


class StillMeasuringError(Exception):
    """The answer takes longer than who asked would wait; it will be kept once it is there."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many `seconds` somebody waits. Who comes back for an answer takes one as of the moment `since`."""

    seconds: float
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """The numbers of the newest events, and the transactions that were under way when they were read."""

    numbers: tuple[str | int | None, ...]
    writers: frozenset[str]

    @classmethod
    def read(cls) -> "Version":
        """The version of this moment. Two queries.

        The numbers come first: whoever took one of them is then among the writers, or can be read.
        """
        with connection.cursor() as cursor:
            cursor.execute(_NUMBERS)
            numbers = cursor.fetchone()
            cursor.execute(_WRITERS)
            return cls(numbers, frozenset(row[0] for row in cursor.fetchall()))

    def holds(self, now: "Version") -> bool:
        """Whether nothing was written in between: no new event, and nobody who was writing is done."""
        return self.numbers == now.numbers and self.writers <= now.writers


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Measured]):
    """A measurement, as it stood `at` a moment; `began` is when it was begun, by this process's own clock."""

    measured: Measured
    at: datetime
    began: float
    version: Version

    def answers(self, at: datetime, arrived: float, stays: timedelta) -> bool:
        """Whether it tells all that was committed before somebody `arrived`, or still `stays`."""
        if self.began >= arrived or timedelta(0) <= at - self.at < stays:
            return True
        return at - self.at <= FRESH and self.version.holds(Version.read())


@dataclass(slots=True)
class _Place(Generic[Measured]):
    """Where the answer to one question is kept, and when it was `asked` for last; one measures at a time."""

    measure: Callable[[datetime], Measured]
    asked: float
    stays: timedelta
    lock: Lock = field(default_factory=Lock)
    kept: _Kept[Measured] | None = None
    submitting: Lock = field(default_factory=Lock)
    under_way: Future[Measured] | None = None

    def answer(self, at: datetime, arrived: float) -> Measured:
        """What is kept, where it still holds; else what is measured now."""
        with self.lock:
            if self.kept is None or not self.kept.answers(at, arrived, self.stays):
                began, version = monotonic(), Version.read()
                self.kept = _Kept(self.measure(at), at, began, version)
            return self.kept.measured

    def answer_within(self, patience: Patience, at: datetime, arrived: float) -> Measured:
        """The same, measured by a thread of its own. Raises StillMeasuringError when the patience is over."""
        until = arrived + patience.seconds
        while True:
            kept = self.kept
            if kept is not None and (
                (patience.since and kept.at >= patience.since) or kept.answers(at, arrived, self.stays)
            ):
                return kept.measured
            try:
                self._measuring(at, arrived).result(timeout=max(0.0, until - monotonic()))
            except TimeoutError:
                raise StillMeasuringError from None

    def _measuring(self, at: datetime, arrived: float) -> Future[Measured]:
        """What is under way, for whomever it was begun, or else begins now."""
        with self.submitting:
            if self.under_way is None or self.under_way.done():
                self.under_way = measurers.submit(self._answer_apart, at, arrived)
            return self.under_way

    def _answer_apart(self, at: datetime, arrived: float) -> Measured:
        close_old_connections()
        return self.answer(at, arrived)

    def is_looked_at(self) -> bool:
        """Whether a page seems to show it: open pages ask again whenever they are told."""
        return self.kept is not None and (self.asked > self.kept.began or monotonic() - self.asked <= LOOKED_AT_SECONDS)


class Keeper(Generic[Measured]):
    """What was measured lately, by what was asked.

    While others write without a pause, every question is measured by one at a time, for all who arrived before it
    began: more viewers do not mean more work. With `stays` an answer holds for so long, whatever was written; `most`
    are kept at once.
    """

    def __init__(self, *, stays: timedelta = timedelta(0), most: int = MOST_KEPT) -> None:
        self._stays, self._most = stays, most
        self._places: OrderedDict[Hashable, _Place[Measured]] = OrderedDict()
        self._lock = Lock()

    def get(
        self,
        asked: Hashable,
        at: datetime,
        measure: Callable[[datetime], Measured],
        patience: Patience | None = None,
    ) -> Measured:
        """What `measure` answers to `asked`: as it was kept, where that still holds at `at`. What a transaction wrote
        itself is for itself alone. Raises StillMeasuringError where that takes more than `patience`; None waits.
        """
        if connection.in_atomic_block:
            return measure(at)
        arrived = monotonic()
        place = self._place(asked, measure, arrived)
        return place.answer_within(patience, at, arrived) if patience else place.answer(at, arrived)

    def renew(self, seconds: float) -> None:
        """Measure what is being looked at again, where it holds no longer, the latest asked for first. None is begun
        after so many `seconds`: the rest is measured once somebody asks.
        """
        began = monotonic()
        for place in self._looked_at():
            arrived = monotonic()
            if arrived - began > seconds:
                return
            place.answer(now(), arrived)

    def _place(self, asked: Hashable, measure: Callable[[datetime], Measured], arrived: float) -> _Place[Measured]:
        with self._lock:
            place = self._places.setdefault(asked, _Place(measure, arrived, self._stays))
            place.measure, place.asked = measure, arrived
            self._places.move_to_end(asked)
            while len(self._places) > self._most:
                self._places.popitem(last=False)
            return place

    def _looked_at(self) -> list[_Place[Measured]]:
        with self._lock:
            return [place for place in reversed(self._places.values()) if place.is_looked_at()]
