"""On which days something changed that figures are measured from."""

from django.db import models
from django.db.models.functions import Now


class Dated(models.TextChoices):
    """The columns that figures find their rows by."""

    ENTERED = "entered_at", "Entered"
    MQL = "mql_at", "Became an MQL"
    ACCEPTED = "accepted_at", "Accepted"
    CLOSED = "closed_at", "Closed"
    DUE = "due_at", "Answer due"


class ChangedDays(models.Model):
    """The days (UTC, both included) within which journeys or clocks that were written at once are `dated`, before or
    after the write; null stands for any day.

    Triggers write it (`alignment.lib.changed_days`), under the number of their transaction. It is needed until every
    process that keeps measurements has read it, and then forgotten.
    """

    dated = models.CharField(max_length=11, choices=Dated.choices)
    first_on = models.DateField(null=True)
    last_on = models.DateField(null=True)
    written_by = models.BigIntegerField(help_text="The number of the transaction.")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(dated__in=Dated.values), name="changed_days_dated_known"),
            models.CheckConstraint(
                condition=models.Q(first_on=None, last_on=None) | models.Q(first_on__lte=models.F("last_on")),
                name="changed_days_in_order",
            ),
        ]
        indexes = [models.Index(fields=["written_by"], name="changed_days_by_transaction")]

    def __str__(self) -> str:
        return f"{self.get_dated_display()}: {self.first_on or 'any day'} to {self.last_on or 'any day'}"
