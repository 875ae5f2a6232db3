"""Open journeys, and those that carry no deal, are in no index of close dates and of deals: most journeys are both."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0045_leads_by_stage")]

    operations = [
        AddIndexConcurrently(
            model_name="journey",
            index=models.Index(
                models.F("opportunity"),
                condition=models.Q(("opportunity__isnull", False)),
                name="journey_by_opportunity",
            ),
        ),
        migrations.AlterField(
            model_name="journey",
            name="opportunity",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="journeys",
                to="leads.opportunity",
            ),
        ),
        RemoveIndexConcurrently(model_name="journey", name="journey_closed"),
        AddIndexConcurrently(
            model_name="journey",
            index=models.Index(
                models.F("closed_at"),
                condition=models.Q(("closed_at__isnull", False)),
                include=(
                    "reached", "outcome", "reason", "accepted_at", "pass_no", "is_primary", "opportunity", "source",
                    "campaign", "segment", "territory", "owner", "team",
                ),
                name="journey_closed",
            ),
        ),
    ]  # fmt: skip
