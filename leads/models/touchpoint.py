"""What happened between a person and the company: visits, forms, mails, calls."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Direction(models.TextChoices):
    """Who reached out."""

    INBOUND = "inbound", "From the buyer"
    OUTBOUND = "outbound", "By sales"
    INTENT = "intent", "Intent signal"


class Touchpoint(models.Model):
    """One touch. `is_engaged` is false for sends and opens, which privacy proxies fake; `is_human` is false for
    automated mail. (`system`, `external_id`) finds it again, so that the same touch is stored once.
    """

    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="touchpoints", db_index=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=40, help_text="What happened, e.g. form, visit, webinar, call, e-mail.")
    title = models.CharField(max_length=200, help_text="What a timeline says, e.g. “Asked for a demo”.")
    channel = models.ForeignKey("leads.Source", models.PROTECT, null=True, blank=True, db_index=False)
    campaign = models.ForeignKey("leads.Campaign", models.PROTECT, null=True, blank=True, db_index=False)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.INBOUND)
    is_human = models.BooleanField(default=True)
    is_engaged = models.BooleanField(default=True)
    is_hand_raise = models.BooleanField(default=False, help_text="The buyer asked to talk to sales.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    system = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(direction__in=Direction.values), name="touch_direction_known"),
            models.UniqueConstraint(
                fields=["system", "external_id"], condition=~Q(external_id=""), name="touch_external_unique"
            ),
        ]
        indexes = [
            models.Index(
                fields=["lead", "at"],
                include=["campaign", "channel", "direction", "is_human", "is_engaged"],
                name="touch_by_lead",
            ),
        ]

    def __str__(self) -> str:
        return self.title
