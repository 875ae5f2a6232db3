"""What runs beside the pages: outgoing messages, notifications, long jobs, signs of life, the audit log."""

from collections.abc import Collection
from datetime import time

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from alignment.people.models import ApiToken, Role, User


class Transport(models.TextChoices):
    """How a message leaves."""

    EMAIL = "email", "E-mail"
    SLACK = "slack", "Slack"
    WEBHOOK = "webhook", "Webhook"


class DestinationQuerySet(models.QuerySet["Destination"]):
    def standing(self) -> "DestinationQuerySet":
        """Those that nobody has removed."""
        return self.filter(retired_at=None)

    def hearing(self, occasions: Collection[str]) -> "DestinationQuerySet":
        """Those that hear of one of these occasions."""
        return self.standing().filter(occasions__overlap=list(occasions))


class Destination(models.Model):
    """Where people hear of things outside Accord: a Slack channel, or another program.

    `occasions` are keys of `alignment.ops.occasions`. `url` is as secret as a password, for whoever knows it can post.
    `secret` signs what goes to a program. One that said that it is gone is `stopped`: its messages wait until somebody
    starts it again. `leased_until` keeps senders from meeting at a slow receiver; it is in the past when nobody sends.
    """

    id = models.AutoField(primary_key=True)
    transport = models.CharField(max_length=8, choices=Transport)
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=2000)
    secret = models.CharField(max_length=100, blank=True)
    occasions = ArrayField(models.CharField(max_length=40), default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    stopped_at = models.DateTimeField(null=True)
    stopped_why = models.CharField(max_length=500, blank=True, default="")
    retired_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)

    objects = DestinationQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(retired_at=None), name="destination_name_unique",
                violation_error_message="Another channel has this name.",
            ),
            models.CheckConstraint(
                condition=Q(transport=Transport.SLACK, secret="") | (Q(transport=Transport.WEBHOOK) & ~Q(secret="")),
                name="destination_webhooks_are_signed",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at=None, stopped_why="") | (Q(stopped_at__isnull=False) & ~Q(stopped_why="")),
                name="destination_stopped_for_a_reason",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("setup_channel", args=[self.pk])


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    def waiting(self) -> "OutboxQuerySet":
        """Neither sent nor given up."""
        return self.filter(sent_at=None, dead_at=None)

    def dead(self) -> "OutboxQuerySet":
        """Given up after the last attempt."""
        return self.filter(dead_at__isnull=False)


class OutboxMessage(models.Model):
    """A message that leaves Accord. It is written in the transaction of what it tells, and sent after its commit.

    A mail has a text and may have the same as `html`; what goes to a `destination` has the JSON that is posted.

    It waits until `sent_at` or `dead_at` is set. `due_at` is when the next attempt may begin; who takes a message
    moves `due_at` to where that attempt must be over, so a message whose sender died is due again by itself.
    """

    transport = models.CharField(max_length=8, choices=Transport, default=Transport.EMAIL)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    destination = models.ForeignKey(
        Destination, models.PROTECT, null=True, blank=True, related_name="messages", db_index=False
    )
    address = models.CharField(max_length=320)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    html = models.TextField(blank=True, db_default="")
    dedupe_key = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(db_default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True, help_text="When the last attempt failed.")
    last_error = models.CharField(max_length=500, blank=True, db_default="")

    objects = OutboxQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(transport__in=Transport.values), name="outbox_transport_known"),
            models.CheckConstraint(condition=~Q(address=""), name="outbox_has_address"),
            models.CheckConstraint(
                condition=Q(transport=Transport.EMAIL, destination=None)
                | (~Q(transport=Transport.EMAIL) & Q(destination__isnull=False)),
                name="outbox_goes_somewhere",
            ),
            models.CheckConstraint(condition=Q(sent_at=None) | Q(dead_at=None), name="outbox_sent_or_dead"),
        ]
        indexes = [
            models.Index("due_at", condition=Q(sent_at=None, dead_at=None), name="outbox_waiting"),
            models.Index(
                fields=["destination", "due_at"],
                condition=Q(sent_at=None, dead_at=None, destination__isnull=False),
                name="outbox_waiting_hooks",
            ),
            models.Index("dead_at", condition=Q(dead_at__isnull=False), name="outbox_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.get_transport_display()} {self.pk}"


class MailMode(models.TextChoices):
    """When a person is mailed about an occasion."""

    AT_ONCE = "at_once", "At once"
    DIGEST = "digest", "In the daily list"
    NEVER = "never", "Not at all"


class MailHours(models.Model):
    """When a person wants mail, in their own time zone. Who has no row has the defaults: at any time, the list at 8.

    Quiet hours may go over midnight; with `quiet_weekends` Saturday and Sunday are quiet as a whole. What falls into
    them waits for their end.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True, related_name="mail_hours")
    digest_at = models.TimeField(default=time(8))
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    quiet_weekends = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "mail hours"
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | (Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until"))),
                name="mail_hours_quiet_whole",
            )
        ]

    def __str__(self) -> str:
        return f"Mail hours of {self.user_id}"


class MailPreference(models.Model):
    """How a person wants to be mailed about an occasion, where it is not the occasion's default."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="mail_preferences", db_index=False)
    occasion = models.CharField(max_length=40)
    mode = models.CharField(max_length=7, choices=MailMode)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "occasion"], name="mail_preference_once"),
            models.CheckConstraint(condition=Q(mode__in=MailMode.values), name="mail_preference_mode_known"),
        ]

    def __str__(self) -> str:
        return f"{self.occasion}: {self.mode}"


class NotificationQuerySet(models.QuerySet["Notification"]):
    def of(self, user: User) -> "NotificationQuerySet":
        """What `user` was told, newest first."""
        return self.filter(user=user).order_by("-id")

    def unread(self) -> "NotificationQuerySet":
        return self.filter(read_at=None)


class Notification(models.Model):
    """Something that one user was told in the app. `url` is the path of the page that it is about, `action` what can be
    done there. `mail_at` is when it is due to be mailed, null once it was, or where it never is. A sum `stands_for` so
    many things, which its title counts.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notifications", db_index=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)
    action = models.CharField(max_length=40, blank=True, db_default="")
    mail_at = models.DateTimeField(null=True, blank=True)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    dedupe_key = models.CharField(max_length=120)
    stands_for = models.PositiveIntegerField(db_default=1, default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "dedupe_key"], name="notification_once"),
            models.CheckConstraint(
                condition=Q(subject_kind="", subject_id=None) | (~Q(subject_kind="") & Q(subject_id__isnull=False)),
                name="notification_subject_whole",
            ),
        ]
        indexes = [
            models.Index("user", F("id").desc(), name="notification_newest"),
            models.Index("user", condition=Q(read_at=None), name="notification_unread"),
            models.Index("mail_at", condition=Q(mail_at__isnull=False), name="notification_to_mail"),
        ]

    def __str__(self) -> str:
        return self.title


class JobState(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class JobQuerySet(models.QuerySet["Job"]):
    def seen_by(self, user: User) -> "JobQuerySet":
        """The jobs that `user` started; for RevOps all."""
        return self if user.role == Role.REVOPS else self.filter(created_by=user)


class Job(models.Model):
    """Long work in slices. `cursor` says where the next slice starts; a slice and its cursor commit together.

    `done` of `total` are in the unit of the kind (rows, leads); a null total is not known. While it runs, a job
    belongs to `leased_by` until `leased_until`; after that whoever comes takes it over. `interruptions` counts the
    takeovers since the last slice that ended. `error` is a sentence for people.
    """

    # Of a slice that began beside the one before it: what that one keeps locked until it is stored (`jobs.in_turn`).
    follows = ""

    kind = models.CharField(max_length=60)
    state = models.CharField(max_length=9, choices=JobState, default=JobState.QUEUED)
    params = models.JSONField(default=dict)
    cursor = models.JSONField(null=True, blank=True, help_text="Null: nothing is done yet.")
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    result = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True, default="")
    interruptions = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.UUIDField(null=True, blank=True, help_text="The run that has it; another one cannot store.")

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(
                condition=Q(state=JobState.RUNNING, leased_until__isnull=False, leased_by__isnull=False)
                | (~Q(state=JobState.RUNNING) & Q(leased_until=None, leased_by=None)),
                name="job_leased_while_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, finished_at=None)
                | (~Q(state__in=OPEN_STATES) & Q(finished_at__isnull=False)),
                name="job_finished_when_closed",
            ),
            models.CheckConstraint(condition=Q(state=JobState.FAILED) | Q(error=""), name="job_error_when_failed"),
        ]
        indexes = [
            models.Index("leased_until", condition=Q(state__in=OPEN_STATES), name="job_open"),
            models.Index("created_by", F("id").desc(), name="job_newest_of"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("job", args=[self.pk])

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or runs."""
        return self.state in OPEN_STATES


class Heartbeat(models.Model):
    """When a process last showed that it lives."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(db_default=Now())
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Who did what that somebody may have to answer for. Append-only by trigger.

    `actor` is null for what nobody signed in did (a refused login, the system itself). `detail` names the values
    before and after, and no personal data beyond what a login tried to be.
    """

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    action = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [models.Index("action", F("at").desc(), name="audit_by_action")]

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M}"


class IdempotentWrite(models.Model):
    """What was answered to a write that carried an `Idempotency-Key`, so that the same request is answered the same.

    Stored in the transaction of the write. It is forgotten after `expires_at`: a note about a request, no record.
    """

    token = models.ForeignKey(ApiToken, models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, address and body.")
    status = models.PositiveSmallIntegerField()
    location = models.CharField(max_length=300, blank=True)
    body = models.TextField(help_text="The answer, as it was sent.")
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="idempotent_once")]
        indexes = [models.Index(fields=["expires_at"], name="idempotent_expiry")]

    def __str__(self) -> str:
        return self.key
