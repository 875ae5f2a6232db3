"""How ready a lead is: versions of the rules, the score of each lead, and the moments at which leads crossed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from alignment.lib.set_keys import KnownKeys
from alignment.ops.versions import RuleSetVersion, VersionState


class Grade(models.TextChoices):
    """How well account and person fit; A is best."""

    A = "A", "A"
    B = "B", "B"
    C = "C", "C"
    D = "D", "D"


class Suppression(models.TextChoices):
    """Why a lead is not handed to sales whatever its score."""

    CUSTOMER = "customer", "Customer"
    COMPETITOR = "competitor", "Competitor"
    STAFF = "staff", "Our own staff"


class Score(models.Model):
    """What the rules of `version` make of a lead at `scored_at`; `leads.scoring` alone writes it.

    `points` are fit and engagement together at that moment, in whole points. `sums` has for each group of touches, in
    the order of the version, its points before the cap: they halve with the half-life of the group, so that the score
    of any later moment follows from this row. Engagement counts from `counted_from` on, the end of the last pass.
    """

    lead = models.OneToOneField(
        "leads.Lead", models.PROTECT, primary_key=True, related_name="score", db_constraint=False
    )
    version = models.ForeignKey("leads.ScoringVersion", models.PROTECT, related_name="+", db_index=False)
    points = models.IntegerField()
    fit_points = models.IntegerField()
    grade = models.CharField(max_length=1, choices=Grade)
    sums = ArrayField(models.FloatField())
    suppressed_as = models.CharField(max_length=10, choices=Suppression, blank=True)
    counted_from_at = models.DateTimeField(null=True)
    scored_at = models.DateTimeField()

    class Meta:
        constraints = [
            KnownKeys(fields=["lead"], name="score_keys_known"),
            models.CheckConstraint(condition=Q(grade__in=Grade.values), name="score_grade_known"),
            models.CheckConstraint(condition=Q(points__gte=0), name="score_not_negative"),
            models.CheckConstraint(
                condition=Q(suppressed_as__in=["", *Suppression.values]), name="score_suppression_known"
            ),
        ]
        indexes = [models.Index(F("points").desc(), F("grade"), name="score_by_points")]

    def __str__(self) -> str:
        return f"{self.points} {self.grade}"


class Release(models.TextChoices):
    """What becomes of leads that stand above the threshold when a version is published."""

    AT_ONCE = "at_once", "Hand them over at once"
    DAILY = "daily", "Hand over a number a day, best first"
    BY_TOUCH = "by_touch", "Only by a new touch"


class ScoringVersion(RuleSetVersion):
    """A version of the scoring rules; `leads.scoring.rules` says what its body holds.

    A version with a `team` is a pilot: it scores the leads that this team holds or whose account it owns, and those of
    `territories` that nobody holds; the version for everybody scores the rest.
    """

    team = models.ForeignKey("people.Team", models.PROTECT, null=True, related_name="+", db_index=False)
    territories = ArrayField(models.IntegerField(), default=list, blank=True)
    release = models.CharField(max_length=8, choices=Release, default=Release.BY_TOUCH)
    per_day = models.PositiveIntegerField(null=True)

    @classmethod
    def pilots(cls) -> "models.QuerySet[ScoringVersion]":
        """The versions that count for one team today."""
        return cls._default_manager.filter(scope="", state=VersionState.PUBLISHED, team__isnull=False)

    class Meta(RuleSetVersion.Meta):
        constraints = [
            *RuleSetVersion.Meta.constraints,
            models.CheckConstraint(condition=Q(release__in=Release.values), name="scoringversion_release_known"),
            models.CheckConstraint(
                condition=~Q(release=Release.DAILY) | Q(per_day__isnull=False, per_day__gte=1),
                name="scoringversion_daily_has_number",
            ),
            models.CheckConstraint(
                condition=Q(audience="", team=None) | (~Q(audience="") & Q(team__isnull=False)),
                name="scoringversion_pilot_has_team",
            ),
        ]


class CrossedBy(models.TextChoices):
    """What brought a lead over the threshold."""

    TOUCH = "touch", "A touch"
    FACTS = "facts", "Facts about it"
    RELEASE = "release", "New rules"


class ThresholdCrossing(models.Model):
    """A lead that became an MQL by its score, with the score that did it. Append-only by trigger."""

    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="crossings", db_index=False)
    pass_no = models.PositiveIntegerField()
    version = models.ForeignKey(ScoringVersion, models.PROTECT, related_name="+", db_index=False)
    by = models.CharField(max_length=7, choices=CrossedBy)
    points = models.IntegerField()
    fit_points = models.IntegerField()
    grade = models.CharField(max_length=1, choices=Grade)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(by__in=CrossedBy.values), name="crossing_by_known"),
        ]
        indexes = [
            models.Index(fields=["version", "at"], name="crossing_by_version"),
            models.Index(fields=["lead"], name="crossing_by_lead"),
        ]

    def __str__(self) -> str:
        return f"Lead {self.lead_id} at {self.points}"
