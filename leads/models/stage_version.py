"""Versions of what a stage is and asks for, and the signatures of both heads under each."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from alignment.ops.versions import RuleSetVersion
from alignment.people.models import Side


class StageVersion(RuleSetVersion):
    """One version of one stage; `scope` is the key of the stage.

    `body` has `name`, `owning_side`, `definition` and `criteria`, as the stage has them while the version counts.
    """


class StageSignature(models.Model):
    """The head of a side stands behind a published version, append-only. The name stays as it was signed."""

    version = models.ForeignKey(StageVersion, models.PROTECT, related_name="signatures")
    side = models.CharField(max_length=9, choices=Side.choices)
    signer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    signer_name = models.CharField(max_length=120)
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "side"], name="stage_signature_once_a_side"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="stage_signature_side_known"),
        ]

    def __str__(self) -> str:
        return f"{self.signer_name} for {self.get_side_display().lower()}"
