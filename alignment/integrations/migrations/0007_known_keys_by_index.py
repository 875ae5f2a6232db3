from django.db import migrations

import alignment.lib.set_keys


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0006_withdrawn_touches"),
    ]

    operations = [
        alignment.lib.set_keys.RenewKnownKeys(),
    ]
