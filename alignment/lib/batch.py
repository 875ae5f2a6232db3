"""Rows in sets: one statement writes one row or fifty thousand.

The rows travel as JSON, column by column, and PostgreSQL gives them the table's own types, so the number of statements
does not depend on the number of rows. What all rows agree on, in a wide table most of it, travels once.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from alignment.lib import table_sizes

Row = dict[str, Any]


def to_json(values: Iterable[Any] | Row) -> str:
    """Rows or values as JSON. Decimals become strings (PostgreSQL reads them exactly); NUL is not text and is cut."""
    text = orjson.dumps(values if isinstance(values, dict) else list(values), default=_plain).decode()
    return _NUL.sub(r"\1", text) if "\\u0000" in text else text


# Not where the backslash is itself escaped: then somebody wrote these six characters.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written in a batch")


def insert(
    model: type[models.Model],
    rows: Sequence[Row],
    *,
    conflict: str = "",
    returning: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """Insert `rows` (column name → value, all with the same columns) in their order; one statement.

    `conflict` is the text of an ON CONFLICT clause, written by the caller and never by a user. Returns the
    `returning` columns of the rows that were inserted. Columns that a row leaves out get the database's default
    only for identity keys; name every column that has no null.
    """
    if not rows:
        return []
    columns = ", ".join(f'"{name}"' for name in rows[0])
    given = _given(model, rows)
    statement = f'INSERT INTO "{model._meta.db_table}" ({columns}) {given.query} {conflict}'
    if returning:
        statement += " RETURNING " + ", ".join(returning)
    with connection.cursor() as cursor:
        cursor.execute(statement, given.params)
        found = cursor.fetchall() if returning else []
    table_sizes.grew(model._meta.db_table, by=len(rows))
    return found


def update(
    model: type[models.Model],
    rows: Sequence[Row],
    *,
    key: Sequence[str] = ("id",),
    where_differs: Sequence[str] = (),
) -> int:
    """Set the columns of `rows` on the rows with the same `key`; one statement. Returns how many rows changed.

    With `where_differs` a row is written only where one of these columns has another value.
    """
    if not rows:
        return 0
    given = _given(model, rows)
    changes = ", ".join(f'"{name}" = given."{name}"' for name in rows[0] if name not in key)
    match = " AND ".join(f'target."{name}" = given."{name}"' for name in key)
    if where_differs:
        old, new = (", ".join(f'{side}."{name}"' for name in where_differs) for side in ("target", "given"))
        match += f" AND ({old}) IS DISTINCT FROM ({new})"
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{model._meta.db_table}" target SET {changes} FROM ({given.query}) given WHERE {match}',
            given.params,
        )
        changed: int = cursor.rowcount
        return changed


@dataclass(frozen=True, slots=True)
class _Given:
    """A query of the given rows, in their order and with the columns of the table, and its parameters."""

    query: str
    params: list[str | int]


def _given(model: type[models.Model], rows: Sequence[Row]) -> _Given:
    columns = {name: list(map(itemgetter(name), rows)) for name in rows[0]}
    shared = {name: values[0] for name, values in columns.items() if _agree(values)}
    varying = {name: values for name, values in columns.items() if name not in shared}
    typed = {name: _typed(model, name) for name in varying}
    chosen = ", ".join(f'{typed[name].value} AS "{name}"' if name in typed else f'shared."{name}"' for name in columns)
    unfolded = ", ".join(each.unfolded for each in typed.values())
    names = ", ".join(f'"{name}"' for name in typed)
    source = f"ROWS FROM ({unfolded}) AS varying({names})" if typed else "generate_series(1, %s)"
    return _Given(
        f'SELECT {chosen} FROM {source}, json_populate_record(NULL::"{model._meta.db_table}", %s::json) shared',
        [*(map(to_json, varying.values()) if typed else [len(rows)]), to_json(shared)],
    )


def _agree(values: Sequence[Any]) -> bool:
    """Whether all are the same. Documents are not compared: in Python {"a": 1} equals {"a": True}."""
    first = values[0]
    is_document = isinstance(first, dict | list) and bool(first)
    return len(values) == 1 or (not is_document and values.count(first) == len(values))


class _Typed(NamedTuple):
    """How a column's JSON array becomes rows, and each of its elements a value of the column's type."""

    unfolded: str
    value: str


def _typed(model: type[models.Model], name: str) -> _Typed:
    field: Any = model._meta.get_field(name)
    each = f'varying."{name}"'
    type_ = field.db_type(connection)
    if type_ == "jsonb":
        return _Typed("json_array_elements(%s::json)", f"nullif({each}::text, 'null')::jsonb")
    if isinstance(field, ArrayField):
        array = f"ARRAY(SELECT json_array_elements_text({each}))::{type_}"
        return _Typed("json_array_elements(%s::json)", f"CASE WHEN json_typeof({each}) = 'array' THEN {array} END")
    # A cast cuts a text that is too long; without one it is an error.
    is_text = type_.startswith(("varchar", "text"))
    return _Typed("json_array_elements_text(%s::json)", each if is_text else f"{each}::{type_}")
