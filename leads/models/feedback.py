"""What one side tells the other about a lead."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from alignment.people.models import Side


class Feedback(models.Model):
    """One comment. `side` is that of its author when it was written; blank: of neither team.

    Its words can be mended for a short while (`leads.feedback.REWORD_WITHIN`), by who wrote them.
    """

    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="feedback", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    side = models.CharField(max_length=9, choices=Side.choices, blank=True)
    text = models.TextField(max_length=2000)
    at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(side__in=["", *Side.values]), name="feedback_side_known"),
            models.CheckConstraint(
                condition=Q(edited_at=None) | Q(edited_at__gte=models.F("at")), name="feedback_edited_after"
            ),
        ]
        indexes = [models.Index(fields=["lead", "at"], name="feedback_by_lead")]

    def __str__(self) -> str:
        return self.text[:80]
