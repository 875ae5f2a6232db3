"""The clock of a pass is read from an index, without a row."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sla", "0019_whose_clocks_changed")]

    operations = [
        AddIndexConcurrently(
            model_name="clock",
            index=models.Index(
                fields=["lead", "pass_no"],
                include=("subject_kind", "started_at", "due_at", "stopped_at", "cancelled_at"),
                name="clock_of_pass",
            ),
        ),
        RemoveIndexConcurrently(model_name="clock", name="clock_by_lead"),
    ]
