"""Who brought each deal, by which rule, and on what evidence."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from leads.models.campaign import Source
from leads.models.opportunity import Opportunity, SourcedBy

MOST_DAYS = 3650
LAST_DAY = 28


class DealRules(models.Model):
    """The rules that both teams agreed on for deals; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    lookback_days = models.PositiveIntegerField(
        "look-back",
        default=180,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)],
        help_text="In days before the deal became an opportunity: an earlier touch does not source it.",
    )
    closing_day = models.PositiveSmallIntegerField(
        "books close on day",
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(LAST_DAY)],
        help_text="Of the next month, in the company's zone. Until the end of that day, who sourced a deal can be "
        "corrected.",
    )
    partner_sources = models.ManyToManyField(
        Source, blank=True, related_name="+", help_text="A first touch through one of these was a partner's."
    )
    sales_sources = models.ManyToManyField(
        Source, blank=True, related_name="+", help_text="A first touch through one of these was sales' own work."
    )

    class Meta:
        verbose_name_plural = "deal rules"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="deal_rules_single_row"),
            models.CheckConstraint(condition=Q(lookback_days__range=(1, MOST_DAYS)), name="deal_rules_lookback"),
            models.CheckConstraint(condition=Q(closing_day__range=(1, LAST_DAY)), name="deal_rules_closing_day"),
        ]

    def __str__(self) -> str:
        return f"{self.lookback_days} days, closed on day {self.closing_day}"


class SourcingRule(models.TextChoices):
    """Which rule said who brought a deal, in the order in which they are asked."""

    KIND = "kind", "An expansion or a renewal comes from an existing customer"
    CUSTOMER = "customer", "The account was a customer already"
    TOUCH = "touch", "The first engaged touch of the buying group within the look-back"
    ENTRY = "entry", "The channel through which its lead came in within the look-back"
    NOTHING = "nothing", "No engaged touch within the look-back: sales found it"
    CORRECTION = "correction", "Corrected by hand"


class Sourcing(models.Model):
    """Who brought a deal, append-only: the newest row of a deal counts.

    `sqo_at` is the moment that the rule looked back from, `days` how far. `touch` (its `lead` and `touched_at`) is what
    decided, for an entry the lead alone. A correction says why.
    """

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="sourcings")
    sourced_by = models.CharField(max_length=9, choices=SourcedBy.choices)
    rule = models.CharField(max_length=10, choices=SourcingRule.choices)
    sqo_at = models.DateTimeField()
    days = models.PositiveIntegerField()
    touch = models.ForeignKey("leads.Touchpoint", models.PROTECT, null=True, related_name="+", db_index=False)
    lead = models.ForeignKey("leads.Lead", models.PROTECT, null=True, related_name="+", db_index=False)
    touched_at = models.DateTimeField(null=True)
    channel = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+", db_index=False)
    why = models.TextField(max_length=2000, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(sourced_by__in=SourcedBy.values), name="sourcing_side_known"),
            models.CheckConstraint(condition=Q(rule__in=SourcingRule.values), name="sourcing_rule_known"),
            models.CheckConstraint(
                condition=Q(rule=SourcingRule.CORRECTION) & ~Q(why="") | ~Q(rule=SourcingRule.CORRECTION) & Q(why=""),
                name="sourcing_correction_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(rule=SourcingRule.TOUCH)
                | Q(touch__isnull=False, lead__isnull=False, touched_at__isnull=False),
                name="sourcing_touch_is_named",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.opportunity_id}: {self.get_sourced_by_display()}"
