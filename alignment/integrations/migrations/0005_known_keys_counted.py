from django.db import migrations

import alignment.lib.set_keys


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0004_known_keys"),
    ]

    operations = [
        alignment.lib.set_keys.RenewKnownKeys(),
    ]
