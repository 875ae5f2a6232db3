"""Who is away, and who is at work right now."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from alignment.people import calendars
from alignment.people.models import Absence, Company, User
from alignment.people.signals import record_changed

ONE_DAY = timedelta(days=1)
LONGEST = timedelta(days=3 * 366)


@transaction.atomic
def plan(*, user_id: int, first_on: date, last_on: date, note: str = "", by: User | None = None) -> Absence:
    """Somebody is away from the first day to the last. Raises ValidationError where they are away already."""
    if last_on < first_on:
        raise ValidationError("The last day comes before the first.")
    if last_on - first_on > LONGEST:
        raise ValidationError("Three years at most: whoever is away for longer has left.")
    try:
        with transaction.atomic():
            absence = Absence.objects.create(
                user_id=user_id, first_on=first_on, last_on=last_on, note=note, planned_by=by
            )
    except IntegrityError as overlap:
        raise ValidationError("They are away on some of these days already. Cancel that first.") from overlap
    changed = {"days": [None, _said(absence)], "user": [None, user_id]}
    record_changed.send(sender=plan, row=absence, changed=changed, by=by)
    return absence


@transaction.atomic
def cancel(*, absence_id: int, by: User | None = None) -> Absence:
    """The absence does not take place; one that has begun ends today, and the days before stay as they were."""
    absence = Absence.objects.select_for_update(of=("self",)).select_related("user").get(pk=absence_id)
    if absence.cancelled_at is not None:
        return absence
    today = timezone.now().astimezone(absence.user.zone).date()
    if absence.last_on < today:
        return absence
    before = _said(absence)
    if absence.first_on < today:
        absence.last_on = today - ONE_DAY
    else:
        absence.cancelled_at = timezone.now()
    absence.save(update_fields=["last_on", "cancelled_at"])
    after = None if absence.cancelled_at else _said(absence)
    record_changed.send(sender=cancel, row=absence, changed={"days": [before, after]}, by=by)
    return absence


def _said(absence: Absence) -> str:
    return f"{absence.first_on} – {absence.last_on}"


@dataclass(frozen=True, slots=True)
class Presence:
    """How somebody stands at a moment. `away_until` is the last day of an absence; `is_open` whether they are in their
    working hours.
    """

    user_id: int
    is_active: bool
    away_until: date | None
    is_open: bool

    @property
    def is_here(self) -> bool:
        """Whether they can take something over now."""
        return self.is_active and self.away_until is None and self.is_open


def presences(user_ids: Collection[int], at: datetime) -> dict[int, Presence]:
    """How these people stand at the moment `at`; six queries at most, for any number of people."""
    company = Company.get()
    people = list(User.objects.filter(pk__in=set(user_ids)).only("is_active", "time_zone", "calendar_id"))
    known = calendars.load({pk for pk in (company.calendar_id, *(each.calendar_id for each in people)) if pk})
    away = _away(user_ids, at)
    found = {}
    for person in people:
        today = at.astimezone(ZoneInfo(person.time_zone or company.time_zone)).date()
        calendar = known.get(person.calendar_id or company.calendar_id or 0)
        last_days = (last_on for first_on, last_on in away.get(person.pk, ()) if first_on <= today <= last_on)
        found[person.pk] = Presence(
            person.pk, person.is_active, next(last_days, None), calendar is None or calendar.is_open(at)
        )
    return found


def _away(user_ids: Iterable[int], at: datetime) -> dict[int, list[tuple[date, date]]]:
    """The first and last days of the absences around this moment, in whichever zone."""
    rows = Absence.objects.filter(
        user__in=set(user_ids),
        cancelled_at=None,
        first_on__lte=(at + ONE_DAY).date(),
        last_on__gte=(at - ONE_DAY).date(),
    )
    found: dict[int, list[tuple[date, date]]] = {}
    for user_id, first_on, last_on in rows.values_list("user_id", "first_on", "last_on"):
        found.setdefault(user_id, []).append((first_on, last_on))
    return found
