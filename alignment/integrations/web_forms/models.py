"""Web forms, the keys they are posted to, what people agreed to, and what became of each submission."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class WebForm(models.Model):
    """A form of a website: what it asks, and what a lead that comes through it stands for.

    `fields` is the list of `asking.Field`s as JSON. `limit_per_address` is the number of submissions that one network
    address may send in ten minutes, `limit_in_all` what all addresses together may. Who needed fewer than
    `least_seconds` to fill it in is asked to look again (0: nobody).
    """

    name = models.CharField(max_length=120, unique=True)
    source = models.ForeignKey("leads.Source", models.PROTECT, related_name="web_forms", db_index=False)
    campaign = models.ForeignKey(
        "leads.Campaign", models.PROTECT, null=True, blank=True, related_name="web_forms", db_index=False
    )
    fields = models.JSONField(default=list)
    is_hand_raise = models.BooleanField(default=False)
    thank_you_url = models.CharField(max_length=500, blank=True)
    allowed_origins = ArrayField(models.CharField(max_length=270), default=list, blank=True)
    limit_per_address = models.PositiveIntegerField(default=10)
    limit_in_all = models.PositiveIntegerField(default=300)
    least_seconds = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(limit_per_address__gte=1) & Q(limit_in_all__gte=1), name="web_form_limits_let_some_in"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FormKey(models.Model):
    """The secret part of the address that a form is posted to. Of a form one key counts; replaced ones are known."""

    form = models.ForeignKey(WebForm, models.PROTECT, related_name="keys", db_index=False)
    key = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["form"], condition=Q(replaced_at=None), name="web_form_has_one_key"),
        ]

    def __str__(self) -> str:
        return f"Key {self.pk} of {self.form_id}"


class ConsentText(models.Model):
    """What a visitor can agree to, word by word. A changed text is another version: agreed ones stay as they were.

    `slot` says which checkbox of the form it stands beside, from 1 on.
    """

    form = models.ForeignKey(WebForm, models.PROTECT, related_name="consent_texts", db_index=False)
    slot = models.PositiveSmallIntegerField()
    version = models.PositiveIntegerField()
    text = models.CharField(max_length=1000)
    is_required = models.BooleanField(default=False)
    allows_contact = models.BooleanField(default=True, help_text="Who agrees may be contacted.")
    published_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["form", "slot", "version"], name="consent_text_version_unique"),
            models.UniqueConstraint(
                fields=["form", "slot"], condition=Q(replaced_at=None), name="consent_text_one_counts"
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Outcome(models.TextChoices):
    """What became of a post."""

    RECEIVED = "received", "Received"
    REPEATED = "repeated", "Sent twice"
    INVALID = "invalid", "Mistakes in fields"
    ORIGIN = "origin", "Website not allowed"
    ROBOT = "robot", "Robot"
    LIMITED = "limited", "Too many"
    UNREADABLE = "unreadable", "Not a form"
    CLOSED = "closed", "Form or key retired"


class Submission(models.Model):
    """A post that was received, or refused with a reason that its form's owner should know.

    `answers` is what a received one said, field by field; of a refused one only the names of its fields are kept, in
    `problems`. (`form`, `reference`) is the external id of the touchpoint that it became.
    """

    form = models.ForeignKey(WebForm, models.PROTECT, related_name="submissions", db_index=False)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    lead = models.ForeignKey("leads.Lead", models.PROTECT, null=True, related_name="form_submissions", db_index=False)
    is_new_lead = models.BooleanField(default=False)
    reference = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    answers = models.JSONField(default=dict)
    problems = models.JSONField(default=dict)
    page_url = models.CharField(max_length=500, blank=True)
    referrer = models.CharField(max_length=500, blank=True)
    campaign_tags = models.JSONField(default=dict)
    origin = models.CharField(max_length=270, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="submission_outcome_known"),
            models.CheckConstraint(
                condition=~Q(outcome=Outcome.RECEIVED) | Q(lead__isnull=False), name="submission_received_is_a_lead"
            ),
            models.UniqueConstraint(
                fields=["form", "reference"], condition=~Q(reference=""), name="submission_reference_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["form", "-id"], name="submission_newest"),
            models.Index(fields=["form", "digest"], condition=~Q(digest=""), name="submission_same"),
            models.Index(fields=["lead"], condition=Q(lead__isnull=False), name="submission_by_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}, {self.at:%Y-%m-%d %H:%M}"

    @property
    def told(self) -> list[tuple[str, str]]:
        """The answers under the labels that the form has today; a question that is gone goes by its name."""
        labels = {field["name"]: field["label"] for field in self.form.fields}
        return [(labels.get(name, name), answer) for name, answer in self.answers.items()]


class ConsentRecord(models.Model):
    """That a person agreed: to which text, when, and by which submission (which names the page)."""

    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="consent_records", db_index=False)
    text = models.ForeignKey(ConsentText, models.PROTECT, related_name="records", db_index=False)
    submission = models.ForeignKey(Submission, models.PROTECT, related_name="consents", db_index=False)
    agreed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["submission", "text"], name="consent_record_once"),
        ]
        indexes = [models.Index(fields=["lead"], name="consent_record_by_lead")]

    def __str__(self) -> str:
        return f"{self.lead_id} agreed to {self.text_id}"


class PostCount(models.Model):
    """How many posts an address sent to a form since `window_at`; the blank address stands for all of them.

    `address` is a keyed digest: it cannot be read back.
    """

    form = models.ForeignKey(WebForm, models.PROTECT, related_name="+", db_index=False)
    address = models.CharField(max_length=32, blank=True)
    window_at = models.DateTimeField()
    posts = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "address"], name="post_count_by_address")]
        indexes = [models.Index(fields=["window_at"], name="post_count_oldest")]

    def __str__(self) -> str:
        return f"{self.posts} since {self.window_at:%H:%M}"


class Tally(models.Model):
    """How many posts of a form ended so on one day (UTC); all that is kept of robots and of floods."""

    form = models.ForeignKey(WebForm, models.PROTECT, related_name="tallies", db_index=False)
    counted_on = models.DateField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    posts = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="tally_outcome_known"),
            models.UniqueConstraint(fields=["form", "counted_on", "outcome"], name="tally_one_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.posts} {self.outcome} on {self.counted_on}"
