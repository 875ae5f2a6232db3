"""Who brought a deal is an event; what a stage asks of a deal is a list of its fields."""

from django.db import migrations

from alignment.lib.append_only import append_only

CRITERIA = """
    UPDATE leads_stage SET criteria = jsonb_set(
        criteria, '{deal}', CASE WHEN key = 'sqo' THEN '["amount", "expected_close_on"]'::jsonb ELSE '["amount"]' END
    )
    WHERE criteria->'deal' = 'true'
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0016_deals")]

    operations = [append_only("leads_sourcing"), migrations.RunSQL(CRITERIA, migrations.RunSQL.noop)]
