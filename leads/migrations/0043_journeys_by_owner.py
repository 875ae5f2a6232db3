"""How well somebody keeps the promise is asked with each look at their queue: their passes are read from an index."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0042_one_holder_by_index")]

    operations = [
        AddIndexConcurrently(
            "journey",
            models.Index(fields=["owner"], include=["lead", "pass_no"], name="journey_by_owner"),
        ),
    ]
