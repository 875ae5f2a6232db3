"""Who came to a milestone in a period is found by that date, and whose accounts they are by the entry, without a row."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

FACETS = ("source", "campaign", "segment", "territory", "owner", "team")


def dated(name: str, milestone: str, before: str) -> AddIndexConcurrently:
    index = models.Index(
        F(f"{milestone}_at"),
        include=["reached", "outcome", "is_primary", "pass_no", before, "opportunity", *FACETS],
        condition=Q(**{f"{milestone}_at__isnull": False}),
        name=name,
    )
    return AddIndexConcurrently("journey", index)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0040_promises_of_all_time")]

    operations = [
        dated("journey_sql", "sql", "mql_at"),
        dated("journey_sqo", "sqo", "sql_at"),
        dated("journey_won", "won", "sqo_at"),
        RemoveIndexConcurrently("journey", "journey_qualified"),
        dated("journey_qualified", "mql", "mgl_at"),
        RemoveIndexConcurrently("journey", "journey_cohort"),
        AddIndexConcurrently(
            "journey",
            models.Index(
                fields=["entered_at"],
                include=[
                    "reached", "outcome", "is_primary", "pass_no", "mgl_at", "mql_at", "accepted_at", "worked_at",
                    "sql_at", "sqo_at", "won_at", "closed_at", "opportunity", "lead", *FACETS,
                ],
                name="journey_cohort",
            ),
        ),
    ]  # fmt: skip
