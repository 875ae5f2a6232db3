"""Slices of a staged file. While the database works on one, the next is read and translated by a thread: both are pure,
and take a fifth of the time of an import.
"""

from collections.abc import Mapping as Dictionary
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from alignment.integrations.importers.bringing import Said, said_by
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line, lines
from alignment.integrations.importers.rows import Places


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows, and what they say; None of a file whose rows are not leads."""

    lines: list[Line]
    said: Said | None


Place = Dictionary[str, int]
"""After which row (`number`) and byte (`start`) a slice begins."""
_Key = tuple[Path, int, int, int]

_threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import-ahead")
# The one slice that was looked at last: no more than one is kept, whatever becomes of its job.
_ahead: dict[_Key, Future[Slice]] = {}


def take(path: Path, place: Place, *, mapping: Mapping, here: Places, most: int) -> Slice:
    """The next rows, at most so many. Raises NotATableError.

    What was looked at ahead is translated again where names stand for other things by now.
    """
    waiting = _ahead.pop(_key(path, place, most), None)
    if waiting is None:
        return _read(path, place, mapping, here, most)
    found = waiting.result()
    if found.said and found.said.here != here:
        return Slice(found.lines, said_by(found.lines, mapping, here))
    return found


def look_ahead(path: Path, place: Place, *, mapping: Mapping, here: Places, most: int) -> None:
    """Let a thread begin with these rows; what goes wrong there is raised by `take`."""
    _ahead.clear()
    _ahead[_key(path, place, most)] = _threads.submit(_read, path, place, mapping, here, most)


def _key(path: Path, place: Place, most: int) -> _Key:
    return path, place["number"], place["start"], most


def _read(path: Path, place: Place, mapping: Mapping, here: Places, most: int) -> Slice:
    read = list(islice(lines(path, **place), most))
    return Slice(read, said_by(read, mapping, here))
