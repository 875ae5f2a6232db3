"""Days on which clocks changed, told by triggers."""

from django.db import migrations

from alignment.lib.changed_days import tell_changed_days


class Migration(migrations.Migration):
    dependencies = [("leads", "0034_changed_days"), ("sla", "0014_promises_by_index")]

    operations = [tell_changed_days("sla_clock", ["due_at"])]
