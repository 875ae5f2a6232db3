"""Counts of several querysets at once."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


def counts_up_to(most: int, found: Sequence[QuerySet[Any]]) -> list[int]:
    """How many rows each finds, in order; none is counted beyond `most`. One query, or none for nothing."""
    parts: list[str] = []
    params: list[Any] = []
    for number, rows in enumerate(found):
        try:
            statement, given = rows.order_by().values("pk")[:most].query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(f"SELECT {number} AS number, count(*) FROM ({statement}) found")
        params += given
    if not parts:
        return [0] * len(found)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        counts: dict[int, int] = dict(cursor.fetchall())
    return [counts.get(number, 0) for number in range(len(found))]
