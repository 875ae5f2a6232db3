"""The time, as the database has it: the one clock that all processes share."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The database's clock, which all writes and sweeps share: a machine whose own is wrong changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now
