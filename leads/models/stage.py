"""What RevOps configures: the stages, the reasons both teams agreed on, and the nurture tracks."""

from django.db import models
from django.db.models import Q

from alignment.lib.set_keys import NeverDeleted
from alignment.people.models import Side
from leads.milestones import Milestone


class StageQuerySet(models.QuerySet["Stage"]):
    """Stages in the order in which a lead passes them."""

    def in_use(self) -> "StageQuerySet":
        """The stages that a lead can move to today."""
        return self.filter(retired_at=None)


class Stage(models.Model):
    """A configurable step that belongs to a milestone; `position` orders all stages of all milestones.

    `criteria` is what a lead must show to enter: `fields` (names of lead fields that must be filled), `conditions` (a
    condition on its facts and its score), `confirmations` (what the person who moves it confirms, e.g. BANT) and
    `deal` (fields of the opportunity that must be filled). `leads.stages.setup` alone writes stages; what stands here
    is what the published `StageVersion` says.
    """

    id = models.AutoField(primary_key=True)
    key = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    milestone = models.IntegerField(choices=Milestone.choices)
    position = models.PositiveIntegerField()
    owning_side = models.CharField(max_length=9, choices=Side.choices)
    definition = models.TextField(blank=True, help_text="The written definition that both heads sign.")
    criteria = models.JSONField(default=dict, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    mapped_to = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="Where the leads of a retired stage stand since.",
    )  # fmt: skip

    objects = StageQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            NeverDeleted(name="stage_never_deleted"),
            models.CheckConstraint(condition=Q(milestone__in=Milestone.values), name="stage_milestone_known"),
            models.CheckConstraint(condition=Q(owning_side__in=Side.values), name="stage_side_known"),
            models.UniqueConstraint(fields=["position"], condition=Q(retired_at=None), name="stage_position_unique"),
            models.CheckConstraint(
                condition=Q(mapped_to=None) | Q(retired_at__isnull=False), name="stage_mapped_when_retired"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ReasonKind(models.TextChoices):
    """Which moves a reason explains."""

    REJECT = "reject", "Rejection"
    RECYCLE = "recycle", "Recycling"
    WIN = "win", "Won deal"
    LOSE = "lose", "Lost deal"


class ReasonQuerySet(models.QuerySet["Reason"]):
    """Reasons in the order both teams agreed on."""

    def offered(self, kind: str) -> "ReasonQuerySet":
        """The reasons that a person may choose today for this kind of move."""
        return self.filter(kind=kind, retired_at=None, is_offered=True)


class Reason(models.Model):
    """Why a lead was rejected, recycled or lost. Both sides own the list.

    `counts_as_miss`: a rejection for this reason counts as marketing's miss. `proposes_recycle`: the page proposes
    recycling instead ("not now"). `means_duplicate`: the lead is merged into another one instead. Reasons that only
    history carries ("not recorded") are not offered. `leads.reasons` alone changes the list.
    """

    id = models.AutoField(primary_key=True)
    key = models.CharField(max_length=40)
    kind = models.CharField(max_length=7, choices=ReasonKind.choices)
    label = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0)
    counts_as_miss = models.BooleanField(default=False)
    proposes_recycle = models.BooleanField(default=False)
    means_duplicate = models.BooleanField(default=False)
    is_offered = models.BooleanField(default=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = ReasonQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "position", "id"]
        constraints = [
            NeverDeleted(name="reason_never_deleted"),
            models.UniqueConstraint(fields=["kind", "key"], name="reason_key_unique"),
            models.CheckConstraint(condition=Q(kind__in=ReasonKind.values), name="reason_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=ReasonKind.REJECT)
                | Q(counts_as_miss=False, proposes_recycle=False, means_duplicate=False),
                name="reason_rejection_says_what_follows",
            ),
            models.CheckConstraint(
                condition=Q(proposes_recycle=False) | Q(means_duplicate=False), name="reason_leads_one_way"
            ),
        ]

    def __str__(self) -> str:
        return self.label


class NurtureTrack(models.Model):
    """A marketing programme that leads are on until they are due for another look: recycled ones, and those below the
    threshold. At most one track `takes_unqualified`: who is no MQL after so many days goes onto it by itself.
    """

    id = models.AutoField(primary_key=True)
    key = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    revisit_after_days = models.PositiveIntegerField(default=90)
    takes_unqualified = models.BooleanField(default=False)
    takes_after_days = models.PositiveIntegerField(default=30)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            NeverDeleted(name="track_never_deleted"),
            models.UniqueConstraint(
                fields=["takes_unqualified"], condition=Q(takes_unqualified=True), name="track_one_takes_unqualified"
            ),
            models.CheckConstraint(condition=Q(revisit_after_days__gt=0), name="track_looks_again"),
            models.CheckConstraint(
                condition=Q(takes_unqualified=False) | Q(retired_at=None), name="track_retired_takes_nobody"
            ),
        ]

    def __str__(self) -> str:
        return self.name
