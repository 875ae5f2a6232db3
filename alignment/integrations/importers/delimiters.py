"""What stands between the cells of a text file, and how its quotes are meant. Pure."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""Delimiter → what people call it."""

_ROWS = 1_000
_NOWHERE = "\x1f"  # of a file with a single column nothing delimits anything


@dataclass(frozen=True, slots=True)
class Dialect:
    """How rows are written. With `skips_blanks` a quote counts after the blank that follows a delimiter; with
    `escapes` a quote in a cell has a backslash before it rather than another quote.
    """

    delimiter: str
    skips_blanks: bool = False
    escapes: bool = False

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The rows of these lines. Raises csv.Error."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            skipinitialspace=self.skips_blanks,
            doublequote=not self.escapes,
            escapechar="\\" if self.escapes else None,
        )


def detect(sample: str, delimiter: str = "") -> Dialect:
    """The dialect in which the rows of `sample` agree best on a number of cells, the plain one where others agree no
    better; with the `delimiter` that is known. One that does not occur where the file has one column.
    """
    lines = sample.splitlines(keepends=True)
    dialects = [each for known in ([delimiter] if delimiter else DELIMITERS) for each in _dialects(sample, known)]
    agreements = {each: _agreement(lines, each) for each in dialects}
    best = max(dialects, key=lambda each: (agreements[each], not each.skips_blanks and not each.escapes))
    return best if agreements[best][0] > 0 or delimiter else Dialect(_NOWHERE)


def _dialects(sample: str, delimiter: str) -> Iterator[Dialect]:
    """The ways to write with a delimiter that the sample gives reason to try."""
    plain = Dialect(delimiter)
    yield plain
    if f'{delimiter} "' in sample:
        yield replace(plain, skips_blanks=True)
    if '\\"' in sample:
        yield replace(plain, escapes=True)


def _agreement(lines: list[str], dialect: Dialect) -> tuple[float, int]:
    """How well the rows agree (0: they do not), and on how many cells."""
    widths = _widths(lines, dialect)
    if not widths:
        return 0, 0
    usual = Counter(widths).most_common(1)[0][0]
    first = widths[0]
    if first > 1:
        share = sum(1 < width <= first for width in widths) / len(widths)
        if share >= 0.5:
            return 1 + sum(width == first for width in widths) / len(widths), first
    share = widths.count(usual) / len(widths)
    # Lines above the header have fewer cells than the table; single words with a comma are no table.
    return (share, usual) if usual > 2 and share >= 0.7 else (0, 0)


def _widths(lines: list[str], dialect: Dialect) -> list[int]:
    widths: list[int] = []
    with suppress(csv.Error):  # the rows before it tell enough
        widths += (len(row) for row in islice(dialect.rows(lines), _ROWS) if any(row))
    while len(widths) > 1 and widths[-1] == 1:
        widths.pop()  # the footer of a report
    return widths
