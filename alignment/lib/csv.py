"""CSV for spreadsheets: streamed, and safe to open (a cell that looks like a formula is text)."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from django.http import StreamingHttpResponse

Cell = str | int | float | Decimal | datetime | date | None

# What makes a spreadsheet calculate: the signs, their full-width forms, and what it skips before it looks for one.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def safe_cell(value: Cell) -> str:
    """The text of a cell: None is blank, times are ISO 8601, numbers stay numbers, text never starts a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if not isinstance(value, str):
        return str(value)
    text = value.replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


class _Line:
    """The file that `csv.writer` writes to: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The file, line by line; the mark at its start tells spreadsheets that it is UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> StreamingHttpResponse:
    """A download `name`.csv that is written while it is read; what is in memory does not grow with `rows`."""
    response = StreamingHttpResponse(lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
