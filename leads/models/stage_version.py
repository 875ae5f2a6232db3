"""Versions of what a stage is and asks for, and the signatures of both heads under each."""

from django.db import models
from django.db.models import Q

from alignment.ops.signatures import Signature
from alignment.ops.versions import RuleSetVersion
from alignment.people.models import Side


class StageVersion(RuleSetVersion):
    """One version of one stage; `scope` is the key of the stage.

    `body` has `name`, `owning_side`, `definition` and `criteria`, as the stage has them while the version counts.
    """


class StageSignature(Signature):
    """Of a version of a stage that was published."""

    version = models.ForeignKey(StageVersion, models.PROTECT, related_name="signatures")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "side"], name="stage_signature_once_a_side"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="stage_signature_side_known"),
        ]
