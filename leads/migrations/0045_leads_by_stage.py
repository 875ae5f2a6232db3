"""How many leads stand in each stage is counted from an index, without a row."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0044_read_from_the_index")]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("merged_into", None), ("outcome", ""), ("withdrawn_at", None)),
                fields=["stage"],
                name="lead_standing",
            ),
        ),
    ]
