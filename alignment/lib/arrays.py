"""PostgreSQL arrays as one literal: `{1,2,3}` for a parameter that the statement casts (`%s::bigint[]`).

A list that is handed to the driver becomes `ARRAY[1, 2, 3]`, an expression of fifty thousand constants which the driver
quotes, and PostgreSQL parses, one by one. A literal is a single constant.
"""

from collections.abc import Iterable
from contextlib import suppress
from types import NoneType

import orjson


def literal(values: Iterable[object]) -> str:
    """The array of these values; None is NULL."""
    listed = list(values)
    if set(map(type, listed)) <= _PLAIN:
        with suppress(orjson.JSONEncodeError):  # a number of more than 64 bits: let PostgreSQL say so
            return "{" + orjson.dumps(listed).decode()[1:-1] + "}"
    return "{" + ",".join(map(_element, listed)) + "}"


_PLAIN = {int, NoneType}
"""What JSON writes as PostgreSQL does. Most values are keys, fifty thousand of them."""


def _element(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    if value is None:
        return "NULL"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
