"""When people work: calendars, their hours and dates, and who is away."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower

from alignment.lib.business_time import Hours
from alignment.lib.time_zones import validate_time_zone


class WorkingCalendar(models.Model):
    """Hours by weekday in a zone, without the public holidays of `country` (and its `subdivision`) and own dates.

    Its working time from `spans_since_at` to `spans_until` is compiled to `WorkingSpan` rows, for arithmetic in sets.
    """

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=80)
    time_zone = models.CharField(max_length=64, validators=[validate_time_zone])
    country = models.CharField("public holidays of", max_length=2, blank=True, help_text="ISO 3166; blank: none.")
    subdivision = models.CharField("state or region", max_length=10, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True, help_text="From when on nobody new works by it.")
    spans_since_at = models.DateTimeField(null=True, editable=False)
    spans_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("name"), name="calendar_name_unique", violation_error_message="A calendar of this name exists."
            ),
            models.CheckConstraint(
                condition=Q(subdivision="") | ~Q(country=""), name="calendar_subdivision_has_country"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class WorkingHours(models.Model):
    """One stretch of a weekday, in minutes since its midnight; beyond 1440 it ends on the next day."""

    id = models.AutoField(primary_key=True)
    calendar = models.ForeignKey(WorkingCalendar, models.PROTECT, related_name="hours")
    weekday = models.PositiveSmallIntegerField(help_text="ISO 8601: 1 is Monday.")
    opens = models.PositiveSmallIntegerField()
    closes = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(weekday__range=(1, 7)), name="hours_weekday_known"),
            models.CheckConstraint(
                condition=Q(opens__lt=1440, closes__gt=F("opens"), closes__lte=F("opens") + 1440),
                name="hours_in_order",
            ),
            ExclusionConstraint(
                name="hours_never_overlap",
                expressions=[
                    (F("calendar"), RangeOperators.EQUAL),
                    (
                        Func(
                            F("weekday") * Value(1440) + F("opens"),
                            F("weekday") * Value(1440) + F("closes"),
                            function="int4range",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return str(self.as_hours())

    def as_hours(self) -> Hours:
        return Hours(self.opens, self.closes)


class CalendarDate(models.Model):
    """A date on which a calendar differs from its week and from public holidays: closed, or open from `opens` to
    `closes` (minutes since midnight) alone.
    """

    id = models.AutoField(primary_key=True)
    calendar = models.ForeignKey(WorkingCalendar, models.PROTECT, related_name="dates")
    falls_on = models.DateField()
    name = models.CharField(max_length=80, blank=True)
    opens = models.PositiveSmallIntegerField(null=True, blank=True)
    closes = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calendar", "falls_on"], name="calendar_date_unique"),
            models.CheckConstraint(
                condition=Q(opens=None, closes=None) | Q(opens__isnull=False, closes__gt=F("opens"), closes__lte=1440),
                name="calendar_date_hours_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.falls_on} {self.name}".strip()

    @property
    def hours(self) -> tuple[Hours, ...]:
        """What is worked on the date; empty where it is closed."""
        return () if self.opens is None or self.closes is None else (Hours(self.opens, self.closes),)


class WorkingSpan(models.Model):
    """Compiled working time: [opens_at, closes_at), and the microseconds worked before it since `spans_since_at`.

    Derived from the calendar; `accord_working_until` and `accord_working_between` read it.
    """

    calendar = models.ForeignKey(WorkingCalendar, models.PROTECT, related_name="spans", db_index=False)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    worked_before = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(closes_at__gt=F("opens_at")), name="span_in_order"),
            models.UniqueConstraint(fields=["calendar", "opens_at"], name="span_by_opening"),
            models.UniqueConstraint(fields=["calendar", "worked_before"], name="span_by_work"),
        ]

    def __str__(self) -> str:
        return f"{self.opens_at:%Y-%m-%d %H:%M} – {self.closes_at:%H:%M}"


DAYS = Func(F("first_on"), F("last_on"), Value("[]"), function="daterange")


class Absence(models.Model):
    """Days on which somebody is away, in their own zone. Two that stand never overlap; a cancelled one stays."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="absences", db_index=False)
    first_on = models.DateField()
    last_on = models.DateField(help_text="The last day away.")
    note = models.CharField(max_length=120, blank=True)
    planned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    planned_at = models.DateTimeField(auto_now_add=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="absence_never_two",
                expressions=[("user", RangeOperators.EQUAL), (DAYS, RangeOperators.OVERLAPS)],
                condition=Q(cancelled_at=None),
            ),
            models.CheckConstraint(condition=Q(last_on__gte=F("first_on")), name="absence_in_order"),
        ]
        indexes = [models.Index(fields=["user"], condition=Q(cancelled_at=None), name="absence_by_user")]

    def __str__(self) -> str:
        return f"{self.user}: {self.first_on} – {self.last_on}"
