"""Deals: opportunities, the people around them, and every change as a row."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from alignment.lib.set_keys import NeverDeleted


class DealKind(models.TextChoices):
    """What is being sold; the default view of figures is new business."""

    NEW = "new", "New business"
    EXPANSION = "expansion", "Expansion"
    RENEWAL = "renewal", "Renewal"


class DealState(models.TextChoices):
    """Where a deal stands."""

    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"


class SourcedBy(models.TextChoices):
    """Who brought the deal: exclusive, disputable until the month closes."""

    MARKETING = "marketing", "Marketing"
    SALES = "sales", "Sales"
    PARTNER = "partner", "Partner"
    CUSTOMER = "customer", "Existing customer"


class Opportunity(models.Model):
    """A deal of an account (an account is unknown in some imported history). Amounts are bookings in `currency`;
    `rate` converts them to the company's currency and is frozen with each change. Stage, state and reason follow the
    primary journey where there is one. `sourced_by` is what the newest `Sourcing` says.
    """

    account = models.ForeignKey("leads.Account", models.PROTECT, null=True, blank=True, related_name="opportunities")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=9, choices=DealKind.choices, default=DealKind.NEW)
    state = models.CharField(max_length=4, choices=DealState.choices, default=DealState.OPEN)
    stage = models.ForeignKey(
        "leads.Stage", models.PROTECT, null=True, blank=True, related_name="opportunities", db_index=False
    )
    probability = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How likely it is to be won, in percent; null where nobody said."
    )
    reason = models.ForeignKey(
        "leads.Reason", models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="Why it was won or lost.",
    )  # fmt: skip
    product = models.CharField(max_length=120, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=18, decimal_places=8, default=1)
    base_amount = models.GeneratedField(
        expression=F("amount") * F("rate"),
        output_field=models.DecimalField(max_digits=14, decimal_places=2, null=True),
        db_persist=True,
    )
    expected_close_on = models.DateField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="opportunities"
    )
    sourced_by = models.CharField(max_length=9, choices=SourcedBy.choices, blank=True)
    opened_at = models.DateTimeField(null=True, help_text="When it became an SQO; null where history does not say.")
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was taken back: it should never have been opened."
    )

    class Meta:
        constraints = [
            NeverDeleted(name="deal_never_deleted"),
            models.CheckConstraint(condition=Q(kind__in=DealKind.values), name="deal_kind_known"),
            models.CheckConstraint(condition=Q(state__in=DealState.values), name="deal_state_known"),
            models.CheckConstraint(condition=Q(sourced_by__in=["", *SourcedBy.values]), name="deal_sourced_by_known"),
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gte=0), name="deal_amount_not_negative"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="deal_rate_positive"),
            models.CheckConstraint(
                condition=~Q(state=DealState.OPEN) | Q(closed_at=None), name="deal_open_has_no_close_date"
            ),
            models.CheckConstraint(condition=~Q(state=DealState.OPEN) | Q(reason=None), name="deal_open_has_no_reason"),
            models.CheckConstraint(
                condition=Q(probability=None) | Q(probability__lte=100), name="deal_probability_percent"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "closed_at"], name="deal_by_close"),
            # Figures of new business leave these out: few, and asked for by every one of them.
            models.Index(fields=["id"], condition=~Q(kind=DealKind.NEW), name="deal_not_new"),
            models.Index(fields=["-id"], condition=Q(state=DealState.OPEN, withdrawn_at=None), name="deal_open"),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="deal_name_trigrams"),
        ]

    def __str__(self) -> str:
        return self.name


class OpportunityChange(models.Model):
    """One changed field of one deal, append-only; amounts carry their currency and rate of that moment.

    `base_before` and `base_after` are the deal's amount in the company's currency around this row. Changes of one
    moment follow one another, so that the differences of a deal's rows add up to its amount, to the cent. Rows that
    were written before both were kept have null.
    """

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="changes")
    at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    field = models.CharField(max_length=20)
    old = models.CharField(max_length=200, blank=True)
    new = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=18, decimal_places=8)
    base_before = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    base_after = models.DecimalField(max_digits=14, decimal_places=2, null=True)

    def __str__(self) -> str:
        return f"{self.field}: {self.old} → {self.new}"


class OpportunityContact(models.Model):
    """A member of the buying group: a lead that has a role in a deal. One journey of the deal is primary."""

    opportunity = models.ForeignKey(Opportunity, models.PROTECT, related_name="contacts")
    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="contact_roles")
    role = models.CharField(max_length=60, blank=True)
    is_primary = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opportunity", "lead"], name="contact_role_unique"),
            models.UniqueConstraint(fields=["opportunity"], condition=Q(is_primary=True), name="contact_one_primary"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} in {self.opportunity_id}"


class DistinctDeals(models.Model):
    """Two deals of one account that look alike, and that somebody knows to be two; `first` has the lower key."""

    first = models.ForeignKey(Opportunity, models.PROTECT, related_name="+")
    second = models.ForeignKey(Opportunity, models.PROTECT, related_name="+")
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    said_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="distinct_deals_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="distinct_deals_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} is not {self.second_id}"
