"""Since when, and until when, an account is a customer."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value


class CustomerPeriodQuerySet(models.QuerySet["CustomerPeriod"]):
    """Times in which accounts are or were customers."""

    def current(self) -> "CustomerPeriodQuerySet":
        """Those of the customers of today: they have no end."""
        return self.filter(ended_on=None)


class CustomerPeriod(models.Model):
    """A time in which an account was a customer, both days included; one that comes back begins another.

    `began_on` is null where history does not say, `ended_on` while they are one. `opportunity` is the deal whose win
    began it; null where somebody said so by hand.
    """

    account = models.ForeignKey("leads.Account", models.PROTECT, related_name="customer_periods")
    began_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    opportunity = models.ForeignKey("leads.Opportunity", models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=200, blank=True, help_text="Why they left, or how it is known.")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    recorded_at = models.DateTimeField()

    objects = CustomerPeriodQuerySet.as_manager()

    class Meta:
        ordering = [F("began_on").asc(nulls_first=True), "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(began_on=None) | Q(ended_on=None) | Q(ended_on__gte=F("began_on")),
                name="customer_ends_after_beginning",
            ),
            models.UniqueConstraint(fields=["account"], condition=Q(ended_on=None), name="customer_once_at_a_time"),
            ExclusionConstraint(
                name="customer_periods_apart",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    (
                        Func("began_on", "ended_on", Value("[]"), function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.began_on} to {self.ended_on}"
