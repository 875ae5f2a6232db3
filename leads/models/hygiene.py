"""What the steward of the data works with: keys that find a person again, likely duplicates, and weekly counts."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from alignment.lib.set_keys import KnownKeys


class Lack(models.TextChoices):
    """What is missing or wrong in the facts of one lead."""

    NAME = "no_name", "No name"
    REACH = "no_reach", "No way to reach them"
    COMPANY = "no_company", "No company"
    SOURCE = "no_source", "No source"
    CONSENT = "no_consent", "Consent not asked"
    FREE_MAIL = "free_mail", "Free mailbox, but a company"
    BAD_EMAIL = "bad_email", "E-mail address that is none"
    BAD_PHONE = "bad_phone", "Phone number that is none"


class LeadKeys(models.Model):
    """The normalised keys of a standing lead, and what its facts lack; in a narrow table of its own, which is brought
    up to date after the lead was written (`is_stale` until then). Tombstones have no row.
    """

    lead = models.OneToOneField(
        "leads.Lead", models.PROTECT, primary_key=True, related_name="keys", db_constraint=False
    )
    mailbox = models.CharField(max_length=320, db_default="")
    phone = models.CharField(max_length=24, db_default="", help_text="E.164.")
    person = models.CharField(max_length=200, db_default="")
    company = models.CharField(max_length=200, db_default="")
    name_block = models.CharField(max_length=401, db_default="", help_text="The name and the company's first word.")
    first_block = models.CharField(
        max_length=40, db_default="", help_text="The account and how the name's parts begin,"
    )
    last_block = models.CharField(max_length=40, db_default="", help_text="the first and the last in order of letters.")
    lacks = ArrayField(models.CharField(max_length=10), db_default=[])
    is_stale = models.BooleanField(db_default=True)

    class Meta:
        constraints = [KnownKeys(fields=["lead"], name="keys_known")]
        indexes = [
            models.Index(fields=["lead"], name="keys_stale", condition=Q(is_stale=True)),
            *(
                models.Index(fields=[key, "lead"], name=f"keys_{key}_lead", condition=~Q(**{key: ""}))
                for key in ("mailbox", "phone", "name_block", "first_block", "last_block")
            ),
            *(
                models.Index(fields=["lead"], name=f"keys_{lack.value}", condition=Q(lacks__contains=[lack.value]))
                for lack in Lack
            ),
        ]

    def __str__(self) -> str:
        return f"Keys of lead {self.lead_id}"


class DuplicatePair(models.Model):
    """Two standing leads that may be one person, with the evidence. `is_exact`: a key is the same, and nothing speaks
    against it. A dismissed pair ("not the same") is remembered, and never found again.
    """

    first = models.ForeignKey("leads.Lead", models.PROTECT, related_name="+", db_index=False)
    second = models.ForeignKey("leads.Lead", models.PROTECT, related_name="+", db_index=False)
    is_exact = models.BooleanField()
    same_mailbox = models.BooleanField()
    same_phone = models.BooleanField()
    same_account = models.BooleanField()
    names_alike = models.FloatField(help_text="How alike the names are, 0 to 1.")
    companies_alike = models.FloatField(help_text="Trigram similarity of the companies, 0 to 1.")
    found_at = models.DateTimeField(db_default=Now())
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="pair_in_order"),
            models.CheckConstraint(
                condition=Q(names_alike__range=(0, 1), companies_alike__range=(0, 1)), name="pair_alike_is_a_share"
            ),
            models.CheckConstraint(condition=Q(dismissed_at__isnull=False) | Q(dismissed_by=None), name="pair_decided"),
        ]
        indexes = [
            models.Index(fields=["second"], name="pair_second"),
            models.Index(F("is_exact"), F("id").desc(), name="pair_to_decide", condition=Q(dismissed_at=None)),
        ]

    def __str__(self) -> str:
        return f"Leads {self.first_id} and {self.second_id}"


class WeeklyCount(models.Model):
    """How many leads (or pairs) a finding had, as last counted in a week of the company's calendar."""

    begins_on = models.DateField()
    finding = models.CharField(max_length=20)
    count = models.PositiveIntegerField()
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["begins_on", "finding"], name="weekly_count_once")]

    def __str__(self) -> str:
        return f"{self.finding}, week of {self.begins_on}: {self.count}"
