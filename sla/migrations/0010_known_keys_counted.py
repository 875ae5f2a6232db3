from django.db import migrations

import alignment.lib.set_keys


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0009_clock_breach_found"),
    ]

    operations = [
        alignment.lib.set_keys.RenewKnownKeys(),
    ]
