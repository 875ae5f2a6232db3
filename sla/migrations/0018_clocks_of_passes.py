"""Clocks are joined with the journey of their pass, and how long an answer took is read from the index by due time."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0034_changed_days"), ("sla", "0017_known_keys_by_index")]

    operations = [
        migrations.AddField(
            "clock",
            "own_pass",
            models.ForeignObject(
                from_fields=["lead", "pass_no"],
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="leads.journey",
                to_fields=["lead", "pass_no"],
            ),
        ),
        RemoveIndexConcurrently("clock", "clock_by_due"),
        AddIndexConcurrently(
            "clock",
            models.Index(
                condition=models.Q(("cancelled_at", None)),
                fields=["due_at"],
                include=("started_at", "stopped_at", "subject_kind", "lead", "pass_no", "excused_at", "policy"),
                name="clock_by_due",
            ),
        ),
    ]
