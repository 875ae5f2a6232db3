"""What each side promised to the other, as targets that the figures are held against."""

from django.db import models
from django.db.models import Q

from alignment.people.models import Side


class PromiseUnit(models.TextChoices):
    """What a target counts."""

    PERCENT = "percent", "%"
    PER_WEEK = "per_week", "a week"


class Promise(models.Model):
    """One version of a target that one side gave the other."""

    id = models.AutoField(primary_key=True)
    key = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    side = models.CharField(max_length=9, choices=Side.choices)
    name = models.CharField(max_length=120)
    target = models.DecimalField(max_digits=12, decimal_places=2)
    unit = models.CharField(max_length=8, choices=PromiseUnit.choices)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["side", "position", "version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="promise_version_unique"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="promise_side_known"),
            models.CheckConstraint(condition=Q(unit__in=PromiseUnit.values), name="promise_unit_known"),
            models.CheckConstraint(condition=Q(target__gt=0), name="promise_has_target"),
            models.CheckConstraint(
                condition=~Q(unit=PromiseUnit.PERCENT) | Q(target__lte=100), name="promise_at_most_all"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.target.normalize():f} {self.get_unit_display()}"
