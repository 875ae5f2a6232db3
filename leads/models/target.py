"""Target accounts: the list of companies that both teams want to win."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class TargetOrigin(models.TextChoices):
    """How an account came onto the list."""

    MANUAL = "manual", "Added by hand"
    RULE = "rule", "By rule"
    IMPORT = "import", "Imported"


class TargetAccount(models.Model):
    """An account on the list, from `added_at` until `removed_at`; who was taken off stays as a row."""

    account = models.ForeignKey("leads.Account", models.PROTECT, related_name="targetings", db_index=False)
    origin = models.CharField(max_length=6, choices=TargetOrigin)
    note = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    added_at = models.DateTimeField()
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(removed_at=None), name="target_account_once"),
            models.CheckConstraint(condition=Q(origin__in=TargetOrigin.values), name="target_origin_known"),
        ]

    def __str__(self) -> str:
        return f"Target account {self.account_id}"
