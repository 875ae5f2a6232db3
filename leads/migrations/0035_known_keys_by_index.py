from django.db import migrations

import alignment.lib.set_keys
import leads.one_holder


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0034_changed_days"),
    ]

    operations = [
        alignment.lib.set_keys.RenewKnownKeys(),
        migrations.RemoveConstraint(model_name="holderinterval", name="holder_never_beside"),
        migrations.AddConstraint(
            model_name="holderinterval",
            constraint=leads.one_holder.HeldByOne(name="holder_never_beside"),
        ),
    ]
