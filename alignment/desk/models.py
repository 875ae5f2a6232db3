"""Links to the wall (what a screen without a login may show, and until when), saved views of the list of leads, and how
long leads usually stay where they are.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from alignment.people.models import User
from leads.milestones import Milestone


class SceneKey(models.TextChoices):
    """The scenes of the wall, in their order."""

    FUNNEL = "funnel", "Funnel"
    PROMISES = "promises", "Promises"


class WallLinkQuerySet(models.QuerySet["WallLink"]):
    def open(self) -> "WallLinkQuerySet":
        """Neither revoked nor expired."""
        return self.filter(revoked_at=None, expires_at__gt=Now())

    def ended(self) -> "WallLinkQuerySet":
        """Revoked or expired."""
        return self.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=Now()))


class WallLink(models.Model):
    """A link that shows aggregates to whoever has it. Only the digest of its token is stored.

    `query` are the filters of its figures as the funnel page writes them. `last_seen_at` is when a screen last asked,
    to the minute; null before the first.
    """

    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    scenes = ArrayField(models.CharField(max_length=12, choices=SceneKey))
    query = models.CharField(max_length=1000, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    objects = WallLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="wall_link_has_name"),
            models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="wall_link_digest_is_sha256"),
            models.CheckConstraint(
                condition=Q(scenes__contained_by=SceneKey.values) & Q(scenes__len__gt=0), name="wall_link_scenes_known"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="wall_link_expires_after_start"),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="wall_link_revoked_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scene_names(self) -> list[str]:
        """Its scenes as people call them."""
        return [SceneKey(key).label for key in self.scenes]


class Sharing(models.TextChoices):
    """Who sees a saved view."""

    ME = "me", "Only me"
    TEAM = "team", "My team"
    ALL = "all", "Everyone"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Saved views that were not deleted."""

    def seen_by(self, user: User) -> "SavedViewQuerySet":
        """One's own, one's team's, and everybody's; in the order of their names."""
        mine = Q(owner=user) | Q(sharing=Sharing.ALL)
        if user.team_id:
            mine |= Q(sharing=Sharing.TEAM, team=user.team_id)
        return self.filter(mine, retired_at=None).order_by("name", "pk")


class SavedView(models.Model):
    """Filters and columns of the list of leads under a name. `query` is the address as the list writes it.

    `team` is the owner's when it was shared with it. A view that was deleted stays as a row (`retired_at`).
    """

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="saved_views", db_index=False)
    sharing = models.CharField(max_length=4, choices=Sharing, default=Sharing.ME)
    team = models.ForeignKey("people.Team", models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="saved_view_has_name"),
            models.CheckConstraint(condition=Q(sharing__in=Sharing.values), name="saved_view_sharing_known"),
            models.CheckConstraint(
                condition=Q(sharing=Sharing.TEAM, team__isnull=False) | (~Q(sharing=Sharing.TEAM) & Q(team=None)),
                name="saved_view_team_where_shared",
            ),
            models.UniqueConstraint(
                fields=["owner", "name"], condition=Q(retired_at=None), name="saved_view_name_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["team"], condition=Q(retired_at=None, sharing=Sharing.TEAM), name="saved_view_by_team")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('leads')}?{self.address}"

    @property
    def address(self) -> str:
        """The filters, and which view they are."""
        return "&".join(filter(None, [self.query, f"view={self.pk}"]))


class DefaultView(models.Model):
    """The view with which the list of leads begins for one user."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    view = models.ForeignKey(SavedView, models.PROTECT, related_name="+", db_index=False)

    def __str__(self) -> str:
        return f"{self.user_id} begins with {self.view_id}"


class UsualStay(models.Model):
    """How long leads of a segment usually stay at a milestone: the median of the `n` stays that were completed by those
    who entered in the last 12 months. `segment` None: of all leads. `alignment.desk.usual` measures it once an hour.
    """

    id = models.AutoField(primary_key=True)
    segment = models.ForeignKey("leads.Segment", models.PROTECT, null=True, related_name="+", db_index=False)
    milestone = models.PositiveSmallIntegerField(choices=Milestone)
    median = models.DurationField()
    n = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "milestone"], name="usual_stay_unique", nulls_distinct=False),
            models.CheckConstraint(condition=Q(milestone__in=Milestone.values), name="usual_stay_milestone_known"),
            models.CheckConstraint(condition=Q(n__gt=0, median__gte=timedelta(0)), name="usual_stay_measured"),
        ]

    def __str__(self) -> str:
        return f"{self.median} at {self.get_milestone_display()}"
