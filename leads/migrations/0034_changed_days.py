"""Days on which journeys changed, told by triggers; and those of a deal's journeys where what it sells changes."""

from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Now

from alignment.lib.changed_days import tell_changed_days, told

DATES = ("entered_at", "mql_at", "accepted_at", "closed_at")

# Figures of new business leave out the journeys of other deals.
TELL_KINDS = f"""
CREATE FUNCTION leads_opportunity_changed_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {told(DATES, "SELECT {columns} FROM leads_journey WHERE opportunity_id = NEW.id")}
    RETURN NULL;
END $$;
CREATE TRIGGER leads_opportunity_changed_kind AFTER UPDATE OF kind ON leads_opportunity
    FOR EACH ROW WHEN (OLD.kind IS DISTINCT FROM NEW.kind) EXECUTE FUNCTION leads_opportunity_changed_days();
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0033_bulk_source")]

    operations = [
        migrations.CreateModel(
            name="ChangedDays",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "dated",
                    models.CharField(
                        choices=[
                            ("entered_at", "Entered"),
                            ("mql_at", "Became an MQL"),
                            ("accepted_at", "Accepted"),
                            ("closed_at", "Closed"),
                            ("due_at", "Answer due"),
                        ],
                        max_length=11,
                    ),
                ),
                ("first_on", models.DateField(null=True)),
                ("last_on", models.DateField(null=True)),
                ("written_by", models.BigIntegerField(help_text="The number of the transaction.")),
                ("recorded_at", models.DateTimeField(db_default=Now())),
            ],
            options={
                "indexes": [models.Index(fields=["written_by"], name="changed_days_by_transaction")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(("dated__in", ["entered_at", "mql_at", "accepted_at", "closed_at", "due_at"])),
                        name="changed_days_dated_known",
                    ),
                    models.CheckConstraint(
                        condition=Q(("first_on", None), ("last_on", None)) | Q(("first_on__lte", F("last_on"))),
                        name="changed_days_in_order",
                    ),
                ],
            },
        ),
        tell_changed_days("leads_journey", DATES),
        migrations.RunSQL(TELL_KINDS, "DROP FUNCTION leads_opportunity_changed_days() CASCADE"),
    ]
