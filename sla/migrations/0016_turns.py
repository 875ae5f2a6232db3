from django.db import migrations, models

from alignment.lib.append_only import append_only, filled_in

_APPEND_ONLY = append_only("sla_abovecapacity")


class Migration(migrations.Migration):
    dependencies = [("sla", "0015_changed_days")]

    operations = [
        migrations.RunSQL(_APPEND_ONLY.reverse_sql, _APPEND_ONLY.sql),
        migrations.AddField(
            model_name="abovecapacity",
            name="begins_on",
            field=models.DateField(help_text="The working day with a free place for it.", null=True),
        ),
        migrations.AddField(
            model_name="abovecapacity",
            name="begins_at",
            field=models.DateTimeField(help_text="When that day opened: from then on it is owed an answer.", null=True),
        ),
        migrations.AddIndex(
            model_name="abovecapacity",
            index=models.Index(
                condition=models.Q(("begins_on__isnull", False)),
                fields=["begins_on"],
                name="above_capacity_by_turn",
            ),
        ),
        migrations.AddConstraint(
            model_name="abovecapacity",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("begins_at", None), ("begins_on", None)),
                    models.Q(("begins_at__isnull", False), ("begins_on__gt", models.F("falls_on"))),
                    _connector="OR",
                ),
                name="above_capacity_begins_later",
            ),
        ),
        filled_in("sla_abovecapacity", "begins_on", "begins_at"),
    ]
