"""Slices of a staged file: read and translated once, however often they are asked for."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock

from alignment.integrations.importers.bringing import Said, said_by
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line, lines
from alignment.integrations.importers.rows import Places


@dataclass(slots=True)
class Slice:
    """Rows, and what they say; None of a file whose rows are not leads."""

    lines: list[Line]
    said: Said | None


Place = Dictionary[str, int]
"""After which row (`number`) and byte (`start`) a slice begins."""
_Key = tuple[Path, int, int, int]

# The slice that is worked on, the one beside it and the one that comes next; whatever becomes of their job.
_KEPT = 3
_kept: dict[_Key, Slice] = {}
_reading = Lock()


def take(path: Path, place: Place, *, mapping: Mapping, here: Places, most: int) -> Slice:
    """The next rows, at most so many. Raises NotATableError.

    What was read before is translated again where names stand for other things by now.
    """
    key = (path, place["number"], place["start"], most)
    with _reading:
        found = _kept.pop(key, None)
        if found is None:
            read = list(islice(lines(path, **place), most))
            found = Slice(read, said_by(read, mapping, here))
        elif found.said and found.said.here != here:
            found = Slice(found.lines, said_by(found.lines, mapping, here))
        _kept[key] = found
        while len(_kept) > _KEPT:
            del _kept[next(iter(_kept))]
        return found


def after(found: Slice) -> Place | None:
    """Where the rows after these begin; None where there are none here."""
    return {"number": found.lines[-1].number, "start": found.lines[-1].end} if found.lines else None


def forget(path: Path) -> None:
    """Keep nothing of this file any more."""
    with _reading:
        for key in [key for key in _kept if key[0] == path]:
            del _kept[key]
