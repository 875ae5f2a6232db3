"""Routing: who takes over a lead that sales is handed. Pools of reps, versions of the rules, and what was decided."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from alignment.lib.set_keys import KnownKeys, NeverDeleted, set_key
from alignment.ops.versions import RuleSetVersion


class AfterHours(models.TextChoices):
    """What a pool does with a lead while nobody of it is at work."""

    FALLBACK = "fallback", "The fallback gets it, and is told"
    NEXT = "next", "Whoever is next gets it, for when work begins"


class Pool(models.Model):
    """Reps who take turns. `fallback` gets what nobody of the pool can take, and is told.

    `turn` is the least turn of those who could take a lead when the pool was asked last: whoever joins, or comes back,
    goes on from there instead of getting all that they missed.
    """

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=80)
    fallback = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    after_hours = models.CharField(max_length=8, choices=AfterHours, default=AfterHours.FALLBACK)
    turn = models.BigIntegerField(default=0, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            NeverDeleted(name="pool_never_deleted"),
            models.UniqueConstraint(
                Lower("name"), name="pool_name_unique", violation_error_message="A pool of this name exists."
            ),
            models.CheckConstraint(condition=Q(after_hours__in=AfterHours.values), name="pool_after_hours_known"),
        ]

    def __str__(self) -> str:
        return self.name


class PoolMember(models.Model):
    """Somebody's place in a pool. Each lead moves their `turn` on, the further the smaller their share: the least turn
    is next. Whoever left keeps the row.
    """

    id = models.AutoField(primary_key=True)
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    turn = models.BigIntegerField(default=0)
    given = models.PositiveIntegerField(default=0, help_text="How many leads they got from this pool.")
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "user"], name="pool_member_unique")]

    def __str__(self) -> str:
        return f"{self.user} in {self.pool}"


class RoutingVersion(RuleSetVersion):
    """One version of the ordered rules (`leads.routing.rules` says what `body` holds)."""

    class Meta(RuleSetVersion.Meta):
        pass


class How(models.TextChoices):
    """Why a lead went where it went."""

    DEAL = "deal", "An open deal of its account"
    ACCOUNT = "account", "The owner of its account"
    POOL = "pool", "The next in a pool"
    PERSON = "person", "Named by a rule"
    FALLBACK = "fallback", "Nobody was available"


class RoutingDecision(models.Model):
    """What routing decided for one pass of a lead, and why; append-only.

    `rule` is the index of the rule that matched in `version` (None: none did, or none was asked). `candidates` has
    [user, verdict, detail] for the members of the pool as `leads.routing.choosing` gave them, where neighbours share
    one [[user, …], verdict, detail]. `points` is the lead's score at that moment; None where there is none.
    """

    lead = set_key("leads.Lead", related_name="routings")
    pass_no = models.PositiveIntegerField()
    at = models.DateTimeField()
    version = models.ForeignKey(RoutingVersion, models.PROTECT, related_name="+", db_index=False)
    how = models.CharField(max_length=8, choices=How)
    rule = models.PositiveSmallIntegerField(null=True)
    pool = set_key(Pool, null=True, related_name="+")
    user = set_key(settings.AUTH_USER_MODEL, related_name="+")
    opportunity = set_key("leads.Opportunity", null=True, related_name="+")
    points = models.IntegerField(null=True)
    candidates = models.JSONField(default=list)

    class Meta:
        constraints = [
            KnownKeys(fields=["lead", "pool", "user", "opportunity"], name="routing_keys_known"),
            models.CheckConstraint(condition=Q(how__in=How.values), name="routing_how_known"),
            models.CheckConstraint(
                condition=Q(how=How.POOL, pool__isnull=False) | ~Q(how=How.POOL), name="routing_pool_named"
            ),
            models.CheckConstraint(
                condition=Q(how=How.DEAL, opportunity__isnull=False) | (~Q(how=How.DEAL) & Q(opportunity=None)),
                name="routing_deal_named",
            ),
        ]
        indexes = [
            models.Index("lead", F("id").desc(), name="routing_by_lead"),
            models.Index(fields=["user", "at"], include=["points"], name="routing_by_user"),
            models.Index(fields=["at"], name="routing_by_time"),
            models.Index(fields=["pool", "lead"], name="routing_by_pool"),
            # Most are by turn: lists of those walk the leads themselves.
            models.Index(fields=["how", "lead"], condition=~Q(how=How.POOL), name="routing_not_by_turn"),
        ]

    def __str__(self) -> str:
        return f"Lead {self.lead_id} to {self.user_id}"

    @property
    def seen(self) -> list[tuple[int, str, int | str | None]]:
        """What became of each member of the pool: user, verdict, detail, in the order of their turns."""
        return [
            (user_id, verdict, detail)
            for who, verdict, detail in self.candidates
            for user_id in (who if isinstance(who, list) else [who])
        ]
