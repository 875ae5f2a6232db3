"""What happened between a person and the company: visits, forms, mails, calls."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from alignment.lib.set_keys import KnownKeys, set_key


class Direction(models.TextChoices):
    """Who reached out."""

    INBOUND = "inbound", "From the buyer"
    OUTBOUND = "outbound", "By sales"
    INTENT = "intent", "Intent signal"


class Touchpoint(models.Model):
    """One touch. `is_engaged` is false for sends and opens, which privacy proxies fake; `is_human` is false for
    automated mail. (`system`, `external_id`) finds it again, so that the same touch is stored once.
    """

    lead = set_key("leads.Lead", related_name="touchpoints")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40, help_text="What happened, e.g. form, visit, webinar, call, e-mail.")
    title = models.CharField(max_length=200, help_text="What a timeline says, e.g. “Asked for a demo”.")
    channel = set_key("leads.Source", null=True, blank=True)
    campaign = set_key("leads.Campaign", null=True, blank=True)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.INBOUND)
    is_human = models.BooleanField(default=True)
    is_engaged = models.BooleanField(default=True)
    is_hand_raise = models.BooleanField(default=False, help_text="The buyer asked to talk to sales.")
    actor = set_key(settings.AUTH_USER_MODEL, null=True, blank=True, related_name="+")
    system = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            KnownKeys(fields=["lead", "channel", "campaign", "actor"], name="touch_keys_known"),
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


class WithdrawnTouch(models.Model):
    """A touch that should never have been recorded: out of every list, score and figure, kept as it stood.

    `touch` has its columns, with the `id` that it had; its name in another system is free again.
    """

    lead = set_key("leads.Lead", related_name="+", db_index=True)
    touch = models.JSONField()
    actor = set_key(settings.AUTH_USER_MODEL, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "withdrawn touches"
        constraints = [KnownKeys(fields=["lead", "actor"], name="withdrawn_touch_keys_known")]

    def __str__(self) -> str:
        return str(self.touch["title"])
