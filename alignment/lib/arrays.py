"""PostgreSQL arrays as one literal: `{1,2,3}` for a parameter that the statement casts (`%s::bigint[]`).

A list that is handed to the driver becomes `ARRAY[1, 2, 3]`, an expression of fifty thousand constants which the driver
quotes, and PostgreSQL parses, one by one. A literal is a single constant.
"""

from collections.abc import Iterable


def literal(values: Iterable[object]) -> str:
    """The array of these values; None is NULL."""
    listed = list(values)
    as_text = str if set(map(type, listed)) <= {int} else _element  # most are keys, fifty thousand of them
    return "{" + ",".join(map(as_text, listed)) + "}"


def _element(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    if value is None:
        return "NULL"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
