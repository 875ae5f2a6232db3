"""Moves and deal changes are events: their rows are never changed."""

from django.db import migrations

from alignment.lib.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_lifecycle")]

    operations = [append_only("leads_leadtransition"), append_only("leads_opportunitychange")]
