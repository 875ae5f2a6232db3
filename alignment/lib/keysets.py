"""Keyset pages: the rows behind a place in an order, found by an index however far down the place is."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

import orjson
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy

Order = Sequence[str]
"""Columns as `order_by` takes them, all in one direction, the last of them unique: `("-moved_at", "-id")`."""

MOST_ID = 2**63 - 1
Row = TypeVar("Row", bound=Model)


def beyond(order: Order, place: Sequence[Any]) -> Q:
    """The rows that come after the row whose columns have these values."""
    side = "lt" if order[0].startswith("-") else "gt"
    names = [column.removeprefix("-") for column in order]
    found = Q()
    for index, name in enumerate(names):
        same = dict(zip(names[:index], place, strict=False))
        found |= Q(**same, **{f"{name}__{side}": place[index]})
    # Where the first column is an index, this bounds the scan.
    return found & Q(**{f"{names[0]}__{side}e": place[0]})


def to_text(row: Model, order: Order) -> str:
    """The place of `row`, for an address."""
    place = [getattr(row, column.removeprefix("-")) for column in order]
    return urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()


def from_text(text: str, order: Order, *, undated_last: bool = False) -> list[Any]:
    """The place that a text names: of each column an id or a moment; with `undated_last` the first one may be None.
    Raises ValueError for any other text.
    """
    place = orjson.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    if not isinstance(place, list) or len(place) != len(order):
        raise ValueError(text)
    if undated_last and place[0] is None:
        return [None, *map(_id, place[1:])]
    return [_moment(value) if column.endswith("at") else _id(value) for column, value in zip(order, place, strict=True)]


class Page(Generic[Row]):
    """The `size` rows of `found` behind the place that the text `after` names; the first ones where it names none.

    What is `related` is read apart, with the rows of the page alone. With `undated_last` the first column may be empty:
    those rows come last.
    """

    def __init__(
        self, found: QuerySet[Row], order: Order, after: str, *, size: int, related: Sequence[str] = (),
        undated_last: bool = False,
    ) -> None:  # fmt: skip
        self.found, self.order, self.after, self.size, self.related = found, order, after, size, related
        self.undated_last = undated_last

    @property
    def rows(self) -> list[Row]:
        return self._found[: self.size]

    @property
    def next(self) -> str:
        """The place of the next page; blank on the last one."""
        return to_text(self._found[self.size - 1], self.order) if len(self._found) > self.size else ""

    @property
    def sorted_by(self) -> Sequence[str | OrderBy]:
        """The order, as `order_by` takes it."""
        if not self.undated_last:
            return self.order
        return (F(self.order[0].removeprefix("-")).desc(nulls_last=True), *self.order[1:])

    @cached_property
    def _place(self) -> list[Any] | None:
        try:
            return from_text(self.after, self.order, undated_last=self.undated_last)
        except ValueError:
            return None

    @cached_property
    def _found(self) -> list[Row]:
        found: list[Any] = []
        for part in self._parts():
            rows = part.values_list("pk", flat=True) if self.related else part
            found += rows[: self.size + 1 - len(found)]
        if not self.related:
            return found
        # The page first, then what its rows tell: else all rows are joined before they are sorted.
        told = self.found.model._default_manager.filter(pk__in=found)
        return list(told.select_related(*self.related).order_by(*self.sorted_by))

    def _parts(self) -> Iterator[QuerySet[Row]]:
        """What comes after the place, in order. What has no date stands apart: no index has it last."""
        place, rows = self._place, self.found
        if self.undated_last:
            name, rest = self.order[0].removeprefix("-"), self.order[1:]
            undated, rows = rows.filter(**{name: None}), rows.filter(**{f"{name}__isnull": False})
            if place and place[0] is None:
                undated, rows = undated.filter(beyond(rest, place[1:])), rows.none()
        yield (rows.filter(beyond(self.order, place)) if place and place[0] is not None else rows).order_by(*self.order)
        if self.undated_last:
            yield undated.order_by(*rest)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError(value)
    return moment


def _id(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MOST_ID:
        raise ValueError(value)
    return value
