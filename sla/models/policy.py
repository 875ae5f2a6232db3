"""The rules that clocks run under: what is promised to which leads, within which time, and who hears of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from alignment.lib.set_keys import NeverDeleted
from alignment.ops.versions import RuleSetVersion, VersionState
from sla.subjects.registry import subject


class SubjectKind(models.TextChoices):
    """The kinds of subject that are passes of leads, whose key is that of the lead. `sla.subjects` knows all kinds."""

    DISPOSITION = "disposition", "Sales' answer to an MQL"
    FIRST_TOUCH = "first_touch", "First human touch of an MQL"
    WORKED = "worked", "Human touch of an accepted lead"


SUBJECT = r"^[a-z][a-z_]*$"
"""How kinds of subject are called. Which there are is not the database's to know: they are registered."""


class TargetUnit(models.TextChoices):
    """How the target is counted."""

    ELAPSED_HOURS = "elapsed_hours", "Hours, nights and weekends included"
    WORKING_HOURS = "working_hours", "Working hours"
    BUSINESS_DAYS = "business_days", "Business days"


ONE_OF = {
    TargetUnit.ELAPSED_HOURS: "hour",
    TargetUnit.WORKING_HOURS: "working hour",
    TargetUnit.BUSINESS_DAYS: "business day",
}


def span(target: int, unit: str) -> str:
    """A length of time as people say it: “48 hours”, “1 business day”."""
    one = ONE_OF[TargetUnit(unit)]
    return f"{target} {one}" if target == 1 else f"{target} {one}s"


class PolicySet(RuleSetVersion):
    """A version of the rules for one kind of subject (`scope`). Its `body` is what `sla.rules` reads; publishing it
    makes a `Policy` of each rule, which is what clocks name.
    """

    def __str__(self) -> str:
        return f"{subject(self.scope)}, version {self.number}"


class PolicyQuerySet(models.QuerySet["Policy"]):
    """Policies."""

    def in_force(self) -> "PolicyQuerySet":
        """Those of the published versions, in the order in which they are asked."""
        return self.filter(version__state=VersionState.PUBLISHED).order_by("subject_kind", "position")

    def hours_to_answer(self) -> "PolicyQuerySet":
        """The hours that sales has for most answers today, as `target`; none where days are counted, or nothing."""
        hours = self.in_force().filter(subject_kind=SubjectKind.DISPOSITION, is_promised=True)
        return hours.exclude(unit=TargetUnit.BUSINESS_DAYS).order_by("-position")[:1]


class Policy(models.Model):
    """One rule of a published version. It is never edited (a trigger refuses it): clocks keep the one they began under.

    The first rule in force whose `condition` a lead meets is its own; without one, and by one that is not `is_promised`
    ("no SLA"), nothing is promised. `floor_hours`: it is due after so many working hours at the earliest. `calendar`
    stands for that of the territory, the holder or the company, whichever of them has one. `pauses` are
    the keys of the reasons for which it may be paused; `reminders` the percentages of the time after which the holder
    is reminded. After a breach its manager is asked to hand the lead over (`propose_after` working hours), and both
    heads are told (`heads_after` business days); 0 leaves a step out. One that `hands_over` carries the proposal out by
    itself, if both heads signed that for its version (`LadderSignature`).
    """

    id = models.AutoField(primary_key=True)
    version = models.ForeignKey(PolicySet, models.PROTECT, related_name="policies", db_index=False)
    position = models.PositiveIntegerField(default=0)
    subject_kind = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    condition = models.JSONField()
    is_promised = models.BooleanField(default=True)
    target = models.PositiveIntegerField(default=0)
    unit = models.CharField(max_length=20, choices=TargetUnit.choices, default=TargetUnit.ELAPSED_HOURS)
    floor_hours = models.PositiveIntegerField(default=0)
    calendar = models.ForeignKey("people.WorkingCalendar", models.PROTECT, null=True, related_name="+", db_index=False)
    reminders = ArrayField(models.PositiveSmallIntegerField(), default=list)
    propose_after = models.PositiveIntegerField(default=0)
    heads_after = models.PositiveIntegerField(default=0)
    hands_over = models.BooleanField(default=False, db_default=False)
    pauses = ArrayField(models.CharField(max_length=40), default=list)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["subject_kind", "version", "position"]
        verbose_name_plural = "policies"
        constraints = [
            NeverDeleted(name="policy_never_deleted"),
            models.UniqueConstraint(fields=["version", "position"], name="policy_position_unique"),
            models.CheckConstraint(condition=Q(subject_kind__regex=SUBJECT), name="policy_subject_named"),
            models.CheckConstraint(condition=Q(unit__in=TargetUnit.values), name="policy_unit_known"),
            models.CheckConstraint(
                condition=Q(is_promised=True, target__gt=0) | Q(is_promised=False), name="policy_has_target"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def promised(self) -> str:
        """What is promised, as people say it: “48 hours”."""
        return span(self.target, self.unit)

    @property
    def is_in_force(self) -> bool:
        """Whether new clocks begin under it."""
        return bool(self.version.state == VersionState.PUBLISHED)

    @property
    def needs_calendar(self) -> bool:
        """Whether its due times hang on somebody's working hours."""
        return bool(self.unit != TargetUnit.ELAPSED_HOURS or self.floor_hours)


class PauseReason(models.Model):
    """Why a clock may stand still, and for how long at most."""

    id = models.AutoField(primary_key=True)
    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    cap_hours = models.PositiveIntegerField("at most, in hours")
    position = models.PositiveIntegerField(default=0)
    retired_at = models.DateTimeField(null=True, blank=True, help_text="From when on nobody pauses for it any more.")

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(cap_hours__range=(1, 24 * 90)), name="pause_reason_has_cap"),
        ]

    def __str__(self) -> str:
        return self.name
