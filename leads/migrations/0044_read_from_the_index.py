"""Lists of passes, what profiles win, and passes without a date are read from indexes, without a row."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0043_journeys_by_owner")]

    operations = [
        RemoveIndexConcurrently(
            model_name="journey",
            name="journey_qualified",
        ),
        RemoveIndexConcurrently(
            model_name="journey",
            name="journey_cohort",
        ),
        RemoveIndexConcurrently(
            model_name="lead",
            name="lead_by_account",
        ),
        AddIndexConcurrently(
            model_name="journey",
            index=models.Index(
                fields=["entered_at"],
                include=(
                    "reached",
                    "outcome",
                    "is_primary",
                    "pass_no",
                    "mgl_at",
                    "mql_at",
                    "accepted_at",
                    "worked_at",
                    "sql_at",
                    "sqo_at",
                    "won_at",
                    "closed_at",
                    "opportunity",
                    "lead",
                    "id",
                    "source",
                    "campaign",
                    "segment",
                    "territory",
                    "owner",
                    "team",
                ),
                name="journey_cohort",
            ),
        ),
        AddIndexConcurrently(
            model_name="journey",
            index=models.Index(
                models.F("mql_at"),
                condition=models.Q(("mql_at__isnull", False)),
                include=(
                    "reached",
                    "outcome",
                    "is_primary",
                    "pass_no",
                    "mgl_at",
                    "accepted_at",
                    "opportunity",
                    "lead",
                    "source",
                    "campaign",
                    "segment",
                    "territory",
                    "owner",
                    "team",
                ),
                name="journey_qualified",
            ),
        ),
        AddIndexConcurrently(
            model_name="journey",
            index=models.Index(
                condition=models.Q(
                    ("mgl_at", None),
                    models.Q(("reached__gte", 3), ("sql_at", None)),
                    models.Q(("reached__gte", 4), ("sqo_at", None)),
                    models.Q(("reached__gte", 5), ("won_at", None)),
                    models.Q(("closed_at", None), models.Q(("outcome__in", ["", "won"]), _negated=True)),
                    _connector="OR",
                ),
                fields=["reached"],
                name="journey_undated",
            ),
        ),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("account__isnull", False)),
                fields=["account"],
                include=("id",),
                name="lead_by_account",
            ),
        ),
    ]
