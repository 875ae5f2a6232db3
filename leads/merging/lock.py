"""Matching and merging exclude each other: a lead that somebody was matched with is still there when it is written.

Both locks last until the end of the transaction, and are taken before any lead is locked.
"""

from django.db import connection

_NAME = "accord.merging"


def while_matching() -> None:
    """Let nobody merge leads until this transaction ends; any number may match at the same time."""
    _lock("pg_advisory_xact_lock_shared")


def while_merging() -> None:
    """Wait for those who match, and let nobody else match or merge until this transaction ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtext(%s))", [_NAME])
