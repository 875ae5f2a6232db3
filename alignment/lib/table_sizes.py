"""How large PostgreSQL's planner takes a table to be, put right when a large set of rows was written.

ANALYZE counts no row of a transaction that goes on. What autovacuum analyzed amid a first large set is taken for empty
until it comes again, a minute later: meanwhile a join looks through all of the table for each row, and a page that
began then hangs for much longer.
"""

from functools import partial

from django.db import connection, transaction

MANY = 2_000
"""More than a request of the API brings. A wrong plan for fewer rows does little harm."""
LARGE = 5_000
"""More than a request writes: what comes in slices, by a job or a command."""


def grew(table: str, *, by: int) -> None:
    """So many rows were written: the table is analyzed if it is taken to hold fewer, once they are committed.

    A large set at once, too: then nobody plans anything in between, and no one analyzes the table until the commit.
    """
    if by >= LARGE and _is_taken_for_smaller(table, by):
        with connection.cursor() as cursor:
            cursor.execute(f'ANALYZE (SKIP_LOCKED) "{table}"')
    if by >= MANY:
        transaction.on_commit(partial(_put_right, table, by), robust=True)


def _put_right(table: str, rows: int) -> None:
    if _is_taken_for_smaller(table, rows):
        with transaction.atomic(), connection.cursor() as cursor:
            # Autovacuum gives way after a second. For what does not, nobody waits.
            cursor.execute("SET LOCAL lock_timeout = '3s'")
            cursor.execute(f'ANALYZE "{table}"')


def _is_taken_for_smaller(table: str, rows: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_class WHERE oid = %s::regclass AND reltuples < %s", [table, rows])
        return bool(cursor.rowcount)
