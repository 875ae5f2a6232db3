"""How PostgreSQL answers a statement: by which plan, and how many rows of which table it reads for that."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import ProgrammingError, connection

GIVEN = "rows given to a trigger"


def plan(statement: str) -> str:
    """The plan, where a table is read whole only if no index can answer: the tables of a test are too small for the
    planner to care.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(line for (line,) in cursor.fetchall())


def as_new(*tables: str) -> None:
    """Take away from these tables, and from their indexes, what earlier tests wrote and took back: a planner counts it.

    Until the test is over; what refers to them is empty, too.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")


def rows_read(statement: str) -> Counter[str]:
    """Table → how many of its rows are looked at, found or not, when the statement is run."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        [[told]] = cursor.fetchall()
    return _rows_of(told[0])


def rows_read_while(call: Callable[[], object]) -> Counter[str]:
    """Table → how many of its rows are looked at while `call` runs, by triggers and functions too. Those that a
    statement hands to its trigger count as of the table `GIVEN`.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute("LOAD 'auto_explain'")
        except ProgrammingError:
            pytest.skip("only a superuser of the database may see the plans of triggers")
        for name, value in _EVERY_PLAN.items():
            cursor.execute(f"SET LOCAL {name} = {value}")
    assert connection.connection is not None
    kept, told = connection.connection.notices, list[str]()
    connection.connection.notices = told
    try:
        call()
    finally:
        connection.connection.notices = kept
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL auto_explain.log_min_duration = -1")
    plans = [json.loads(each[each.index("{") :]) for each in told if "plan:" in each]
    assert plans
    return sum(map(_rows_of, plans), Counter())


_EVERY_PLAN = {
    "auto_explain.log_min_duration": 0,
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "client_min_messages": "log",
}


def _rows_of(told: dict[str, Any]) -> Counter[str]:
    read: Counter[str] = Counter()
    for node in _nodes(told["Plan"]):
        if name := node.get("Relation Name") or ("Tuplestore" in node["Node Type"] and GIVEN):
            lost = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            read[name] += round((node["Actual Rows"] + lost) * node["Actual Loops"])
    return read


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)
