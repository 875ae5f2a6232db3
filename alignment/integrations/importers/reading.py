"""Reading a table from a file, row by row, in constant memory, from anywhere a run before has left off."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

MAX_CELL = 100_000
"""Characters in one cell; a longer one means that the file is not a table."""

MAX_COLUMNS = 1_000


class NotATableError(Exception):
    """The file cannot be read as a table; the message says what it is or what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number (the header is 1), its cells by column, trimmed, and the byte after it; a `fault` where it
    is no row of this table.
    """

    number: int
    cells: dict[str, str]
    end: int
    fault: str = ""


def header(path: Path) -> list[str]:
    """The column names, trimmed. Raises NotATableError."""
    with _open(path) as file:
        return _header(csv.reader(_Texts(file)))


def lines(path: Path, *, number: int = 1, start: int = 0) -> Iterator[Line]:
    """The rows after row `number`, which ends at byte `start` (by default: after the header). Blank rows are skipped.

    Raises NotATableError.
    """
    with _open(path) as file:
        names = _header(csv.reader(_Texts(file)))
        if start:
            file.seek(start)
        texts = _Texts(file)
        rows = csv.reader(texts)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                raise NotATableError(f"After row {number} the file cannot be read: {error}.") from error
            number += 1
            if any(cell.strip() for cell in row):
                yield _line(number, names, row, file.tell())


class _Texts:
    """The lines of a file as text, read one by one, so that `file.tell()` says how far the reader has come."""

    def __init__(self, file: BufferedReader) -> None:
        self.file = file

    def __iter__(self) -> "_Texts":
        return self

    def __next__(self) -> str:
        first = self.file.tell() == 0
        line = self.file.readline()
        if not line:
            raise StopIteration
        return line.decode("utf-8-sig" if first else "utf-8")


def _open(path: Path) -> BufferedReader:
    csv.field_size_limit(MAX_CELL)
    try:
        return path.open("rb")
    except OSError as error:
        raise NotATableError(f"The file {path.name} cannot be opened: {error.strerror}.") from error


def _line(number: int, names: list[str], row: list[str], end: int) -> Line:
    cells = [cell.strip().replace("\x00", "") for cell in row]
    fault = f"The row has {len(row)} cells, the header {len(names)}." if any(cells[len(names) :]) else ""
    cells += [""] * (len(names) - len(cells))
    return Line(number, dict(zip(names, cells, strict=False)), end, fault)


def _header(rows: Iterator[list[str]]) -> list[str]:
    try:
        names = [name.strip() for name in next(rows)]
    except StopIteration:
        raise NotATableError("The file is empty: its first row must name the columns.") from None
    except UnicodeDecodeError:
        raise NotATableError("The file is not UTF-8: save it as “CSV UTF-8” and import it again.") from None
    except csv.Error as error:
        raise NotATableError(f"The first row cannot be read: {error}.") from error
    while names and not names[-1]:
        names.pop()
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NotATableError(f"The header names {', '.join(twice)} more than once.")
    if not 0 < len(names) <= MAX_COLUMNS:
        raise NotATableError(f"The header must name between 1 and {MAX_COLUMNS} columns.")
    return names
