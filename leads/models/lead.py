"""The lead: who it is, and where it stands today (derived from its moves, in the same transaction)."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from alignment.lib.set_keys import KnownKeys, NeverDeleted, set_key
from leads.milestones import Milestone, Outcome
from leads.querysets import GONE, LeadQuerySet


class Consent(models.TextChoices):
    """Whether the person agreed to be contacted."""

    UNKNOWN = "unknown", "Not asked"
    GRANTED = "granted", "Agreed"
    WITHDRAWN = "withdrawn", "Withdrawn"


def display_name(pk: int, name: str, email: str) -> str:
    """What a page calls the lead with these columns; leads without a name or an e-mail are legal."""
    return name or email or f"Lead {pk}"


class Lead(models.Model):
    """A person that marketing knows. The same record from first touch to won; nothing is converted.

    `stage`, `milestone`, `outcome`, `pass_no`, `last_seq`, `owner` and `team` are the state of the newest pass;
    `leads.lifecycle` alone writes them. `outcome` is empty while that pass is open.
    """

    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=320, blank=True, help_text="As it was given.")
    email_key = models.CharField(max_length=320, blank=True, help_text="Normalised; finds the lead again.")
    email_domain = models.CharField(max_length=253, blank=True)
    phone = models.CharField(max_length=60, blank=True)
    title = models.CharField(max_length=160, blank=True)
    seniority = models.CharField(max_length=40, blank=True)
    company_name = models.CharField(max_length=200, blank=True)
    account = set_key("leads.Account", null=True, blank=True, related_name="leads")
    product_interest = models.CharField(max_length=120, blank=True)
    consent = models.CharField(max_length=9, choices=Consent.choices, default=Consent.UNKNOWN)
    do_not_contact = models.BooleanField(default=False)
    attributes = models.JSONField(default=dict, blank=True, help_text="Further columns of an import, as they came.")

    source = set_key("leads.Source", null=True, blank=True)
    campaign = set_key("leads.Campaign", null=True, blank=True)
    segment = set_key("leads.Segment", null=True, blank=True)
    territory = set_key("leads.Territory", null=True, blank=True)

    stage = set_key("leads.Stage", related_name="leads")
    milestone = models.IntegerField(choices=Milestone.choices)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)
    pass_no = models.PositiveIntegerField(default=1)
    last_seq = models.PositiveIntegerField(default=1)
    owner = set_key(settings.AUTH_USER_MODEL, null=True, related_name="leads")
    team = set_key("people.Team", null=True, related_name="+")
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False
    )
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was taken back: it should never have come in."
    )
    moved_at = models.DateTimeField(help_text="When the newest move was recorded.")

    objects = LeadQuerySet.as_manager()

    class Meta:
        constraints = [
            KnownKeys(
                fields=["account", "source", "campaign", "segment", "territory", "stage", "owner", "team"],
                name="lead_keys_known",
            ),
            NeverDeleted(name="lead_never_deleted"),
            models.UniqueConstraint(
                fields=["email_key"],
                condition=~Q(email_key="") & Q(merged_into=None, withdrawn_at=None),
                name="lead_email_unique",
            ),
            models.CheckConstraint(condition=Q(milestone__in=Milestone.values), name="lead_milestone_known"),
            models.CheckConstraint(condition=Q(outcome__in=["", *Outcome.values]), name="lead_outcome_known"),
            models.CheckConstraint(condition=Q(consent__in=Consent.values), name="lead_consent_known"),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("id")), name="lead_not_merged_into_itself"
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(withdrawn_at=None), name="lead_merged_or_withdrawn"
            ),
        ]
        indexes = [
            # The list's order, and one index for rare combinations of facets.
            models.Index(F("moved_at").desc(), F("id").desc(), name="lead_newest"),
            models.Index(F("owner"), F("outcome"), F("milestone"), F("moved_at").desc(), name="lead_by_owner"),
            models.Index(F("team"), F("outcome"), F("milestone"), F("moved_at").desc(), name="lead_by_team"),
            GinIndex(
                fields=["milestone", "stage", "source", "campaign", "segment", "territory", "owner", "team"],
                name="lead_facets",
            ),
            models.Index(
                fields=["team", "owner"],
                name="lead_awaiting",
                condition=Q(merged_into=None, milestone=Milestone.MQL, outcome=""),
            ),
            models.Index(
                fields=["moved_at"],
                name="lead_open",
                condition=Q(milestone__gte=Milestone.MQL, outcome="", merged_into=None, withdrawn_at=None),
            ),
            # How many stand in each stage is counted from it alone.
            models.Index(
                fields=["stage"],
                name="lead_standing",
                condition=Q(outcome="", merged_into=None, withdrawn_at=None),
            ),
            # With the key, so that whose accounts are listed or profiled is read from it alone.
            models.Index(
                fields=["account"], include=["id"], name="lead_by_account", condition=Q(account__isnull=False)
            ),
            models.Index(fields=["id"], name="lead_gone", condition=GONE),
            # Those without one of these, for the lists of them; `lead_facets` cannot look for what is null.
            models.Index(fields=["id"], name="lead_unsorted", condition=Q(segment=None) | Q(territory=None)),
            models.Index(fields=["merged_into"], name="lead_merged", condition=Q(merged_into__isnull=False)),
            models.Index(fields=["email_key"], name="lead_merged_email", condition=Q(merged_into__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """What a page calls this lead."""
        return display_name(self.pk, self.name, self.email)

    @property
    def may_be_contacted(self) -> bool:
        """Whether nothing forbids to call or to write; who was not asked yet may be."""
        return not self.do_not_contact and self.consent != Consent.WITHDRAWN

    @property
    def is_open(self) -> bool:
        """Whether the newest pass is still under way."""
        return not self.outcome


class LeadSearch(models.Model):
    """What the search box reads, in a narrow table: a trigram index on the wide lead row dominates its writes."""

    lead = models.OneToOneField(Lead, models.PROTECT, primary_key=True, related_name="search", db_constraint=False)
    text = models.TextField(help_text="Name, e-mail and company, in one line.")

    class Meta:
        constraints = [KnownKeys(fields=["lead"], name="lead_search_keys_known")]
        indexes = [
            GinIndex(OpClass(Upper("text"), name="gin_trgm_ops"), name="lead_search_trigrams"),
        ]

    def __str__(self) -> str:
        return self.text
