"""The lifecycle: leads, their moves and journeys, accounts, deals, touchpoints."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.contrib.postgres.operations import BtreeGinExtension, BtreeGistExtension, TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("people", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        TrigramExtension(),
        BtreeGinExtension(),
        BtreeGistExtension(),
        migrations.CreateModel(
            name="Lead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=200)),
                ("email", models.CharField(blank=True, help_text="As it was given.", max_length=320)),
                (
                    "email_key",
                    models.CharField(blank=True, help_text="Normalised; finds the lead again.", max_length=320),
                ),
                ("email_domain", models.CharField(blank=True, max_length=253)),
                ("phone", models.CharField(blank=True, max_length=60)),
                ("title", models.CharField(blank=True, max_length=160)),
                ("seniority", models.CharField(blank=True, max_length=40)),
                ("company_name", models.CharField(blank=True, max_length=200)),
                ("product_interest", models.CharField(blank=True, max_length=120)),
                (
                    "consent",
                    models.CharField(
                        choices=[("unknown", "Not asked"), ("granted", "Agreed"), ("withdrawn", "Withdrawn")],
                        default="unknown",
                        max_length=9,
                    ),
                ),
                ("do_not_contact", models.BooleanField(default=False)),
                (
                    "attributes",
                    models.JSONField(blank=True, default=dict, help_text="Further columns of an import, as they came."),
                ),
                (
                    "milestone",
                    models.IntegerField(
                        choices=[
                            (1, "Marketing generated"),
                            (2, "Marketing qualified"),
                            (3, "Sales accepted"),
                            (4, "Sales opportunity"),
                            (5, "Customer"),
                        ]
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("won", "Won"),
                            ("lost", "Lost"),
                            ("rejected", "Rejected"),
                            ("recycled", "Recycled to nurture"),
                            ("merged", "Merged into another lead"),
                            ("attached", "Joined an open deal"),
                        ],
                        max_length=8,
                    ),
                ),
                ("pass_no", models.PositiveIntegerField(default=1)),
                ("last_seq", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("moved_at", models.DateTimeField(help_text="When the newest move was recorded.")),
            ],
        ),
        migrations.CreateModel(
            name="LeadTransition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pass_no", models.PositiveIntegerField()),
                ("seq", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("advance", "Advanced"),
                            ("accept", "Accepted"),
                            ("reject", "Rejected"),
                            ("recycle", "Recycled"),
                            ("requalify", "Requalified"),
                            ("win", "Won"),
                            ("lose", "Lost"),
                            ("reopen", "Reopened"),
                            ("attach", "Joined a deal"),
                            ("merge", "Merged"),
                            ("undo", "Undone"),
                            ("correct", "Corrected"),
                        ],
                        max_length=9,
                    ),
                ),
                ("at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("page", "Page"),
                            ("api", "API"),
                            ("import", "Import"),
                            ("rule", "Rule"),
                            ("demo", "Demo data"),
                        ],
                        max_length=6,
                    ),
                ),
                (
                    "qualified_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("score", "Score"),
                            ("hand_raise", "Raised a hand"),
                            ("manual", "By hand"),
                            ("import", "Imported"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "confirmations",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                (
                    "is_override",
                    models.BooleanField(default=False, help_text="Moved although the entry criteria did not hold."),
                ),
                ("revisit_on", models.DateField(null=True)),
                (
                    "entry",
                    models.JSONField(
                        help_text="On a row that opens a pass: the source, campaign, segment and territory frozen then.",
                        null=True,
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "corrects",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrected_by",
                        to="leads.leadtransition",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="NurtureTrack",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=80)),
                ("revisit_after_days", models.PositiveIntegerField(default=90)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Territory",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                (
                    "name_key",
                    models.CharField(help_text="The normalised name; unique where there is no domain.", max_length=200),
                ),
                ("domain", models.CharField(blank=True, max_length=253)),
                ("industry", models.CharField(blank=True, max_length=120)),
                ("employees", models.PositiveIntegerField(blank=True, null=True)),
                ("annual_revenue", models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True)),
                ("country", models.CharField(blank=True, max_length=80)),
                ("created_at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=160)),
                (
                    "runs_on",
                    django.contrib.postgres.fields.ranges.DateRangeField(
                        blank=True, help_text="First day to last day, both included.", null=True
                    ),
                ),
                ("cost", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to="leads.source",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="LeadSearch",
            fields=[
                (
                    "lead",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search",
                        serialize=False,
                        to="leads.lead",
                    ),
                ),
                ("text", models.TextField(help_text="Name, e-mail and company, in one line.")),
            ],
        ),
        migrations.AddField(
            model_name="lead",
            name="account",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="leads",
                to="leads.account",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="campaign",
            field=models.ForeignKey(
                blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="leads.campaign"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="leads.lead",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="leads",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="team",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="people.team",
            ),
        ),
        migrations.CreateModel(
            name="HolderInterval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("held", django.contrib.postgres.fields.ranges.DateTimeRangeField(help_text="[from, to)")),
                ("why", models.CharField(blank=True, max_length=200)),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holdings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holders",
                        to="leads.lead",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TransitionNote",
            fields=[
                (
                    "transition",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="note",
                        serialize=False,
                        to="leads.leadtransition",
                    ),
                ),
                ("text", models.TextField(max_length=4000)),
            ],
        ),
        migrations.AddField(
            model_name="leadtransition",
            name="lead",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="transitions", to="leads.lead"
            ),
        ),
        migrations.AddField(
            model_name="leadtransition",
            name="reverts",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reverted_by",
                to="leads.leadtransition",
            ),
        ),
        migrations.AddField(
            model_name="leadtransition",
            name="track",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.nurturetrack",
            ),
        ),
        migrations.CreateModel(
            name="Opportunity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[("new", "New business"), ("expansion", "Expansion"), ("renewal", "Renewal")],
                        default="new",
                        max_length=9,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")], default="open", max_length=4
                    ),
                ),
                ("product", models.CharField(blank=True, max_length=120)),
                ("amount", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("currency", models.CharField(max_length=3)),
                ("rate", models.DecimalField(decimal_places=8, default=1, max_digits=18)),
                (
                    "base_amount",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("amount"), "*", models.F("rate")
                        ),
                        output_field=models.DecimalField(decimal_places=2, max_digits=14, null=True),
                    ),
                ),
                ("expected_close_on", models.DateField(blank=True, null=True)),
                (
                    "sourced_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("marketing", "Marketing"),
                            ("sales", "Sales"),
                            ("partner", "Partner"),
                            ("customer", "Existing customer"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "opened_at",
                    models.DateTimeField(
                        help_text="When it became an SQO; null where history does not say.", null=True
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opportunities",
                        to="leads.account",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opportunities",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="leadtransition",
            name="opportunity",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.opportunity",
            ),
        ),
        migrations.CreateModel(
            name="ExternalReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("system", models.CharField(max_length=40)),
                ("external_id", models.CharField(max_length=200)),
                ("url", models.URLField(blank=True, max_length=500)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="references",
                        to="leads.account",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="references",
                        to="leads.lead",
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="references",
                        to="leads.opportunity",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OpportunityChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
                ("field", models.CharField(max_length=20)),
                ("old", models.CharField(blank=True, max_length=200)),
                ("new", models.CharField(blank=True, max_length=200)),
                ("currency", models.CharField(max_length=3)),
                ("rate", models.DecimalField(decimal_places=8, max_digits=18)),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="leads.opportunity"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OpportunityContact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(blank=True, max_length=60)),
                ("is_primary", models.BooleanField(default=False)),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="contact_roles", to="leads.lead"
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="contacts", to="leads.opportunity"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reason",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=40)),
                (
                    "kind",
                    models.CharField(
                        choices=[("reject", "Rejection"), ("recycle", "Recycling"), ("lose", "Lost deal")], max_length=7
                    ),
                ),
                ("label", models.CharField(max_length=80)),
                ("position", models.PositiveIntegerField(default=0)),
                ("counts_as_miss", models.BooleanField(default=False)),
                ("proposes_recycle", models.BooleanField(default=False)),
                ("is_offered", models.BooleanField(default=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["kind", "position", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "key"), name="reason_key_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["reject", "recycle", "lose"])), name="reason_kind_known"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="leadtransition",
            name="reason",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.reason",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="segment",
            field=models.ForeignKey(
                blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="leads.segment"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="source",
            field=models.ForeignKey(
                blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="leads.source"
            ),
        ),
        migrations.CreateModel(
            name="Stage",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "milestone",
                    models.IntegerField(
                        choices=[
                            (1, "Marketing generated"),
                            (2, "Marketing qualified"),
                            (3, "Sales accepted"),
                            (4, "Sales opportunity"),
                            (5, "Customer"),
                        ]
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                (
                    "owning_side",
                    models.CharField(choices=[("marketing", "Marketing"), ("sales", "Sales")], max_length=9),
                ),
                ("definition", models.TextField(blank=True, help_text="The written definition that both heads sign.")),
                ("criteria", models.JSONField(blank=True, default=dict)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("milestone__in", [1, 2, 3, 4, 5])), name="stage_milestone_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("owning_side__in", ["marketing", "sales"])), name="stage_side_known"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at", None)), fields=("position",), name="stage_position_unique"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="leadtransition",
            name="from_stage",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.stage",
            ),
        ),
        migrations.AddField(
            model_name="leadtransition",
            name="to_stage",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.stage",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="stage",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="leads", to="leads.stage"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="territory",
            field=models.ForeignKey(
                blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="leads.territory"
            ),
        ),
        migrations.CreateModel(
            name="Journey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pass_no", models.PositiveIntegerField()),
                (
                    "reached",
                    models.IntegerField(
                        choices=[
                            (1, "Marketing generated"),
                            (2, "Marketing qualified"),
                            (3, "Sales accepted"),
                            (4, "Sales opportunity"),
                            (5, "Customer"),
                        ]
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("won", "Won"),
                            ("lost", "Lost"),
                            ("rejected", "Rejected"),
                            ("recycled", "Recycled to nurture"),
                            ("merged", "Merged into another lead"),
                            ("attached", "Joined an open deal"),
                        ],
                        max_length=8,
                    ),
                ),
                ("mgl_at", models.DateTimeField(null=True)),
                ("mql_at", models.DateTimeField(null=True)),
                ("accepted_at", models.DateTimeField(null=True)),
                ("worked_at", models.DateTimeField(null=True)),
                ("sql_at", models.DateTimeField(null=True)),
                ("sqo_at", models.DateTimeField(null=True)),
                ("won_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "ended_at",
                    models.DateTimeField(help_text="When Accord learnt that the pass had ended.", null=True),
                ),
                (
                    "entered_at",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Coalesce(
                            "mgl_at", "mql_at", "sql_at", "sqo_at", "won_at"
                        ),
                        output_field=models.DateTimeField(null=True),
                    ),
                ),
                (
                    "qualified_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("score", "Score"),
                            ("hand_raise", "Raised a hand"),
                            ("manual", "By hand"),
                            ("import", "Imported"),
                        ],
                        max_length=10,
                    ),
                ),
                ("revisit_on", models.DateField(null=True)),
                ("is_primary", models.BooleanField(default=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.campaign",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.team",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="journeys",
                        to="leads.lead",
                    ),
                ),
                (
                    "track",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.nurturetrack",
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="journeys",
                        to="leads.opportunity",
                    ),
                ),
                (
                    "reason",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.reason",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.segment",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.source",
                    ),
                ),
                (
                    "stage",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.stage",
                    ),
                ),
                (
                    "territory",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.territory",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Touchpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        help_text="What happened, e.g. form, visit, webinar, call, e-mail.", max_length=40
                    ),
                ),
                ("title", models.CharField(help_text="What a timeline says, e.g. “Asked for a demo”.", max_length=200)),
                (
                    "direction",
                    models.CharField(
                        choices=[("inbound", "From the buyer"), ("outbound", "By sales"), ("intent", "Intent signal")],
                        default="inbound",
                        max_length=8,
                    ),
                ),
                ("is_human", models.BooleanField(default=True)),
                ("is_engaged", models.BooleanField(default=True)),
                ("is_hand_raise", models.BooleanField(default=False, help_text="The buyer asked to talk to sales.")),
                ("system", models.CharField(blank=True, max_length=40)),
                ("external_id", models.CharField(blank=True, max_length=200)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="leads.campaign",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="leads.source",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="touchpoints",
                        to="leads.lead",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["name_key"], name="account_name_key"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("domain", ""), _negated=True), fields=("domain",), name="account_domain_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("domain", "")), fields=("name_key",), name="account_name_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("name_key", ""), _negated=True), name="account_has_name_key"
            ),
        ),
        migrations.AddIndex(
            model_name="leadsearch",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("text"), name="gin_trgm_ops"
                ),
                name="lead_search_trigrams",
            ),
        ),
        migrations.AddConstraint(
            model_name="holderinterval",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("lead", "="), ("held", "&&")], name="holder_never_two"
            ),
        ),
        migrations.AddConstraint(
            model_name="holderinterval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("held__upper_inf", True)), fields=("lead",), name="holder_one_now"
            ),
        ),
        migrations.AddConstraint(
            model_name="holderinterval",
            constraint=models.CheckConstraint(condition=models.Q(("held__isempty", False)), name="holder_not_empty"),
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(fields=["state", "closed_at"], name="deal_by_close"),
        ),
        migrations.AddConstraint(
            model_name="opportunity",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["new", "expansion", "renewal"])), name="deal_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="opportunity",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "won", "lost"])), name="deal_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="opportunity",
            constraint=models.CheckConstraint(
                condition=models.Q(("sourced_by__in", ["", "marketing", "sales", "partner", "customer"])),
                name="deal_sourced_by_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="opportunity",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", None), ("amount__gte", 0), _connector="OR"),
                name="deal_amount_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="opportunity",
            constraint=models.CheckConstraint(condition=models.Q(("rate__gt", 0)), name="deal_rate_positive"),
        ),
        migrations.AddConstraint(
            model_name="opportunity",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("state", "open"), _negated=True), ("closed_at", None), _connector="OR"),
                name="deal_open_has_no_close_date",
            ),
        ),
        migrations.AddIndex(
            model_name="externalreference",
            index=models.Index(condition=models.Q(("lead__isnull", False)), fields=["lead"], name="reference_by_lead"),
        ),
        migrations.AddIndex(
            model_name="externalreference",
            index=models.Index(
                condition=models.Q(("account__isnull", False)), fields=["account"], name="reference_by_account"
            ),
        ),
        migrations.AddIndex(
            model_name="externalreference",
            index=models.Index(
                condition=models.Q(("opportunity__isnull", False)),
                fields=["opportunity"],
                name="reference_by_opportunity",
            ),
        ),
        migrations.AddConstraint(
            model_name="externalreference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("account", None), ("lead__isnull", False), ("opportunity", None)),
                    models.Q(("account__isnull", False), ("lead", None), ("opportunity", None)),
                    models.Q(("account", None), ("lead", None), ("opportunity__isnull", False)),
                    _connector="OR",
                ),
                name="reference_names_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="externalreference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("system", ""), _negated=True), models.Q(("external_id", ""), _negated=True)
                ),
                name="reference_not_blank",
            ),
        ),
        migrations.AddConstraint(
            model_name="externalreference",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lead__isnull", False)),
                fields=("system", "external_id"),
                include=("lead",),
                name="reference_lead_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="externalreference",
            constraint=models.UniqueConstraint(
                condition=models.Q(("account__isnull", False)),
                fields=("system", "external_id"),
                include=("account",),
                name="reference_account_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="externalreference",
            constraint=models.UniqueConstraint(
                condition=models.Q(("opportunity__isnull", False)),
                fields=("system", "external_id"),
                include=("opportunity",),
                name="reference_opportunity_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="opportunitycontact",
            constraint=models.UniqueConstraint(fields=("opportunity", "lead"), name="contact_role_unique"),
        ),
        migrations.AddConstraint(
            model_name="opportunitycontact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_primary", True)), fields=("opportunity",), name="contact_one_primary"
            ),
        ),
        migrations.AddIndex(
            model_name="campaign",
            index=models.Index(django.db.models.functions.text.Lower("name"), name="campaign_name_lower"),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("cost__isnull", True),
                    models.Q(("cost__gte", 0), models.Q(("currency", ""), _negated=True)),
                    _connector="OR",
                ),
                name="campaign_cost_has_currency",
            ),
        ),
        migrations.AddIndex(
            model_name="leadtransition",
            index=models.Index(
                condition=models.Q(("is_override", True)), fields=["is_override"], name="transition_overrides"
            ),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.UniqueConstraint(fields=("lead", "seq"), name="transition_seq_unique"),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reverts__isnull", False)), fields=("reverts",), name="transition_reverted_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "advance",
                            "accept",
                            "reject",
                            "recycle",
                            "requalify",
                            "win",
                            "lose",
                            "reopen",
                            "attach",
                            "merge",
                            "undo",
                            "correct",
                        ],
                    )
                ),
                name="transition_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.CheckConstraint(
                condition=models.Q(("source__in", ["page", "api", "import", "rule", "demo"])),
                name="transition_source_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["reject", "lose"]), _negated=True),
                    ("reason__isnull", False),
                    _connector="OR",
                ),
                name="transition_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.CheckConstraint(
                condition=models.Q(("at__isnull", False), ("source", "import"), ("kind", "correct"), _connector="OR"),
                name="transition_undated_only_in_history",
            ),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "undo"), ("reverts__isnull", False)),
                    models.Q(models.Q(("kind", "undo"), _negated=True), ("reverts", None)),
                    _connector="OR",
                ),
                name="transition_undo_reverts",
            ),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("corrects__isnull", False), ("kind", "correct")),
                    models.Q(models.Q(("kind", "correct"), _negated=True), ("corrects", None)),
                    _connector="OR",
                ),
                name="transition_correct_corrects",
            ),
        ),
        migrations.AddConstraint(
            model_name="leadtransition",
            constraint=models.CheckConstraint(
                condition=models.Q(("to_stage__isnull", False), ("kind", "undo"), _connector="OR"),
                name="transition_has_target",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.OrderBy(models.F("moved_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="lead_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("owner"),
                models.F("outcome"),
                models.F("milestone"),
                models.OrderBy(models.F("moved_at"), descending=True),
                name="lead_by_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                models.F("team"),
                models.F("outcome"),
                models.F("milestone"),
                models.OrderBy(models.F("moved_at"), descending=True),
                name="lead_by_team",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["milestone", "stage", "source", "campaign", "segment", "territory", "owner", "team"],
                name="lead_facets",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("account__isnull", False)), fields=["account"], name="lead_by_account"
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)), fields=["merged_into"], name="lead_merged"
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.UniqueConstraint(
                condition=models.Q(models.Q(("email_key", ""), _negated=True), ("merged_into", None)),
                fields=("email_key",),
                name="lead_email_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(("milestone__in", [1, 2, 3, 4, 5])), name="lead_milestone_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["", "won", "lost", "rejected", "recycled", "merged", "attached"])),
                name="lead_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(("consent__in", ["unknown", "granted", "withdrawn"])), name="lead_consent_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into", None), models.Q(("merged_into", models.F("id")), _negated=True), _connector="OR"
                ),
                name="lead_not_merged_into_itself",
            ),
        ),
        migrations.AddIndex(
            model_name="journey",
            index=models.Index(
                fields=["entered_at"],
                include=(
                    "reached",
                    "outcome",
                    "is_primary",
                    "pass_no",
                    "mgl_at",
                    "mql_at",
                    "accepted_at",
                    "worked_at",
                    "sql_at",
                    "sqo_at",
                    "won_at",
                    "closed_at",
                    "opportunity",
                    "source",
                    "campaign",
                    "segment",
                    "territory",
                    "owner",
                    "team",
                ),
                name="journey_cohort",
            ),
        ),
        migrations.AddIndex(
            model_name="journey",
            index=models.Index(
                models.F("closed_at"),
                include=("reached", "outcome", "reason", "source", "campaign", "segment", "territory", "owner", "team"),
                name="journey_closed",
            ),
        ),
        migrations.AddIndex(
            model_name="journey",
            index=models.Index(
                models.F("revisit_on"), condition=models.Q(("revisit_on__isnull", False)), name="journey_revisit"
            ),
        ),
        migrations.AddConstraint(
            model_name="journey",
            constraint=models.UniqueConstraint(fields=("lead", "pass_no"), name="journey_pass_unique"),
        ),
        migrations.AddConstraint(
            model_name="journey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("outcome", "")), fields=("lead",), name="journey_one_open_pass"
            ),
        ),
        migrations.AddConstraint(
            model_name="journey",
            constraint=models.CheckConstraint(
                condition=models.Q(("reached__in", [1, 2, 3, 4, 5])), name="journey_reached_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="journey",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["", "won", "lost", "rejected", "recycled", "merged", "attached"])),
                name="journey_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="journey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "won"), ("reached", 5)),
                    models.Q(models.Q(("outcome", "won"), _negated=True), models.Q(("reached", 5), _negated=True)),
                    _connector="OR",
                ),
                name="journey_won_reached_won",
            ),
        ),
        migrations.AddConstraint(
            model_name="journey",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("outcome", ""), _negated=True), ("closed_at", None), _connector="OR"),
                name="journey_open_has_no_close_date",
            ),
        ),
        migrations.AddConstraint(
            model_name="journey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("outcome", "")),
                    models.Q(models.Q(("outcome", ""), _negated=True), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="journey_end_is_recorded",
            ),
        ),
        migrations.AddConstraint(
            model_name="journey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome__in", ["rejected", "lost"]), _negated=True),
                    ("reason__isnull", False),
                    _connector="OR",
                ),
                name="journey_has_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="touchpoint",
            index=models.Index(
                fields=["lead", "at"],
                include=("campaign", "channel", "direction", "is_human", "is_engaged"),
                name="touch_by_lead",
            ),
        ),
        migrations.AddConstraint(
            model_name="touchpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("direction__in", ["inbound", "outbound", "intent"])), name="touch_direction_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="touchpoint",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("system", "external_id"),
                name="touch_external_unique",
            ),
        ),
    ]
