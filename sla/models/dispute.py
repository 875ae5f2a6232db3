"""One side contests what the other one did, or what a clock says of it."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.functional import cached_property

from alignment.people.models import Side
from leads.models.opportunity import SourcedBy
from sla.models.clock import Clock


class DisputeKind(models.TextChoices):
    """What is contested."""

    REJECTION = "rejection", "A rejection"
    QUALIFICATION = "qualification", "A qualification"
    BREACH = "breach", "A broken promise"
    SOURCING = "sourcing", "Who brought a deal"


ANSWER = "dispute_answer"
"""The kind of promise that an answer is."""

MOVES = (DisputeKind.REJECTION, DisputeKind.QUALIFICATION)
"""Kinds that contest a move of a lead."""


class Verdict(models.TextChoices):
    """How a dispute ended; an open one has none (the empty string)."""

    UPHELD = "upheld", "Upheld"
    STANDS = "stands", "Stands"


TAKEN_BACK = {
    DisputeKind.REJECTION: "Taken back",
    DisputeKind.QUALIFICATION: "Taken back",
    DisputeKind.BREACH: "Excused",
    DisputeKind.SOURCING: "Corrected",
}
"""What an upheld dispute did, in words."""


class DisputeQuerySet(models.QuerySet["Dispute"]):
    """Disputes. The review of scoring counts those about moves: `upheld()` is what the other side got wrong."""

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
        """What was contested was taken back."""
        return self.filter(verdict=Verdict.UPHELD)

    def contested_within(self, days: int) -> "DisputeQuerySet":
        """Contested so many days ago or later."""
        return self.filter(raised_at__gte=timezone.now() - timedelta(days=days))

    def with_due(self) -> "DisputeQuerySet":
        """Read along when the answer is due (`due_at`)."""
        return self.annotate(due_at=Subquery(_own_clock(OuterRef("pk")).values("due_at")[:1]))

    def overdue(self, at: datetime) -> "DisputeQuerySet":
        """Wait for an answer that is due by then."""
        late = _own_clock(OuterRef("pk")).filter(stopped_at=None, due_at__lte=at)
        return self.unanswered().filter(Exists(late))


def _own_clock(pk: Any) -> models.QuerySet["Clock"]:
    """The clock of the answer to a dispute."""
    return Clock.objects.filter(subject_kind=ANSWER, subject_id=pk, cancelled_at=None)


class Dispute(models.Model):
    """Something contested, with evidence: a move of a lead, the breach of a clock, or who brought a deal.

    `sla.contesting` opens it, `sla.disputes` alone writes it after that. `side` answers for what is contested, and it
    waits for `asked`, by a clock of its own (`sla.subjects.disputes`); an overdue or disagreeing one goes to RevOps
    (`escalated_at`). The verdict takes back what is contested or lets it stand: `remedy` is the move that took another
    one back, `correction` the new answer to who brought the deal (`claimed` is the one that was asked for), and the
    clock of an upheld breach is excused. `receipt` is the clock's as it was when it was contested.
    """

    kind = models.CharField(max_length=13, choices=DisputeKind.choices)
    side = models.CharField(max_length=9, choices=Side.choices)
    lead = models.ForeignKey("leads.Lead", models.PROTECT, null=True, related_name="disputes", db_index=False)
    transition = models.OneToOneField("leads.LeadTransition", models.PROTECT, null=True, related_name="dispute")
    clock = models.OneToOneField("sla.Clock", models.PROTECT, null=True, related_name="dispute")
    receipt = models.JSONField(null=True)
    sourcing = models.OneToOneField("leads.Sourcing", models.PROTECT, null=True, related_name="dispute")
    claimed = models.CharField(max_length=9, choices=SourcedBy.choices, blank=True, default="", db_default="")
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    raised_at = models.DateTimeField()
    evidence = models.TextField(max_length=2000)
    evidence_url = models.URLField(max_length=500, blank=True)
    asked = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
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
    correction = models.ForeignKey("leads.Sourcing", models.PROTECT, null=True, related_name="+", db_index=False)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=DisputeKind.values), name="dispute_kind_known"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="dispute_side_known"),
            models.CheckConstraint(
                condition=(
                    Q(kind__in=MOVES, lead__isnull=False, transition__isnull=False)
                    & Q(clock=None, receipt__isnull=True, sourcing=None, claimed="")
                )
                | (
                    Q(kind=DisputeKind.BREACH, clock__isnull=False, receipt__isnull=False)
                    & Q(transition=None, sourcing=None, claimed="")
                )
                | (
                    Q(kind=DisputeKind.SOURCING, sourcing__isnull=False, claimed__in=SourcedBy.values)
                    & Q(transition=None, clock=None, receipt__isnull=True)
                ),
                name="dispute_names_what_is_contested",
            ),
            models.CheckConstraint(
                condition=Q(verdict="", closed_at=None, closed_by=None, remedy=None, correction=None)
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
                condition=Q(remedy=None, correction=None) | Q(verdict=Verdict.UPHELD), name="dispute_remedy_of_upheld"
            ),
        ]
        indexes = [
            models.Index(fields=["lead"], name="dispute_by_lead"),
            models.Index(fields=["raised_at"], condition=Q(verdict="", escalated_at=None), name="dispute_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    def subject(self) -> str:
        """Whom or what it is about: the lead, else the deal, else what its clock promises."""
        if self.sourcing:
            return str(self.sourcing.opportunity)
        if self.lead:
            return str(self.lead.display_name)
        return str(self.clock.policy) if self.clock else ""

    @cached_property
    def answer_due_at(self) -> datetime | None:
        """When the answer is due, a pause counted; None where none is promised. `with_due` reads it along."""
        if "due_at" in self.__dict__:
            known: datetime | None = self.__dict__["due_at"]
            return known
        return _own_clock(self.pk).values_list("due_at", flat=True).first()

    @cached_property
    def own_clock_id(self) -> int | None:
        """The clock of the answer; None where none is promised."""
        return _own_clock(self.pk).values_list("pk", flat=True).first()

    @property
    def is_decidable(self) -> bool:
        """Whether RevOps decides it now: it was not agreed, not answered in time, or no answer is promised."""
        return not self.verdict and (self.escalated_at is not None or self.answer_due_at is None)

    @property
    def verdict_label(self) -> str:
        """How it ended, in words; empty while it is open."""
        if self.verdict == Verdict.UPHELD:
            return TAKEN_BACK[DisputeKind(self.kind)]
        return self.get_verdict_display() if self.verdict else ""

    @property
    def state(self) -> str:
        """What it waits for, or how it ended, in words."""
        waits_for = "RevOps" if self.escalated_at else Side(self.side).label.lower()
        return self.verdict_label or f"Waits for {waits_for}"
