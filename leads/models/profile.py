"""Ideal customer profiles: what both teams agreed to look for, and how well each account corresponds to it."""

from django.db import models
from django.db.models import Q

from alignment.ops.versions import RuleSetVersion


class ProfileVersion(RuleSetVersion):
    """A version of all profiles together; `leads.profiles.rules` says what its body holds."""


class AccountProfile(models.Model):
    """The best profile that an account meets, as `leads.profiles` last found it. One that meets none has no row."""

    account = models.OneToOneField("leads.Account", models.PROTECT, primary_key=True, related_name="profile")
    profile = models.CharField(max_length=40, help_text="Its key in the body of the published version.")
    tier = models.PositiveSmallIntegerField()
    found_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(tier__range=(1, 3)), name="account_profile_tier_known")]
        indexes = [models.Index(fields=["tier"], name="account_profile_by_tier")]

    def __str__(self) -> str:
        return f"Tier {self.tier}"
