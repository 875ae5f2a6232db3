"""The companies that leads work for and deals belong to."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from alignment.lib.set_keys import NeverDeleted


class Account(models.Model):
    """A company. Found again by its e-mail domain, else by its normalised name (`name_key`)."""

    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200, help_text="The normalised name; unique where there is no domain.")
    domain = models.CharField(max_length=253, blank=True)
    industry = models.CharField(max_length=120, blank=True)
    employees = models.PositiveIntegerField(null=True, blank=True)
    annual_revenue = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    country = models.CharField(max_length=80, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="accounts")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            NeverDeleted(name="account_never_deleted"),
            models.UniqueConstraint(fields=["domain"], condition=~Q(domain=""), name="account_domain_unique"),
            models.UniqueConstraint(fields=["name_key"], condition=Q(domain=""), name="account_name_unique"),
            models.CheckConstraint(condition=~Q(name_key=""), name="account_has_name_key"),
        ]
        indexes = [
            models.Index(fields=["name_key"], name="account_name_key"),
            GinIndex(
                OpClass(Upper("name"), name="gin_trgm_ops"),
                OpClass(Upper("domain"), name="gin_trgm_ops"),
                name="account_search_trigrams",
            ),
        ]

    def __str__(self) -> str:
        return self.name
