"""What the page of promises asks of clocks is answered by indexes alone: what was due by rule, and what is owed now."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sla", "0013_capacity")]

    operations = [
        RemoveIndexConcurrently("clock", "clock_by_due"),
        AddIndexConcurrently(
            "clock",
            models.Index(
                condition=models.Q(("cancelled_at", None)),
                fields=["due_at"],
                include=("stopped_at", "subject_kind", "lead", "pass_no", "excused_at", "policy"),
                name="clock_by_due",
            ),
        ),
        AddIndexConcurrently(
            "clock",
            models.Index(
                condition=models.Q(("cancelled_at", None), ("stopped_at", None)),
                fields=["due_at"],
                include=("policy", "lead", "pass_no", "started_at", "paused_until"),
                name="clock_running",
            ),
        ),
    ]
