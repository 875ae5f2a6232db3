"""The signatures under what a ladder does by itself."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from alignment.ops.signatures import Signature
from alignment.people.models import Side
from sla.models.policy import PolicySet


class LadderSignature(Signature):
    """The head of a side lets this version of the rules hand leads over by itself, until it is revoked.

    Both heads have to. A new version needs new signatures; the name stays as it was signed.
    """

    version = models.ForeignKey(PolicySet, models.PROTECT, related_name="ladder_signatures")
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "side"], condition=Q(revoked_at=None), name="ladder_signature_once_a_side"
            ),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="ladder_signature_side_known"),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="ladder_signature_revoked_whole",
            ),
        ]
