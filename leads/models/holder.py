"""Who held a lead, from when to when."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models

from leads.models.keys import copied


class HolderInterval(models.Model):
    """One uninterrupted holding of a lead; an open upper bound means "still". Never two at once (exclusion).

    Time in no one's hands is the gap between two intervals.
    """

    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="holders", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="holdings")
    team = copied("people.Team", null=True)
    held = DateTimeRangeField(help_text="[from, to)")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="holder_never_two",
                expressions=[("lead", RangeOperators.EQUAL), ("held", RangeOperators.OVERLAPS)],
            ),
            models.UniqueConstraint(fields=["lead"], condition=models.Q(held__upper_inf=True), name="holder_one_now"),
            models.CheckConstraint(condition=models.Q(held__isempty=False), name="holder_not_empty"),
        ]
        # The exclusion's GiST index knows no int4, which is what Django's literals are: it never answers a lookup.
        indexes = [models.Index(fields=["lead"], name="holder_by_lead")]

    def __str__(self) -> str:
        return f"Lead {self.lead_id} held by {self.user_id}"
