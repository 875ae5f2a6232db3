from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0004_windows")]

    operations = [
        AddIndexConcurrently(
            "account",
            GinIndex(
                OpClass(Upper("name"), name="gin_trgm_ops"),
                OpClass(Upper("domain"), name="gin_trgm_ops"),
                name="account_search_trigrams",
            ),
        ),
    ]
