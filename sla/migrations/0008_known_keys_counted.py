from django.db import migrations

import alignment.lib.set_keys


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0007_agreements"),
    ]

    operations = [
        alignment.lib.set_keys.RenewKnownKeys(),
    ]
