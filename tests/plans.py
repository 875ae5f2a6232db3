"""How PostgreSQL would answer a statement."""

from django.db import connection


def plan(statement: str) -> str:
    """The plan, where a table is read whole only if no index can answer: the tables of a test are too small for the
    planner to care.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(line for (line,) in cursor.fetchall())
