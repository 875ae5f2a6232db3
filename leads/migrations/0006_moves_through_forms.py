from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

SOURCES = [
    ("page", "Page"),
    ("api", "API"),
    ("form", "Web form"),
    ("import", "Import"),
    ("rule", "Rule"),
    ("demo", "Demo data"),
]


class Migration(migrations.Migration):
    # The rows that stand are checked without holding up writers.
    atomic = False

    dependencies = [("leads", "0005_account_search")]

    operations = [
        migrations.RemoveConstraint(model_name="leadtransition", name="transition_source_known"),
        migrations.AlterField(
            model_name="leadtransition",
            name="source",
            field=models.CharField(choices=SOURCES, max_length=6),
        ),
        AddConstraintNotValid(
            model_name="leadtransition",
            constraint=models.CheckConstraint(
                condition=Q(source__in=[key for key, _ in SOURCES]), name="transition_source_known"
            ),
        ),
        ValidateConstraint(model_name="leadtransition", name="transition_source_known"),
    ]
