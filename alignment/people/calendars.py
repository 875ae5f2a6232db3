"""Working calendars: their write verbs, and the arithmetic on them in sets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from alignment.lib import batch
from alignment.lib.business_time import Calendar, CalendarError, Hours
from alignment.lib.public_holidays import Dates
from alignment.people.models import CalendarDate, Company, User, WorkingCalendar, WorkingHours, WorkingSpan
from alignment.people.signals import record_changed

MICROSECOND = timedelta(microseconds=1)
MARGIN = timedelta(days=400)
"""How far around the present, and around what is asked, spans are compiled."""

Week = Mapping[int, Sequence[Hours]]
"""ISO weekday → its hours."""


# Reading ------------------------------------------------------------------------------------------------------


def load(calendar_ids: Iterable[int]) -> dict[int, Calendar]:
    """These calendars, as `business_time` reckons with them; three queries at most."""
    rows = WorkingCalendar.objects.filter(pk__in=set(calendar_ids)).prefetch_related("hours", "dates")
    return {row.pk: as_calendar(row) for row in rows}


def as_calendar(row: WorkingCalendar) -> Calendar:
    """The pure calendar of a stored one."""
    return pure(
        zone=row.time_zone, country=row.country, subdivision=row.subdivision, week=week_of(row),
        dates={each.falls_on: each.hours for each in row.dates.all()},
    )  # fmt: skip


def pure(
    *, zone: str, week: Week, dates: Mapping[date, Sequence[Hours]], country: str = "", subdivision: str = ""
) -> Calendar:
    """A calendar of these facts. Raises CalendarError where there can be none."""
    return Calendar(WorkingCalendar(time_zone=zone).zone, week, Dates(dates, country, subdivision))


def week_of(row: WorkingCalendar) -> dict[int, list[Hours]]:
    """The hours of each weekday that has some."""
    week: dict[int, list[Hours]] = {}
    for each in sorted(row.hours.all(), key=lambda hours: (hours.weekday, hours.opens)):
        week.setdefault(each.weekday, []).append(each.as_hours())
    return week


# Writing ------------------------------------------------------------------------------------------------------


@transaction.atomic
def add(
    *, name: str, time_zone: str, week: Week, country: str = "", subdivision: str = "", by: User | None = None
) -> WorkingCalendar:
    """A new calendar. Raises ValidationError with a sentence for a week that cannot be."""
    calendar = WorkingCalendar.objects.create(name=name, time_zone=time_zone, country=country, subdivision=subdivision)
    _set_week(calendar, week)
    _compile(calendar)
    record_changed.send(sender=add, row=calendar, changed={"week": [None, _said(week)]}, by=by)
    return calendar


@transaction.atomic
def change(*, calendar_id: int, facts: Mapping[str, Any], week: Week, by: User | None = None) -> WorkingCalendar:
    """Sets fields of a calendar by name, and its week. Raises ValidationError for a week that cannot be."""
    calendar = _locked(calendar_id)
    before = {"week": _said(week_of(calendar)), **{name: getattr(calendar, name) for name in facts}}
    after = {"week": _said(week), **facts}
    for name, value in facts.items():
        setattr(calendar, name, value)
    calendar.save(update_fields=list(facts))
    _set_week(calendar, week)
    return _recompiled(calendar, before, after, by)


@transaction.atomic
def set_date(
    *, calendar_id: int, falls_on: date, name: str = "", hours: Hours | None = None, by: User | None = None
) -> WorkingCalendar:
    """Say what a date is: closed, or open for `hours` alone. What was said of it before is replaced."""
    calendar = _locked(calendar_id)
    facts = {
        "name": name, "opens": hours.opens if hours else None, "closes": hours.closes if hours else None,
    }  # fmt: skip
    CalendarDate.objects.update_or_create(calendar=calendar, falls_on=falls_on, defaults=facts)
    said = f"{name} {hours or 'closed'}".strip()
    return _recompiled(calendar, {falls_on.isoformat(): None}, {falls_on.isoformat(): said}, by)


@transaction.atomic
def forget_date(*, calendar_id: int, date_id: int, by: User | None = None) -> WorkingCalendar:
    """The date is like any other again."""
    calendar = _locked(calendar_id)
    own = calendar.dates.filter(pk=date_id).first()
    if own is None:
        return calendar
    own.delete()
    return _recompiled(calendar, {own.falls_on.isoformat(): own.name or "closed"}, {own.falls_on.isoformat(): None}, by)


@transaction.atomic
def retire(*, calendar_id: int, by: User | None = None) -> WorkingCalendar:
    """Nobody new works by it from now on. Raises ValidationError while somebody does."""
    calendar = _locked(calendar_id)
    if Company.objects.filter(calendar=calendar).exists():
        raise ValidationError("The company works by this calendar. Give it another one first.")
    if calendar.people.active().exists():
        raise ValidationError("Somebody works by this calendar. Give them another one first.")
    return _dated(calendar, timezone.now(), by)


@transaction.atomic
def take_up(*, calendar_id: int, by: User | None = None) -> WorkingCalendar:
    """Undoes `retire`."""
    return _dated(_locked(calendar_id), None, by)


def _dated(calendar: WorkingCalendar, retired_at: datetime | None, by: User | None) -> WorkingCalendar:
    changed = {"retired_at": [_text(calendar.retired_at), _text(retired_at)]}
    calendar.retired_at = retired_at
    calendar.save(update_fields=["retired_at"])
    record_changed.send(sender=_dated, row=calendar, changed=changed, by=by)
    return calendar


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _locked(calendar_id: int) -> WorkingCalendar:
    return WorkingCalendar.objects.select_for_update().get(pk=calendar_id)


def _set_week(calendar: WorkingCalendar, week: Week) -> None:
    try:
        pure(zone=calendar.time_zone, week=week, dates={})
    except CalendarError as mistake:
        raise ValidationError(str(mistake)) from mistake
    calendar.hours.all().delete()
    batch.insert(
        WorkingHours,
        [
            {"calendar_id": calendar.pk, "weekday": weekday, "opens": each.opens, "closes": each.closes}
            for weekday, hours in week.items()
            for each in hours
        ],
    )


def _said(week: Week) -> dict[str, str]:
    return {str(weekday): ", ".join(map(str, hours)) for weekday, hours in sorted(week.items()) if hours}


def _recompiled(
    calendar: WorkingCalendar, before: Mapping[str, Any], after: Mapping[str, Any], by: User | None
) -> WorkingCalendar:
    _compile(calendar)
    if changed := {name: [before[name], after[name]] for name in after if before[name] != after[name]}:
        record_changed.send(sender=_recompiled, row=calendar, changed=changed, by=by)
    return calendar


# Arithmetic in sets -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A question of `due_at`: when has `working` time passed since `start`?"""

    calendar_id: int
    start: datetime
    working: timedelta


_UNTIL = """
    SELECT accord_working_until(asked.calendar_id, asked.start, asked.working)
    FROM ROWS FROM (json_to_recordset(%s::json) AS (calendar_id int, start timestamptz, working bigint))
        WITH ORDINALITY AS asked(calendar_id, start, working, number)
    ORDER BY asked.number
"""


@transaction.atomic
def due_at(*, asked: Sequence[Due]) -> list[datetime]:
    """For each question its moment, in order: what `Calendar.add` says, by the same statements for one question and
    for fifty thousand. Raises CalendarError where a calendar has no working time for years.
    """
    if not asked:
        return []
    longest = max(each.working for each in asked)
    first, last = min(each.start for each in asked), max(each.start for each in asked)
    calendar_ids = {each.calendar_id for each in asked}
    rows = batch.to_json(
        {"calendar_id": each.calendar_id, "start": each.start, "working": each.working // MICROSECOND} for each in asked
    )
    reach = last + 4 * longest + MARGIN
    while True:
        cover(calendar_ids=calendar_ids, since=first, until=reach)
        with connection.cursor() as cursor:
            cursor.execute(_UNTIL, [rows])
            moments = [row[0] for row in cursor.fetchall()]
        if None not in moments:
            return moments
        if reach - last > 20 * MARGIN + 8 * longest:
            raise CalendarError("This calendar has no working time for years.")
        reach += 4 * MARGIN + 2 * longest


def cover(*, calendar_ids: Iterable[int], since: datetime, until: datetime) -> None:
    """See to it that the spans of these calendars reach from `since` to `until`; one query where they do."""
    short = (
        WorkingCalendar.objects.filter(pk__in=set(calendar_ids))
        .exclude(spans_since_at__lte=since, spans_until__gte=until)
        .order_by("pk")
        .select_for_update()
    )
    for calendar in short:
        _compile(calendar, since, until)


def _compile(calendar: WorkingCalendar, since: datetime | None = None, until: datetime | None = None) -> None:
    """Store the spans anew: around the present, as far as they reached already, and from `since` to `until`."""
    now = timezone.now()
    known = [now - MARGIN, now + 2 * MARGIN, since, until, calendar.spans_since_at, calendar.spans_until]
    moments = [moment for moment in known if moment]
    first, last = (
        each.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for each in (min(moments), max(moments) + timedelta(days=1))
    )
    fresh = WorkingCalendar.objects.prefetch_related("hours", "dates").get(pk=calendar.pk)
    worked = 0
    rows = []
    for opens, closes in as_calendar(fresh).spans(first, last):
        rows.append({"calendar_id": calendar.pk, "opens_at": opens, "closes_at": closes, "worked_before": worked})
        worked += (closes - opens) // MICROSECOND
    calendar.spans.all().delete()
    batch.insert(WorkingSpan, rows)
    calendar.spans_since_at, calendar.spans_until = first, last
    calendar.save(update_fields=["spans_since_at", "spans_until"])
