"""What cells mean is found once for all rows that say the same. Pure."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Generic, TypeVar

from alignment.integrations.importers.reading import Line

Meaning = TypeVar("Meaning")


class Remembered(Generic[Meaning]):
    """What rows of one file mean by these columns, `find` being a function of nothing else; for a set of rows."""

    def __init__(self, find: Callable[[Line], Meaning], columns: Sequence[str]) -> None:
        self._find, self._columns = find, columns
        self._known: dict[Any, Meaning] = {}
        self._cells: Callable[[list[str]], Any] | None = None

    def __call__(self, line: Line) -> Meaning:
        """What this row means. What `find` raises is not remembered."""
        if self._cells is None:
            places = [line.places[column] for column in self._columns]
            self._cells = itemgetter(*places) if places else lambda _: None
        cells = self._cells(line.values)
        if cells not in self._known:
            self._known[cells] = self._find(line)
        return self._known[cells]
