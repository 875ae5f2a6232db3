"""The rows of an Excel workbook, one after the other, as the texts that a CSV file would have."""

import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from alignment.integrations.importers.tables import MAX_COLUMNS, NotATableError

MAX_UNPACKED = 1024 * 1024 * 1024
"""Bytes of all parts of a workbook together; more than that is no sheet that somebody made."""

MAX_TEXTS = 256 * 1024 * 1024
"""Bytes of the part that holds the texts of all cells: it is read at once."""

MAX_CELLS = 5_000_000
"""A workbook is read some ten times slower than CSV."""

_AS_CSV = "Save the sheet as “CSV UTF-8” and import that file: it is read with less memory."
_DAMAGED = "The workbook is damaged and cannot be read. Open it in Excel, save it again, and import the new file."
_BROKEN = (
    BadZipFile, DefusedXmlException, InvalidFileException, ParseError, KeyError, ValueError, IndexError, TypeError,
    AttributeError, OSError, EOFError, zlib.error,
)  # fmt: skip
"""What openpyxl and the modules below it raise for files that are no workbooks inside."""

_MISSING = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA"}


def guard(path: Path) -> None:
    """Refuse a workbook that would unpack to more than memory or patience hold. Raises NotATableError."""
    with ZipFile(path) as archive:
        parts = archive.infolist()
    if sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise NotATableError(f"The workbook unpacks to more than {MAX_UNPACKED // 1024**2:,} MB. {_AS_CSV}")
    if sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml")) > MAX_TEXTS:
        raise NotATableError(f"The workbook holds more than {MAX_TEXTS // 1024**2:,} MB of text. {_AS_CSV}")


@contextmanager
def sheet(path: Path) -> Iterator[tuple[str, Iterator[tuple[int, list[str]]], list[str]]]:
    """The name of the first sheet that has rows, its rows with their numbers, and the names of the other such sheets.

    Raises NotATableError, also while the rows are read.
    """
    guard(path)
    with path.open("rb") as file, closing(_opened(file)) as book:
        filled = [each for each in book.worksheets if each.sheet_state == "visible" and _has_rows(each)]
        if not filled:
            raise NotATableError("The workbook has no sheet with rows.")
        yield filled[0].title, _rows(filled[0]), [each.title for each in filled[1:]]


def _opened(file: BinaryIO) -> Any:
    try:
        # Given a path, openpyxl would judge the file by its name.
        return load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except _BROKEN as error:
        raise NotATableError(_DAMAGED) from error


def _has_rows(one: Any) -> bool:
    """Sheets say how far they reach, and what they say can be wrong; so they are asked for a value."""
    try:
        one.reset_dimensions()
        return any(any(value is not None for value in row) for row in one.iter_rows(values_only=True, max_row=50))
    except _BROKEN as error:
        raise NotATableError(_DAMAGED) from error


def _rows(one: Any) -> Iterator[tuple[int, list[str]]]:
    cells = 0
    try:
        for number, row in enumerate(one.iter_rows(values_only=True), start=1):
            texts = [_text(value) for value in row]
            while texts and not texts[-1]:
                texts.pop()
            cells += len(texts)
            if cells > MAX_CELLS:
                raise NotATableError(f"The sheet has more than {MAX_CELLS:,} cells. {_AS_CSV}")
            if len(texts) > MAX_COLUMNS:
                raise NotATableError(f"Row {number:,} has more than {MAX_COLUMNS:,} cells.")
            yield number, texts
    except _BROKEN as error:
        raise NotATableError(_DAMAGED) from error


def _text(value: Any) -> str:
    """A cell as text: dates are ISO 8601, whole numbers have no decimals, what a formula could not find is blank."""
    match value:
        case None:
            return ""
        case str():
            return "" if value in _MISSING else value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else f"{value:.15g}" if abs(value) >= 1e-4 else f"{value:f}"
        case datetime():
            is_day = value.time() == time()
            return value.date().isoformat() if is_day else value.isoformat(sep=" ", timespec="seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
    return str(value)
