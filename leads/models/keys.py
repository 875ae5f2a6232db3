"""Foreign keys whose values were checked where they came from."""

from django.db import models


def copied(to: str, *, null: bool = False, related_name: str = "+") -> models.ForeignKey:  # type: ignore[type-arg]
    """A key derived from rows that hold it under a foreign-key constraint: moves, holders, the lead itself.

    The verbs write both in one transaction and `manage.py verify` compares them. PostgreSQL checks a constraint row by
    row when the transaction ends: to check the copies again would cost a third of what a write takes.
    """
    return models.ForeignKey(
        to, models.PROTECT, null=null, related_name=related_name, db_index=False, db_constraint=False
    )
