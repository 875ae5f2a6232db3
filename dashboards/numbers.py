"""A number that opens: what the pages print, and where the rows behind it are."""

from dataclasses import dataclass
from typing import Self

from dashboards import figures
from dashboards.filters import Filters

ENOUGH = 30
"""A rate of fewer is not compared with another one: chance would decide."""


@dataclass(frozen=True, slots=True)
class Number:
    """A count, the address of its rows, and where a sentence needs one, a word for what it counts."""

    n: int
    url: str
    label: str = ""

    @classmethod
    def of(cls, n: int, filters: Filters, figure: str, argument: str = "", label: str = "") -> Self:
        """The number `n` of this figure."""
        return cls(n, figures.address(filters, figure, argument), label)
