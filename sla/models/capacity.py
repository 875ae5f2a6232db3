"""Leads that were handed to a rep above what the agreement says sales answers for."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class AboveCapacity(models.Model):
    """A pass that came to `holder` after the `most` of a working day; append-only. It has no clock for its answer or
    its first touch, and its rejection is no miss of marketing.
    """

    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="above_capacity", db_index=False)
    pass_no = models.PositiveIntegerField()
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    falls_on = models.DateField(help_text="The working day that it counts for, by the company's calendar.")
    most = models.PositiveIntegerField()
    agreement = models.ForeignKey("sla.Agreement", models.PROTECT, related_name="+", db_index=False)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "pass_no"], name="above_capacity_once_a_pass"),
            models.CheckConstraint(condition=Q(most__gt=0), name="above_capacity_has_limit"),
        ]
        indexes = [models.Index(fields=["falls_on"], name="above_capacity_by_day")]

    def __str__(self) -> str:
        return f"Pass {self.pass_no} of lead {self.lead_id}, above {self.most} a day"
