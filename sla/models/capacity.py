"""Leads that were handed to a rep above what the agreement says sales answers for."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class AboveCapacity(models.Model):
    """A pass that came to `holder` after the `most` of a working day. It waits without a clock for its answer and its
    first touch, and its rejection is no miss of marketing, until its turn comes: `begins_at`, on the working day
    `begins_on` of whoever holds it then. Rows stay as they are, but for that.
    """

    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="above_capacity", db_index=False)
    pass_no = models.PositiveIntegerField()
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    falls_on = models.DateField(help_text="The working day that it counts for, by the company's calendar.")
    most = models.PositiveIntegerField()
    agreement = models.ForeignKey("sla.Agreement", models.PROTECT, related_name="+", db_index=False)
    recorded_at = models.DateTimeField()
    begins_on = models.DateField(null=True, help_text="The working day with a free place for it.")
    begins_at = models.DateTimeField(null=True, help_text="When that day opened: from then on it is owed an answer.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "pass_no"], name="above_capacity_once_a_pass"),
            models.CheckConstraint(condition=Q(most__gt=0), name="above_capacity_has_limit"),
            models.CheckConstraint(
                condition=Q(begins_on=None, begins_at=None) | Q(begins_on__gt=F("falls_on"), begins_at__isnull=False),
                name="above_capacity_begins_later",
            ),
        ]
        indexes = [
            models.Index(fields=["falls_on"], name="above_capacity_by_day"),
            models.Index(fields=["begins_on"], condition=Q(begins_on__isnull=False), name="above_capacity_by_turn"),
        ]

    def __str__(self) -> str:
        return f"Pass {self.pass_no} of lead {self.lead_id}, above {self.most} a day"
