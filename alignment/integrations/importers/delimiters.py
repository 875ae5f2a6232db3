"""What stands between the cells of a text file. Pure."""

import csv
from collections import Counter
from contextlib import suppress
from itertools import islice

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""Delimiter → what people call it."""

_ROWS = 1_000
_NOWHERE = "\x1f"  # of a file with a single column nothing delimits anything


def detect(sample: str) -> str:
    """The delimiter by which the rows of `sample` agree best on a number of cells; whole cells in quotes are left out
    of account. Something that does not occur where the file has one column.
    """
    lines = sample.splitlines(keepends=True)
    ranked = sorted(((_agreement(lines, each), each) for each in DELIMITERS), reverse=True)
    (agreement, _), best = ranked[0]
    return best if agreement > 0 else _NOWHERE


def _agreement(lines: list[str], delimiter: str) -> tuple[float, int]:
    """How well the rows agree (0: they do not), and on how many cells."""
    widths = _widths(lines, delimiter)
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


def _widths(lines: list[str], delimiter: str) -> list[int]:
    widths: list[int] = []
    with suppress(csv.Error):  # the rows before it tell enough
        widths += (len(row) for row in islice(csv.reader(lines, delimiter=delimiter), _ROWS) if any(row))
    while len(widths) > 1 and widths[-1] == 1:
        widths.pop()  # the footer of a report
    return widths
