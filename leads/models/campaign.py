"""The dimensions that figures are cut by: source, campaign, segment, territory.

Their keys are int4: the planner misses a multi-column facet index when a smallint or bigint column meets Django's
integer literals.
"""

from django.conf import settings
from django.contrib.postgres.fields import DateRangeField
from django.db import models
from django.db.models.functions import Lower

from alignment.lib.set_keys import NeverDeleted


class Dimension(models.Model):
    """A named value that leads are grouped by. `key` is what files and URLs say; `name` is what people read."""

    id = models.AutoField(primary_key=True)
    key = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["name", "id"]
        constraints = [NeverDeleted(name="%(class)s_never_deleted")]

    def __str__(self) -> str:
        return self.name


class Source(Dimension):
    """The channel a lead came through, e.g. organic search. No source (null) is not the source "unknown"."""


class Segment(Dimension):
    """The part of the market a lead belongs to, e.g. home decor."""


class Territory(Dimension):
    """The region or patch that a sales team covers, and when people there work (None: as those who hold its leads)."""

    calendar = models.ForeignKey(
        "people.WorkingCalendar", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )


class Campaign(models.Model):
    """A marketing campaign: what it cost (in `currency`, spread over its days) and who runs it."""

    id = models.AutoField(primary_key=True)
    key = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=160)
    source = models.ForeignKey(Source, models.PROTECT, null=True, blank=True, related_name="campaigns")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="campaigns")
    # The types know no nullable range.
    runs_on = DateRangeField(  # type: ignore[misc]
        null=True, blank=True, help_text="First day to last day, both included."
    )
    cost = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(Lower("name"), name="campaign_name_lower")]
        constraints = [
            NeverDeleted(name="campaign_never_deleted"),
            models.CheckConstraint(
                condition=models.Q(cost__isnull=True) | (models.Q(cost__gte=0) & ~models.Q(currency="")),
                name="campaign_cost_has_currency",
            ),
        ]

    def __str__(self) -> str:
        return self.name
