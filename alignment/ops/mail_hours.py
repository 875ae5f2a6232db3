"""When a person is mailed. Pure: moments, zones and wishes in, a moment out."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alignment.ops.models import MailMode

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody wants mail, by the clock on their wall; see `models.MailHours`."""

    digest_at: time = time(8)
    quiet_from: time | None = None
    quiet_until: time | None = None
    quiet_weekends: bool = False


def due(now: datetime, mode: str, hours: Hours, zone: ZoneInfo) -> datetime | None:
    """When a mail about something that happens `now` is to leave: now, later, or (None) never.

    The daily list leaves at its hour. Whatever falls into quiet hours waits for their end, the list too.
    """
    if mode == MailMode.NEVER:
        return None
    local = now.astimezone(zone)
    if mode == MailMode.DIGEST:
        local = _next(local, hours.digest_at)
    # An end of quiet hours can lie on a quiet weekend, and the other way round.
    while (later := _after_quiet(local, hours)) != local:
        local = later
    return now if mode == MailMode.AT_ONCE and local == now else local.astimezone(now.tzinfo)


def _after_quiet(local: datetime, hours: Hours) -> datetime:
    if hours.quiet_weekends and local.weekday() >= SATURDAY:
        monday = local + timedelta(days=7 - local.weekday())
        return monday.replace(hour=0, minute=0, second=0, microsecond=0)
    if hours.quiet_from is None or hours.quiet_until is None:
        return local
    return _next(local, hours.quiet_until) if _is_quiet(local.time(), hours.quiet_from, hours.quiet_until) else local


def _is_quiet(at: time, start: time, end: time) -> bool:
    return start <= at < end if start < end else at >= start or at < end


def _next(local: datetime, at: time) -> datetime:
    """The next moment, `local` itself included, at which the clock on the wall shows `at`."""
    there = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return there if there >= local else there + timedelta(days=1)
