"""All moves in the order in which they were recorded, so that a reader who goes on from the last one misses none."""

from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from leads.models import LeadTransition

ORDER = ("recorded_at", "id")

# Who writes took their time after their transaction began: before that moment nothing can turn up any more.
_SETTLED = """
    SELECT least(clock_timestamp(), min(xact_start)) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""


def settled_before() -> datetime:
    """Before this moment no further move will be recorded; one query, to be asked before the moves are read."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED)
        moment: datetime = cursor.fetchone()[0]
        return moment


def moves() -> QuerySet[LeadTransition]:
    """The moves that are settled; a long write holds back the ones after its beginning until it has ended."""
    return LeadTransition.objects.filter(recorded_at__lt=settled_before())
