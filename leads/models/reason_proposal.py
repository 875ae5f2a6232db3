"""Proposals to change the list of reasons, which both sides sign before anything changes."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from alignment.people.models import Side
from leads.models.stage import ReasonKind


class Change(models.TextChoices):
    """What is proposed."""

    ADD = "add", "Add"
    EDIT = "edit", "Change"
    RETIRE = "retire", "Retire"
    TAKE_UP = "take_up", "Take up again"


class Verdict(models.TextChoices):
    """What became of a proposal; an open one has none (the empty string)."""

    AGREED = "agreed", "Agreed"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ReasonProposalQuerySet(models.QuerySet["ReasonProposal"]):
    """Proposals, newest first."""

    def open(self) -> "ReasonProposalQuerySet":
        """Those that wait for a signature."""
        return self.filter(verdict="")


class ReasonProposal(models.Model):
    """One proposed change of one reason. `leads.reasons` alone writes it; closed ones are the list's history.

    `wanted` holds the reason's fields as they should be (label, counts_as_miss, proposes_recycle, means_duplicate),
    `before` those of them that differ, as they were when it was proposed. It takes effect with the second signature.
    """

    kind = models.CharField(max_length=7, choices=ReasonKind.choices)
    change = models.CharField(max_length=7, choices=Change.choices)
    reason = models.ForeignKey(
        "leads.Reason", models.PROTECT, null=True, related_name="proposals", help_text="Null: not added yet."
    )
    wanted = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    why = models.TextField(max_length=2000)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    proposed_at = models.DateTimeField()
    marketing_signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    marketing_signed_at = models.DateTimeField(null=True)
    sales_signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    sales_signed_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=9, choices=Verdict.choices, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    closed_at = models.DateTimeField(null=True)
    closed_why = models.TextField(max_length=2000, blank=True)

    objects = ReasonProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ReasonKind.values), name="reason_proposal_kind_known"),
            models.CheckConstraint(condition=Q(change__in=Change.values), name="reason_proposal_change_known"),
            models.CheckConstraint(
                condition=Q(change=Change.ADD) | Q(reason__isnull=False), name="reason_proposal_names_a_reason"
            ),
            models.UniqueConstraint(
                fields=["reason"], condition=Q(verdict="", reason__isnull=False), name="reason_proposal_one_open"
            ),
            models.CheckConstraint(
                condition=Q(verdict="", closed_at=None, closed_by=None)
                | Q(verdict__in=Verdict.values, closed_at__isnull=False, closed_by__isnull=False),
                name="reason_proposal_closed_whole",
            ),
            models.CheckConstraint(
                condition=~Q(verdict=Verdict.AGREED)
                | Q(marketing_signed_at__isnull=False, sales_signed_at__isnull=False, reason__isnull=False),
                name="reason_proposal_agreed_by_both",
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{side}_signed_by": None, f"{side}_signed_at": None})
                    | Q(**{f"{side}_signed_by__isnull": False, f"{side}_signed_at__isnull": False}),
                    name=f"reason_proposal_{side}_signed_whole",
                )
                for side in Side.values
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_change_display()}: {self.wanted.get('label', self.reason)}"

    def signed_at(self, side: str) -> bool:
        """Whether `side` has signed."""
        return getattr(self, f"{side}_signed_at") is not None
