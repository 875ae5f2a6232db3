"""Published versions of stages stand as they are, and so do the signatures under them."""

from django.db import migrations

from alignment.lib.append_only import append_only, published_stands


class Migration(migrations.Migration):
    dependencies = [("leads", "0025_stage_versions")]

    operations = [published_stands("leads_stageversion"), append_only("leads_stagesignature")]
