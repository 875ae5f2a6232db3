"""Which row of a table names its columns, and what they are called. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alignment.integrations.importers.tables import MAX_COLUMNS, MAX_NAME, NotATableError

SEARCHED = 25
"""Rows at the top among which the header may stand."""

_DATUM = re.compile(
    r"[-+(]?[\d.,'\s€$£%]*\d[\d.,'\s€$£%)]*"  # a number
    r"|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?"  # a date
    r"|[^@\s]+@[^@\s]+\.[^@\s]+"  # an e-mail address
    r"|https?://\S+"
    r"|true|false",
    re.IGNORECASE,
)
_LONG = 100  # characters that tell; patterns on more of them would take their time
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PIVOT = re.compile(r"(row|column) labels|(sum|count|average|min|max) of .+", re.IGNORECASE)

Rows = Sequence[tuple[int, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns, and how many of the rows given stand above the first row of data."""

    names: tuple[str, ...]
    skip: int
    is_made_up: bool
    notes: tuple[str, ...]


def find(rows: Rows) -> Header:
    """The header among the first rows of a table (none of them blank). Raises NotATableError."""
    if not rows:
        raise NotATableError("The file is empty: its first row must name the columns.")
    place = _place(rows)
    number, cells = rows[place]
    notes = [f"{_count(place, 'row')} above the header (row {number}) {_were(place)} skipped."] if place else []
    if sum(bool(_PIVOT.fullmatch(cell.strip())) for cell in cells) >= 2 or (
        cells and re.fullmatch(r"row labels", cells[0].strip(), re.IGNORECASE)
    ):
        raise NotATableError(
            "This is a pivot table: its rows are sums, not leads. Export the rows behind it, one lead a row."
        )
    made_up = _is_data(cells)
    width = _width(rows[place:])
    if not 0 < width <= MAX_COLUMNS:
        raise NotATableError(f"The file must have between 1 and {MAX_COLUMNS:,} columns; it has {width:,}.")
    if made_up:
        shown = ", ".join(f"“{cell.strip()[:30]}”" for cell in cells[:3])
        notes.append(
            f"The first row ({shown}) holds data, not names of columns: the columns were called Column 1 to Column "
            f"{width}. Better add a row with names and import the file again."
        )
        names = [f"Column {position}" for position in range(1, width + 1)]
    else:
        names, renamed = _names([*cells, *[""] * (width - len(cells))][:width])
        notes += renamed
    return Header(tuple(names), place if made_up else place + 1, made_up, tuple(notes))


def clean_name(text: str) -> str:
    """A column's name on one line."""
    return " ".join(text.replace("\x00", "").replace("\ufeff", "").split())[:MAX_NAME]


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _place(rows: Rows) -> int:
    """The first row that is as full as the rows usually are; titles above it have a cell or two."""
    counts = sorted(_filled(cells) for _, cells in rows)
    usual = counts[len(counts) // 2]
    if usual < 3:
        return 0
    for place, (_, cells) in enumerate(rows[:SEARCHED]):
        if _filled(cells) > max(1, usual * 0.4):
            return place
    return 0


def _is_data(cells: Sequence[str]) -> bool:
    """Whether a row holds values rather than names: an e-mail address, or nothing but numbers and dates."""
    filled = [cell.strip()[:_LONG] for cell in cells if cell.strip()]
    return any(_ADDRESS.fullmatch(cell) for cell in filled) or all(_DATUM.fullmatch(cell) for cell in filled)


def _width(rows: Rows) -> int:
    """Columns that have a name; trailing ones without a name count where some row in sight fills them."""
    named = _last_filled(rows[0][1])
    filled = [_last_filled(cells) for _, cells in rows[1:]]
    # One row with a stray cell is a broken row; a column is filled again and again.
    wider = sorted((width for width in filled if width > named), reverse=True)
    return wider[0] if len(wider) > max(1, len(filled) // 10) and len(rows[0][1]) >= wider[0] else named


def _last_filled(cells: Sequence[str]) -> int:
    return max((position for position, cell in enumerate(cells, start=1) if cell.strip()), default=0)


def _names(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """A name for each column, none twice, and sentences about those that were made up."""
    names: list[str] = []
    blank, twice = [], []
    for position, cell in enumerate(cells, start=1):
        name = clean_name(cell)
        if not name:
            name = f"Column {position}"
            blank.append(name)
        if name in names:
            twice.append(name)
            name = next(each for n in range(2, position + 2) if (each := f"{name} ({n})") not in names)
        names.append(name)
    notes = []
    if blank:
        notes.append(
            f"{_count(len(blank), 'column')} without a name {_were(len(blank))} called {', '.join(blank[:5])}."
        )
    if twice:
        shown = ", ".join(f"“{name}”" for name in dict.fromkeys(twice))
        notes.append(f"The header names {shown} more than once: the later ones got a number, as in “{twice[0]} (2)”.")
    return names, notes


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
