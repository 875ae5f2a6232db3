"""One side contests a move of the other: marketing a rejection, sales a qualification."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from alignment.people.models import Side


class DisputeKind(models.TextChoices):
    """What is contested."""

    REJECTION = "rejection", "A rejection"
    QUALIFICATION = "qualification", "A qualification"


ANSWERING = {DisputeKind.REJECTION: Side.SALES, DisputeKind.QUALIFICATION: Side.MARKETING}
"""The side that made the move, and answers for it."""


class Verdict(models.TextChoices):
    """How a dispute ended; an open one has none (the empty string)."""

    UPHELD = "upheld", "Taken back"
    STANDS = "stands", "Stands"


class DisputeQuerySet(models.QuerySet["Dispute"]):
    """Disputes. Those with a verdict count in the review of scoring: `upheld()` is what the other side got wrong."""

    def open(self) -> "DisputeQuerySet":
        """Without a verdict."""
        return self.filter(verdict="")

    def unanswered(self) -> "DisputeQuerySet":
        """Wait for the other side's manager."""
        return self.open().filter(escalated_at=None)

    def escalated(self) -> "DisputeQuerySet":
        """Wait for RevOps: not agreed, or not answered in time."""
        return self.open().filter(escalated_at__isnull=False)

    def upheld(self) -> "DisputeQuerySet":
        """The contested move was taken back."""
        return self.filter(verdict=Verdict.UPHELD)

    def decided_between(self, start: datetime, end: datetime) -> "DisputeQuerySet":
        """With a verdict given in [start, end)."""
        return self.filter(closed_at__gte=start, closed_at__lt=end)


class Dispute(models.Model):
    """A contested move, with evidence. `sla.disputes` alone writes it.

    `asked` is whom it waits for; the answer is due at `due_at`, and an overdue or disagreeing one goes to RevOps
    (`escalated_at`). The verdict takes the move back (`remedy` is the move that did) or lets it stand.
    """

    kind = models.CharField(max_length=13, choices=DisputeKind.choices)
    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="disputes", db_index=False)
    transition = models.OneToOneField("leads.LeadTransition", models.PROTECT, related_name="dispute")
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    raised_at = models.DateTimeField()
    evidence = models.TextField(max_length=2000)
    evidence_url = models.URLField(max_length=500, blank=True)
    asked = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    due_at = models.DateTimeField()
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(max_length=2000, blank=True)
    escalated_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=6, choices=Verdict.choices, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    closed_at = models.DateTimeField(null=True)
    closed_why = models.TextField(max_length=2000, blank=True)
    remedy = models.ForeignKey("leads.LeadTransition", models.PROTECT, null=True, related_name="+", db_index=False)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=DisputeKind.values), name="dispute_kind_known"),
            models.CheckConstraint(
                condition=Q(verdict="", closed_at=None, closed_by=None, remedy=None)
                | Q(verdict__in=Verdict.values, closed_at__isnull=False, closed_by__isnull=False),
                name="dispute_closed_whole",
            ),
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
                name="dispute_answered_whole",
            ),
            models.CheckConstraint(condition=~Q(evidence=""), name="dispute_has_evidence"),
            models.CheckConstraint(
                condition=Q(remedy=None) | Q(verdict=Verdict.UPHELD), name="dispute_remedy_of_upheld"
            ),
        ]
        indexes = [
            models.Index(fields=["lead"], name="dispute_by_lead"),
            models.Index(fields=["due_at"], condition=Q(verdict="", escalated_at=None), name="dispute_due"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of lead {self.lead_id}"

    @property
    def state(self) -> str:
        """What it waits for, or how it ended, in words."""
        if self.verdict:
            return self.get_verdict_display()
        side = ANSWERING[DisputeKind(self.kind)]
        return "Waits for RevOps" if self.escalated_at else f"Waits for {side.label.lower()}"
