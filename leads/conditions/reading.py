"""Which leads meet which conditions: one statement for any number of both."""

from collections.abc import Collection, Sequence

from django.db import connection
from django.db.models.expressions import RawSQL

from alignment.lib import arrays
from leads.conditions.language import Group
from leads.conditions.sql import compiled, from_leads


def met_by(conditions: Sequence[Group], lead_ids: Collection[int]) -> dict[int, list[int]]:
    """For each of these leads the indexes of the conditions that it meets, in order; one query."""
    if not conditions or not lead_ids:
        return {lead_id: [] for lead_id in lead_ids}
    tests = [compiled(condition) for condition in conditions]
    cases = ", ".join(f"CASE WHEN {test.text} THEN {index} END" for index, test in enumerate(tests))
    aliases = frozenset().union(*(test.aliases for test in tests))
    statement = (
        f"SELECT lead.id, array_remove(ARRAY[{cases}]::int[], NULL) FROM {from_leads(aliases)} "
        "WHERE lead.id = ANY(%s::bigint[])"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*(param for test in tests for param in test.params), arrays.literal(lead_ids)])
        return dict(cursor.fetchall())


def leads_that_meet(condition: Group) -> RawSQL:
    """The keys of the leads that meet the condition, as a subquery: `Lead.objects.filter(pk__in=…)`."""
    test = compiled(condition)
    return RawSQL(f"SELECT lead.id FROM {from_leads(test.aliases)} WHERE {test.text}", test.params)  # noqa: S611


def accounts_that_meet(condition: Group) -> RawSQL:
    """The keys of the accounts that meet a condition about accounts alone, as a subquery."""
    test = compiled(condition)
    return RawSQL(f"SELECT account.id FROM leads_account account WHERE {test.text}", test.params)  # noqa: S611
