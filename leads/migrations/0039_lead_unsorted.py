"""The few leads without a segment or a territory are found by an index."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0038_nurture_by_index")]

    operations = [
        AddIndexConcurrently(
            "lead",
            models.Index(fields=["id"], condition=Q(segment=None) | Q(territory=None), name="lead_unsorted"),
        ),
    ]
