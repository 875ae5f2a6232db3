"""Any file that is a table → one form that the import reads: UTF-8, commas, the row's number first.

A staged file is read in slices from any row on (`reading`), whatever the original was. It is written as a stream, in
constant memory, and replaces `target` only when it is whole.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TextIO

from alignment.integrations.importers import contents, delimiters, encodings, footers, headers, workbooks
from alignment.integrations.importers.delimiters import Dialect
from alignment.integrations.importers.tables import MAX_CELL, MAX_COLUMNS, MAX_ROWS, NotATableError, Table

NUMBER = "#"
"""The first column of a staged file: the row of the original, as a spreadsheet counts."""

_IN_SIGHT = 1_000  # rows that decide about header, names and width
_SAMPLE = 65_536  # characters that decide about the delimiter

Row = tuple[int, list[str]]


@dataclass
class _Source:
    """Rows of an original, and what is known of how it was written; `notes` may grow while they are read."""

    rows: Iterator[Row]
    format: str
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    notes: list[str] = field(default_factory=list)


def stage(source: Path, target: Path) -> Table:
    """Read `source`, whatever it is, into `target`. Raises NotATableError with a sentence that says what to do."""
    kind = contents.kind_of(source)
    with _workbook(source) if kind == contents.WORKBOOK else _text(source) as original:
        rows = (row for row in original.rows if any(map(str.strip, row[1])))
        in_sight = list(islice(rows, _IN_SIGHT))
        header = headers.find(in_sight)
        given = [] if header.is_made_up else in_sight[header.skip - 1][1]
        again = _Again(given)
        below = again.left_out(chain(in_sight[header.skip :], rows))
        body = footers.left_out(below, len(header.names), original.notes)
        count = _write(target, header.names, body)
        return Table(
            columns=header.names,
            rows=count,
            format=kind,
            encoding=original.encoding,
            delimiter=original.delimiter,
            sheet=original.sheet,
            header_is_made_up=header.is_made_up,
            notes=(*header.notes, *again.notes(), *original.notes),
        )


class _Again:
    """Leaves out rows that are the header once more: files are put together by appending one to another."""

    def __init__(self, header: Sequence[str]) -> None:
        self.header = [cell.strip() for cell in header]
        self.count = 0

    def left_out(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows without those."""
        first = self.header[0] if self.header else None
        for number, cells in rows:
            if cells[0].strip() == first and [cell.strip() for cell in cells] == self.header:
                self.count += 1
            else:
                yield number, cells

    def notes(self) -> list[str]:
        """What was left out, in a sentence; nothing where nothing was."""
        return [f"The header stands in {self.count:,} more rows; they were skipped."] if self.count else []


@contextmanager
def _workbook(path: Path) -> Iterator[_Source]:
    with workbooks.sheet(path) as (name, rows, others):
        notes = [f"Only the sheet “{name}” is read; {', '.join(others)} {_is(others)} not."] if others else []
        yield _Source(rows, contents.WORKBOOK, sheet=name, notes=notes)


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


@contextmanager
def _text(path: Path) -> Iterator[_Source]:
    encoding = encodings.detect(path)
    with encodings.opened(path, encoding) as file:
        try:
            sample = file.read(_SAMPLE)
        except UnicodeError as error:
            raise NotATableError(_unreadable(encoding.name)) from error
        said, delimiter = _said(sample)
        dialect = delimiters.detect(sample, delimiter)
        file.seek(0)
        notes = []
        if encoding.name == "Windows-1252":
            notes.append(
                "The characters were read as Windows-1252 (Western Europe): look whether accents came out right."
            )
        if encoding.broken:
            notes.append(f"{encoding.broken:,} broken characters could not be read and became �.")
        rows = _split(file, dialect, encoding.name)
        yield _Source(islice(rows, said, None), contents.TEXT, encoding.name, dialect.delimiter, notes=notes)


def _said(sample: str) -> tuple[int, str]:
    """Excel's own first line, `sep=;`: how many rows it takes, and the delimiter."""
    line = sample.lstrip("\ufeff").split("\n", 1)[0].strip().strip('"').lower()
    return (1, line[4:]) if line.startswith("sep=") and len(line) == 5 else (0, "")


def _split(file: TextIO, dialect: Dialect, encoding: str) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL)
    number = 0
    try:
        for number, row in enumerate(dialect.rows(file), start=1):
            yield number, [cell.replace("\x00", "") for cell in row] if "\x00" in "".join(row) else row
    except UnicodeError as error:
        raise NotATableError(_unreadable(encoding)) from error
    except csv.Error as error:
        if "field limit" in str(error):
            raise NotATableError(
                f"Row {number + 1:,} has a cell of more than {MAX_CELL:,} characters. A quotation mark that is opened "
                "and never closed does this: mend that row."
            ) from error
        raise NotATableError(f"Row {number + 1:,} cannot be read: {error}.") from error


def _unreadable(encoding: str) -> str:
    return (
        f"The file begins as {encoding} and has characters that are none: save it as “CSV UTF-8” and import it again."
    )


def _write(target: Path, names: Sequence[str], body: Iterable[Row]) -> int:
    """The staged file; the number of rows below its header. Raises NotATableError."""
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=target.parent, prefix=f"{target.name}.", delete=False
    ) as out:
        temporary = Path(out.name)
        try:
            writer = csv.writer(out)
            writer.writerow([NUMBER, *names])
            count = 0
            for count, (number, cells) in enumerate(body, start=1):
                if count > MAX_ROWS:
                    raise NotATableError(f"The file has more than {MAX_ROWS:,} rows. Split it and import the parts.")
                if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
                    raise NotATableError(f"Row {number:,} has more than {MAX_COLUMNS:,} cells.")
                writer.writerow([number, *cells])
        except BaseException:
            temporary.unlink()
            raise
    temporary.replace(target)
    return count
