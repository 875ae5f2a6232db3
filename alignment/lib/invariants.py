"""Invariants: sentences about all rows, each with the SQL that finds the rows which break it."""

from collections.abc import Mapping

from django.db import connection

Invariants = Mapping[str, str]
"""Sentence → a SELECT that returns no rows while the sentence is true."""


def count_broken(invariants: Invariants) -> dict[str, int]:
    """Sentence → how many rows break it."""
    return {sentence: _count(statement) for sentence, statement in invariants.items()}


def _count(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({statement}) AS broken")
        return int(cursor.fetchone()[0])
