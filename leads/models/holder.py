"""Who held a lead, from when to when."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models

from alignment.lib.set_keys import KnownKeys, set_key
from leads.one_holder import HeldByOne


class HolderInterval(models.Model):
    """One uninterrupted holding of a lead; an open upper bound means "still". Never two at once: one index for those
    that ended, one for those that go on, and a trigger for both together (`leads.one_holder`).

    Time in no one's hands is the gap between two intervals.
    """

    lead = set_key("leads.Lead", related_name="holders")
    user = set_key(settings.AUTH_USER_MODEL, related_name="holdings")
    team = set_key("people.Team", null=True, related_name="+")
    held = DateTimeRangeField(help_text="[from, to)")
    actor = set_key(settings.AUTH_USER_MODEL, null=True, related_name="+")
    why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            KnownKeys(fields=["lead", "user", "team", "actor"], name="holder_keys_known"),
            ExclusionConstraint(
                name="holder_never_two",
                expressions=[("lead", RangeOperators.EQUAL), ("held", RangeOperators.OVERLAPS)],
                condition=models.Q(held__upper_inf=False),
            ),
            HeldByOne(name="holder_never_beside"),
            models.UniqueConstraint(fields=["lead"], condition=models.Q(held__upper_inf=True), name="holder_one_now"),
            models.CheckConstraint(condition=models.Q(held__isempty=False), name="holder_not_empty"),
        ]
        # The exclusion's GiST index knows no int4, which is what Django's literals are: it never answers a lookup.
        indexes = [models.Index(fields=["lead"], name="holder_by_lead")]

    def __str__(self) -> str:
        return f"Lead {self.lead_id} held by {self.user_id}"
