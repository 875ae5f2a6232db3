"""What a table is: its limits, what is known of one, and the error that says why a file is none."""

from dataclasses import dataclass

MAX_BYTES = 500 * 1024 * 1024
"""Of the file as it was sent."""

MAX_ROWS = 2_000_000

MAX_COLUMNS = 1_000

MAX_CELL = 100_000
"""Characters in one cell; a longer one means that a quote was never closed."""

MAX_NAME = 200
"""Characters of a column's name; the rest is cut."""


class NotATableError(Exception):
    """The file cannot be read as a table; the message says what it is or what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """What was read: the columns, how many `rows` below the header, and how the file was written.

    `format` is "csv" or "xlsx"; `encoding` and `delimiter` are empty for the latter, `sheet` for the former. `notes`
    are sentences about what was skipped, renamed or assumed. `header_is_made_up` where the file names no columns.
    """

    columns: tuple[str, ...]
    rows: int
    format: str
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_is_made_up: bool = False
    notes: tuple[str, ...] = ()
