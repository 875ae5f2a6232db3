from django.db import migrations

import leads.one_holder


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0041_dates_of_milestones"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="holderinterval", name="holder_never_beside"),
        migrations.AddConstraint(
            model_name="holderinterval",
            constraint=leads.one_holder.HeldByOne(name="holder_never_beside"),
        ),
    ]
