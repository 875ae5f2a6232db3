"""Rejections, and what was reached at a time that nobody knows, are counted by indexes of their own."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0039_lead_unsorted")]

    operations = [
        AddIndexConcurrently(
            "journey",
            models.Index(
                F("closed_at"),
                include=[
                    "reached", "reason", "accepted_at", "lead", "pass_no", "opportunity",
                    "source", "campaign", "segment", "territory", "owner", "team",
                ],
                condition=Q(outcome="rejected"),
                name="journey_rejected",
            ),
        ),
        AddIndexConcurrently(
            "journey",
            models.Index(fields=["reached"], condition=Q(mql_at=None, reached__gte=2), name="journey_mql_undated"),
        ),
        AddIndexConcurrently(
            "journey",
            models.Index(
                fields=["reached"], condition=Q(accepted_at=None, reached__gte=3), name="journey_accepted_undated"
            ),
        ),
    ]  # fmt: skip
