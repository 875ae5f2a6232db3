"""How PostgreSQL answers a statement: by which plan, and how many rows of which table it reads for that."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db import connection


def plan(statement: str) -> str:
    """The plan, where a table is read whole only if no index can answer: the tables of a test are too small for the
    planner to care.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(line for (line,) in cursor.fetchall())


def rows_read(statement: str) -> Counter[str]:
    """Table → how many of its rows are looked at, found or not, when the statement is run."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        [[told]] = cursor.fetchall()
    read: Counter[str] = Counter()
    for node in _nodes(told[0]["Plan"]):
        if "Relation Name" in node:
            lost = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            read[node["Relation Name"]] += round((node["Actual Rows"] + lost) * node["Actual Loops"])
    return read


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)
