"""What was measured of a stretch of time is kept for as long as nothing changes in it: settled history costs nothing.

Triggers write down the days on which a journey or a clock changed, each with the number of its transaction
(`ChangedDays`). A `Memory` reads what it has not seen yet, by the snapshot of its last look; a stretch in which such a
day lies is measured again. What is kept depends on the rows alone, never on the present moment.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from alignment.lib.periods import DAY, Period
from leads.models.changed_days import Dated

MOST_NUMBERS = 12_000_000
"""So many numbers are kept in a process: 48 MB where they are lengths of stays. What everybody asks about a million
leads takes a third of it: where that did not fit, each question would forget what the next one needs.
"""
MOST_KNOWN = 1_000
"""Of so many questions it is known that somebody has asked."""
UNSEEN_SECONDS = 6 * 3600
"""Whoever has not looked for so long forgets everything: by then the log may soon be, too (`leads.changed_days`)."""

_LOOK = """
    SELECT current_database(), pg_current_snapshot()::text, ARRAY(
        SELECT DISTINCT concat_ws(' ', dated, first_on, last_on) FROM leads_changeddays
        WHERE written_by >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::bigint
            AND NOT pg_visible_in_snapshot(written_by::text::xid8, %(seen)s::pg_snapshot)
    )
"""
ANY_DAY = ""

Row = tuple[Any, ...]
Read = Callable[[Sequence[Period]], Mapping[Period, Sequence[Row]]]


@dataclass(frozen=True, slots=True)
class _Piece:
    """What was measured of one stretch after the look of this number."""

    rows: Sequence[Row]
    looked: int

    @property
    def numbers(self) -> int:
        return sum(len(value) if isinstance(value, array) else 1 for row in self.rows for value in row)


class Memory:
    """What one process has measured; several threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pieces: OrderedDict[Hashable, _Piece] = OrderedDict()
        self._numbers = 0
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        self._changed: dict[str, int] = {}
        """When it was last seen that something changed on a day: the number of the look."""
        self._looks = 0
        self._looked_at = monotonic()
        self._seen: str | None = None
        self._database = ""

    def look(self, about: Hashable, *, is_usual: bool = False) -> "Look":
        """See what changed. What is measured after it tells all that had been committed before it. One query.

        Nothing is kept of what a question is `about` when it is first asked, unless it `is_usual`: measured as a whole
        it costs less, and most are not asked again.
        """
        with self._lock:
            is_new = about not in self._known
            self._known[about] = None
            self._known.move_to_end(about)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
            if is_new and not is_usual:
                return NOTHING_KEPT
            with connection.cursor() as cursor:
                cursor.execute(_LOOK, {"seen": self._seen})
                database, seen, changed = cursor.fetchone()
            if database != self._database or monotonic() - self._looked_at > UNSEEN_SECONDS:
                self._forget()
            self._looks += 1
            self._database, self._seen, self._looked_at = database, seen, monotonic()
            for told in changed:
                self._changed.update(dict.fromkeys(_told_days(told), self._looks))
            return Look(self, self._looks)

    def recall(self, key: Hashable, days: Sequence[str]) -> Sequence[Row] | None:
        """What is kept under `key`, if nothing has changed on these `days` since."""
        with self._lock:
            piece = self._pieces.get(key)
            if piece is None or any(self._changed.get(day, 0) > piece.looked for day in days):
                return None
            self._pieces.move_to_end(key)
            return piece.rows

    def keep(self, key: Hashable, rows: Sequence[Row], looked: int) -> None:
        """Keep what was measured after the look of this number, and forget what nobody has asked for the longest."""
        piece = _Piece(rows, looked)
        with self._lock:
            if (old := self._pieces.pop(key, None)) is not None:
                self._numbers -= old.numbers
            self._pieces[key] = piece
            self._numbers += piece.numbers
            while self._numbers > MOST_NUMBERS:
                _, oldest = self._pieces.popitem(last=False)
                self._numbers -= oldest.numbers

    def _forget(self) -> None:
        # Who looked before it was forgotten may still keep what they measured: looks are counted on.
        self._pieces.clear()
        self._numbers = 0
        self._changed = {f"{dated} {ANY_DAY}": self._looks + 1 for dated in Dated}


@dataclass(frozen=True, slots=True)
class Look:
    """A memory as of one moment; measure after it was made. Without one everything is measured as a whole."""

    memory: Memory | None = None
    number: int = 0

    @property
    def keeps(self) -> bool:
        """Whether something may be kept."""
        return self.memory is not None

    def over(
        self, question: Hashable, dated: Dated, stretches: Sequence[Period], zone: ZoneInfo, read: Read
    ) -> dict[Period, Sequence[Row]]:
        """The answer to `question` for each of these stretches: what is kept, and what `read` says of the others."""
        assert self.memory is not None
        found: dict[Period, Sequence[Row]] = {}
        for stretch in stretches:
            rows = self.memory.recall((question, zone.key, stretch), _days(dated, stretch, zone))
            if rows is not None:
                found[stretch] = rows
        missing = [stretch for stretch in stretches if stretch not in found]
        if missing:
            for stretch, rows in read(missing).items():
                found[stretch] = rows
                self.memory.keep((question, zone.key, stretch), rows, self.number)
        return found


NOTHING_KEPT = Look()


def _told_days(told: str) -> Iterator[str]:
    """The days that a row of the log tells: `mql_at 2026-03-01 2026-03-09`, or any day."""
    dated, *ends = told.split()
    if not ends:
        return iter([f"{dated} {ANY_DAY}"])
    return _named(dated, *map(date.fromisoformat, ends))


def _named(dated: str, first: date, last: date) -> Iterator[str]:
    return (f"{dated} {first + number * DAY}" for number in range((last - first).days + 1))


@lru_cache(maxsize=4096)
def _days(dated: Dated, stretch: Period, zone: ZoneInfo) -> tuple[str, ...]:
    """As the log tells them: the days (UTC) that a stretch of the company's days lies in, and any day."""
    begin, end = stretch.instants(zone)
    return (f"{dated} {ANY_DAY}", *_named(dated, begin.date(), (end - timedelta(microseconds=1)).date()))
