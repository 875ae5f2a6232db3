"""A promise at work on one subject: when it began, when it is due, when it was kept."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from alignment.lib.set_keys import KnownKeys, NeverDeleted, set_key
from sla.models.policy import SUBJECT, SubjectKind
from sla.querysets import ClockQuerySet
from sla.subjects.registry import subject
from sla.verdict import is_late


class CancelReason(models.TextChoices):
    """Why no answer is owed any more."""

    MERGED = "merged", "The lead was merged into another one"
    ATTACHED = "attached", "The lead joined an open deal"
    UNDONE = "undone", "What began it was taken back"
    CLOSED = "closed", "It was closed in time"


class CalendarOf(models.TextChoices):
    """Whose calendar a clock goes by."""

    POLICY = "policy", "the promise's own calendar"
    TERRITORY = "territory", "the territory's calendar"
    OWNER = "owner", "the holder's calendar"
    COMPANY = "company", "the company's calendar"
    NOBODY = "", "around the clock"


class Clock(models.Model):
    """One clock for each time that a subject is owed something: of a lead each pass (`pass_no`), of a deal each stretch
    between two updates. `subject_kind` and `subject_id` name the subject, `lead` is the lead that it is about, if there
    is one, and `own_pass` the journey of that pass. `sla.clocks`, `sla.pausing`, `sla.recalculating` and `sla.sweep`
    write it.

    It runs until `stopped_at` (the moment of the answer, not of its recording) or `cancelled_at` is set; overdue or
    not, it goes on running. `calendar` was chosen when it began and stays, whoever holds the lead. `next_at` is when
    the sweep has to look at it: null when nothing more will happen by itself; `rung` is the last step of its ladder
    that was taken (`sla.ladder`). Whether the promise was kept follows from the dates alone (`sla.verdict`): while it
    is paused (until `paused_until` at most), `due_at` counts the whole pause, and an earlier end brings it forward. A
    silent clock is history: nobody is notified. `excused_at`: a verdict let its breach pass (`sla.disputes`); it is
    late as before, but no figure counts it. A parked clock could not be handled (`parked_why`); the sweep tries it
    again at `next_at`.
    """

    policy = set_key("sla.Policy", related_name="clocks")
    subject_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    lead = set_key("leads.Lead", null=True, related_name="clocks")
    pass_no = models.PositiveIntegerField()
    own_pass = models.ForeignObject(
        "leads.Journey",
        models.DO_NOTHING,
        from_fields=["lead", "pass_no"],
        to_fields=["lead", "pass_no"],
        related_name="+",
        null=True,
    )
    calendar = models.ForeignKey("people.WorkingCalendar", models.PROTECT, null=True, related_name="+", db_index=False)
    calendar_of = models.CharField(max_length=9, choices=CalendarOf.choices, blank=True, default="", db_default="")
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    rung = models.PositiveSmallIntegerField(db_default=0, default=0)
    paused_until = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_why = models.CharField(max_length=10, choices=CancelReason.choices, blank=True)
    excused_at = models.DateTimeField(null=True)
    is_silent = models.BooleanField(default=False)
    parked_at = models.DateTimeField(null=True)
    parked_why = models.CharField(max_length=500, blank=True)

    objects = ClockQuerySet.as_manager()

    class Meta:
        constraints = [
            KnownKeys(fields=["policy", "lead"], name="clock_keys_known"),
            NeverDeleted(name="clock_never_deleted"),
            models.UniqueConstraint(fields=["subject_kind", "subject_id", "pass_no"], name="clock_one_a_pass"),
            models.CheckConstraint(condition=Q(subject_kind__regex=SUBJECT), name="clock_subject_named"),
            models.CheckConstraint(
                condition=~Q(subject_kind__in=SubjectKind.values) | Q(lead__isnull=False, subject_id=F("lead_id")),
                name="clock_of_its_lead",
            ),
            models.CheckConstraint(condition=Q(due_at__gt=F("started_at")), name="clock_due_after_start"),
            models.CheckConstraint(
                condition=Q(stopped_at=None) | Q(cancelled_at=None), name="clock_stopped_or_cancelled"
            ),
            models.CheckConstraint(
                condition=Q(next_at=None) | Q(stopped_at=None, cancelled_at=None), name="clock_next_while_running"
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at=None, cancelled_why="")
                | Q(cancelled_at__isnull=False, cancelled_why__in=CancelReason.values),
                name="clock_cancelled_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(paused_until=None) | Q(stopped_at=None, cancelled_at=None, due_at__gte=F("paused_until")),
                name="clock_paused_while_running",
            ),
            models.CheckConstraint(
                condition=Q(calendar=None, calendar_of="")
                | Q(calendar__isnull=False, calendar_of__in=[each for each in CalendarOf.values if each]),
                name="clock_calendar_of_somebody",
            ),
            models.CheckConstraint(
                condition=Q(parked_at=None, parked_why="") | (Q(next_at__isnull=False) & ~Q(parked_why="")),
                name="clock_parked_with_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="clock_next"),
            # The clock of a pass, from the index alone: a lookup for each lead is then cheaper than a scan whatever is
            # known of the tables.
            models.Index(
                fields=["lead", "pass_no"],
                include=["subject_kind", "started_at", "due_at", "stopped_at", "cancelled_at"],
                name="clock_of_pass",
            ),
            models.Index(fields=["lead"], condition=Q(paused_until__isnull=False), name="clock_paused"),
            # Those whose ladder has come to the proposal (`sla.ladder`), for what is handed over by itself.
            models.Index(
                fields=["policy"],
                condition=Q(rung__gt=100, stopped_at=None, cancelled_at=None),
                name="clock_to_hand_over",
            ),
            models.Index(
                fields=["due_at"],
                include=["started_at", "stopped_at", "subject_kind", "lead", "pass_no", "excused_at", "policy"],
                condition=Q(cancelled_at=None),
                name="clock_by_due",
            ),
            models.Index(
                fields=["due_at"],
                include=["policy", "lead", "pass_no", "started_at", "paused_until"],
                condition=Q(stopped_at=None, cancelled_at=None),
                name="clock_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{subject(self.subject_kind)} {self.subject_id}, no. {self.pass_no}"

    @property
    def is_running(self) -> bool:
        """Whether an answer is still owed."""
        return self.stopped_at is None and self.cancelled_at is None

    def is_breached(self, at: datetime) -> bool:
        """Whether the promise is broken as of `at`; a cancelled clock is not judged."""
        return self.cancelled_at is None and is_late(self.due_at, self.stopped_at, at)

    def is_excused(self, at: datetime) -> bool:
        """Whether it is broken as of `at`, and a verdict let that pass."""
        return self.excused_at is not None and self.is_breached(at)


class EventKind(models.TextChoices):
    """What happened to a clock."""

    STARTED = "started", "Started"
    MET = "met", "Answered in time"
    STOPPED = "stopped", "Answered late"
    BREACHED = "breached", "Promise broken"
    REMINDED = "reminded", "Reminded"
    ESCALATED = "escalated", "Told further up"
    REASSIGNED = "reassigned", "Changed hands"
    HANDED_OVER = "handed_over", "Handed over for want of an answer"
    PAUSED = "paused", "Paused"
    RESUMED = "resumed", "Went on after a pause"
    CONTESTED = "contested", "Contested"
    EXCUSED = "excused", "Excused"
    CANCELLED = "cancelled", "Cancelled"
    REOPENED = "reopened", "Reopened"
    SETTLED = "settled", "Time of the answer changed"
    RECALCULATED = "recalculated", "Due time changed"
    PARKED = "parked", "Set aside after an error"


class ClockEvent(models.Model):
    """One event of one clock, append-only: `at` is when it took effect, `recorded_at` when Accord knew.

    A breach takes effect at the due time and is recorded once in the life of a clock; the row documents its
    detection, while the verdict follows from the clock's dates. `detail` holds old and new values, and why. `rung` is
    the step of the ladder that a reminder or an escalation was: each is taken once.
    """

    clock = set_key(Clock, related_name="events", db_index=True)
    kind = models.CharField(max_length=12, choices=EventKind.choices)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = set_key(settings.AUTH_USER_MODEL, null=True, related_name="+")
    rung = models.PositiveSmallIntegerField(db_default=0, default=0)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        constraints = [
            KnownKeys(fields=["clock", "actor"], name="clock_event_keys_known"),
            models.UniqueConstraint(fields=["clock"], condition=Q(kind=EventKind.BREACHED), name="clock_breached_once"),
            models.UniqueConstraint(fields=["clock"], condition=Q(kind="contested"), name="clock_contested_once"),
            models.UniqueConstraint(fields=["clock", "rung"], condition=Q(rung__gt=0), name="clock_rung_once"),
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="clock_event_known"),
        ]
        indexes = [
            models.Index(fields=["recorded_at"], condition=Q(kind=EventKind.BREACHED), name="clock_breach_found"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, clock {self.clock_id}"

    @property
    def queued_since(self) -> datetime | None:
        """Of a start: since when the lead had waited above capacity; None where it had not."""
        at = self.detail.get("queued_since")
        return datetime.fromisoformat(at) if at else None

    @property
    def due_times(self) -> list[datetime]:
        """The old and the new due time, where they changed; else none."""
        return [datetime.fromisoformat(at) for at in self.detail.get("due_at", ())]


class ClockPause(models.Model):
    """One pause of one clock: from when to when it counts at most (`ends_at`), brought forward where it ended early."""

    clock = models.ForeignKey(Clock, models.PROTECT, related_name="pauses", db_index=False)
    reason = models.ForeignKey("sla.PauseReason", models.PROTECT, related_name="+", db_index=False)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["began_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gte=F("began_at")), name="pause_in_order"),
            ExclusionConstraint(
                name="pause_never_two",
                expressions=[
                    (F("clock"), RangeOperators.EQUAL),
                    (Func(F("began_at"), F("ends_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [models.Index(fields=["clock"], name="pause_by_clock")]

    def __str__(self) -> str:
        return f"{self.reason}, clock {self.clock_id}"
