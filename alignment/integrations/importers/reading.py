"""Reading a staged table, row by row, in constant memory, from anywhere a run before has left off."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path

from alignment.integrations.importers.tables import MAX_CELL, NotATableError


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number (as the original file counts, from 1), its values as they are, by `places` (column →
    position), and the byte after it; a `fault` where it is no row of this table.
    """

    number: int
    values: list[str]
    places: dict[str, int]
    end: int
    fault: str = ""

    def text(self, column: str) -> str:
        """A cell without the blanks around it."""
        return self.values[self.places[column]].strip()

    @property
    def cells(self) -> dict[str, str]:
        """The values by column."""
        return dict(zip(self.places, self.values, strict=False))


def header(path: Path) -> list[str]:
    """The column names of a staged file. Raises NotATableError."""
    with _open(path) as file:
        return _header(file)


def lines(path: Path, *, number: int = 1, start: int = 0) -> Iterator[Line]:
    """The rows after byte `start`, where row `number` ends (by default: after the header). Raises NotATableError."""
    with _open(path) as file:
        places = {name: place for place, name in enumerate(_header(file))}
        if start:
            file.seek(start)
        rows = csv.reader(_Texts(file))
        try:
            for row in rows:
                number = int(row[0])
                yield _line(number, places, row, file.tell())
        except (csv.Error, UnicodeDecodeError, ValueError, IndexError) as error:
            raise NotATableError(f"After row {number} the staged file cannot be read: {error}.") from error


def sample(path: Path, count: int = 200) -> list[Line]:
    """The first rows."""
    return list(islice(lines(path), count))


class _Texts:
    """The lines of a file as text, read one by one, so that `file.tell()` says how far the reader has come."""

    def __init__(self, file: BufferedReader) -> None:
        self.file = file

    def __iter__(self) -> "_Texts":
        return self

    def __next__(self) -> str:
        line = self.file.readline()
        if not line:
            raise StopIteration
        return line.decode()


def _open(path: Path) -> BufferedReader:
    csv.field_size_limit(MAX_CELL)
    try:
        return path.open("rb")
    except OSError as error:
        raise NotATableError(f"The staged file cannot be opened: {error.strerror}. Import the file again.") from error


def _line(number: int, places: dict[str, int], row: list[str], end: int) -> Line:
    del row[0]
    missing = len(places) - len(row)
    fault = ""
    if missing > 0:
        row += [""] * missing
    elif missing < 0 and any(cell.strip() for cell in row[len(places) :]):
        fault = f"The row has {len(row)} cells, the header {len(places)}."
    return Line(number, row, places, end, fault)


def _header(file: BufferedReader) -> list[str]:
    return next(csv.reader(_Texts(file)), [""])[1:]
