"""The rule that a clock runs under: what is promised, and within which time."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from alignment.lib.set_keys import NeverDeleted


class SubjectKind(models.TextChoices):
    """What is timed. It also says which table a clock's `subject_id` points at."""

    DISPOSITION = "disposition", "Sales' answer to an MQL"


class TargetUnit(models.TextChoices):
    """How the target is counted."""

    ELAPSED_HOURS = "elapsed_hours", "Hours, nights and weekends included"


class Policy(models.Model):
    """One version of a rule. A version is never edited (a trigger refuses it): clocks keep the one they started under.

    At most one version is in force for each kind of subject; without one, nothing is promised.
    """

    id = models.AutoField(primary_key=True)
    key = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    subject_kind = models.CharField(max_length=20, choices=SubjectKind.choices)
    target_hours = models.PositiveIntegerField()
    unit = models.CharField(max_length=20, choices=TargetUnit.choices, default=TargetUnit.ELAPSED_HOURS)
    published_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["key", "version"]
        verbose_name_plural = "policies"
        constraints = [
            NeverDeleted(name="policy_never_deleted"),
            models.UniqueConstraint(fields=["key", "version"], name="policy_version_unique"),
            models.UniqueConstraint(fields=["subject_kind"], condition=Q(retired_at=None), name="policy_one_in_force"),
            models.CheckConstraint(condition=Q(subject_kind__in=SubjectKind.values), name="policy_subject_known"),
            models.CheckConstraint(condition=Q(unit__in=TargetUnit.values), name="policy_unit_known"),
            models.CheckConstraint(condition=Q(target_hours__gt=0), name="policy_has_target"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"

    def due_at(self, started_at: datetime) -> datetime:
        """When an answer is due for a clock that started then."""
        return started_at + timedelta(hours=self.target_hours)
