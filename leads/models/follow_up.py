"""What comes next with a lead that sales works: a step with a day, and until when it sleeps."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class FollowUp(models.Model):
    """The plan for one pass of one lead; of an earlier pass, or of one that has ended, it means nothing any more.

    `leads.following` alone writes it. A snoozed lead is out of what is due until that day; its clock runs on.
    """

    lead = models.OneToOneField("leads.Lead", models.PROTECT, primary_key=True, related_name="follow_up")
    pass_no = models.PositiveIntegerField()
    next_step = models.CharField(max_length=160, blank=True)
    next_on = models.DateField(null=True)
    wakes_on = models.DateField(null=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(next_step="", next_on=None) | (~Q(next_step="") & Q(next_on__isnull=False)),
                name="follow_up_step_has_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.next_step} ({self.next_on})" if self.next_step else "No next step"
