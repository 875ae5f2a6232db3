"""Keyset pages: the rows behind a place in an order, found by an index however far down the place is."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Model, Q

Order = Sequence[str]
"""Columns as `order_by` takes them, all in one direction, the last of them unique: `("-moved_at", "-id")`."""

MOST_ID = 2**63 - 1


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


def from_text(text: str, order: Order) -> list[Any]:
    """The place that a text names: of each column an id or a moment. Raises ValueError for any other text."""
    place = orjson.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    if not isinstance(place, list) or len(place) != len(order):
        raise ValueError(text)
    return [_moment(value) if column.endswith("at") else _id(value) for column, value in zip(order, place, strict=True)]


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError(value)
    return moment


def _id(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MOST_ID:
        raise ValueError(value)
    return value
