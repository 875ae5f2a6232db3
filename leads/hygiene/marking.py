"""Which leads must be looked at again: new ones and those whose facts changed. Looking itself comes later (`scanning`),
so that its cost is not that of the write.
"""

from collections.abc import Collection

from django.db import connection
from django.db.models import Q, QuerySet

from alignment.lib import arrays, table_sizes
from leads.models import DuplicatePair

# In the order of their keys, as the scan locks them: two writers never wait for each other in a ring.
_MARK = """
    INSERT INTO leads_leadkeys (lead_id) SELECT pk FROM unnest(%s::bigint[]) AS given(pk) ORDER BY pk
    ON CONFLICT (lead_id) DO UPDATE SET is_stale = true WHERE NOT leads_leadkeys.is_stale
"""
_FORGET = """
    DELETE FROM leads_leadkeys WHERE lead_id IN (
        SELECT lead_id FROM leads_leadkeys WHERE lead_id = ANY(%s::bigint[]) ORDER BY lead_id FOR UPDATE
    )
"""


def mark(lead_ids: Collection[int]) -> None:
    """Let these leads be looked at; one statement."""
    if lead_ids:
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [arrays.literal(lead_ids)])
        table_sizes.grew("leads_leadkeys", by=len(lead_ids))


def forget(lead_ids: Collection[int]) -> None:
    """These leads do not stand any more: they have no keys, and are nobody's duplicates. Two statements."""
    if lead_ids:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [arrays.literal(lead_ids)])
        undecided(lead_ids).delete()


def undecided(lead_ids: Collection[int]) -> QuerySet[DuplicatePair]:
    """The pairs around these leads that nobody has dismissed."""
    around = Q(first_id__any_of=lead_ids) | Q(second_id__any_of=lead_ids)
    return DuplicatePair.objects.filter(around, dismissed_at=None)
