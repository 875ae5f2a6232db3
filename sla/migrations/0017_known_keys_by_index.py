from django.db import migrations

import alignment.lib.set_keys


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0016_turns"),
    ]

    operations = [
        alignment.lib.set_keys.RenewKnownKeys(),
    ]
