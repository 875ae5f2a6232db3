"""Tags and filters of every template: durations, due times, figures, people. A value of None reads as a dash."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

NOTHING = "–"
MINUS = "−"
# A deadline nearer than this is marked, and one nearer than ten minutes counts seconds (countdown.js does the same).
SOON = timedelta(hours=8)
COUNT_SECONDS = timedelta(minutes=10)
# From so many hours on, days are easier to read.
HOURS_AS_DAYS = 100
SECOND = timedelta(seconds=1)
NEARBY = {0: "today", 1: "tomorrow", -1: "yesterday"}
TEAMS = {"marketing": "Marketing", "sales": "Sales"}

Number = int | float | Decimal


# Time ---------------------------------------------------------------------------------------------------------


@register.filter
def duration(value: timedelta | Number | None) -> str:
    """A length of time (timedelta, or seconds) without its sign: `15 d 22 h`, `38 h 54 m`, `14 m`, `45 s`."""
    if value is None:
        return NOTHING
    seconds = abs(int(value.total_seconds() if isinstance(value, timedelta) else value))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= HOURS_AS_DAYS:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes:02} m"
    return f"{minutes} m" if minutes else f"{seconds} s"


@register.filter
def stay(days: timedelta | Number | None) -> str:
    """A stay (timedelta, or a number of days): `24 d`, `6.2 d`, and under a day in hours, `5 h`."""
    if days is None:
        return NOTHING
    if isinstance(days, timedelta):
        days = days / timedelta(days=1)
    if days < 1:
        return f"{round(days * 24)} h"
    return f"{days:.0f} d" if days >= 10 else f"{days:.1f} d"


@register.filter
def due_at(moment: datetime | None) -> str:
    """A due time in the viewer's zone: `today, 12:57`, `tomorrow, 09:00`, `Sat 30 May, 12:57`."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    named = NEARBY.get((local.date() - timezone.localdate()).days)
    return f"{named or _weekday_and_date(local)}, {local:%H:%M}"


@register.filter
def day(moment: datetime | date | None) -> str:
    """A day as a heading: `Today, 28 May`, `Saturday, 26 May`, `12 May 2024` when the year is another one."""
    if moment is None:
        return "Without a date"
    on = timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
    today = timezone.localdate()
    if on.year != today.year:
        return date_format(on, "j F Y")
    named = NEARBY.get((on - today).days)
    return f"{named.capitalize() if named else date_format(on, 'l')}, {date_format(on, 'j F')}"


@register.filter
def on_day(moment: datetime | date) -> str:
    """A day within a sentence: `today, 28 May`, `Saturday, 26 May`, `12 May 2024` when the year is another one."""
    said = day(moment)
    named, comma, rest = said.partition(",")
    return f"{named.lower()}{comma}{rest}" if named.lower() in NEARBY.values() else said


@register.filter
def short_time(moment: datetime | None) -> str:
    """When something happened, in little room: `10:21` today, `Sat 09:12` within six days, else `12 May`."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    days_ago = (timezone.localdate() - local.date()).days
    if days_ago == 0:
        return f"{local:%H:%M}"
    if 0 < days_ago < 7:
        return date_format(local, "D H:i")
    return date_format(local, "j M" if local.year == timezone.localdate().year else "j M Y")


def _weekday_and_date(local: datetime) -> str:
    return date_format(local, "D j M" if local.year == timezone.localdate().year else "j M Y")


# Figures ------------------------------------------------------------------------------------------------------


@register.filter
def scored(value: Number | None) -> str:
    """Points that a rule adds or takes off: `+18`, `−30`, `+6.3`."""
    if value is None:
        return NOTHING
    size = f"{abs(value):.1f}".removesuffix(".0")
    return f"{MINUS if value < 0 else '+'}{size}"


@register.filter
def percent(ratio: Number | None, digits: int = 1) -> str:
    """A ratio as a percentage: 0.105 is `10.5%`; None (nothing to divide by) is a dash."""
    return NOTHING if ratio is None else f"{ratio * 100:.{digits}f}%"


@register.filter
def points(difference: Number | None) -> str:
    """The difference of two ratios in percentage points: 0.014 is `+1.4 pt`."""
    return NOTHING if difference is None else f"{_signed(difference * 100, 1)} pt"


@register.filter
def signed(value: Number | None) -> str:
    """A whole number with its sign: `+30`, `−4`, `0`."""
    return NOTHING if value is None else _signed(value, 0)


@register.filter
def signed_amount(value: Number | None) -> str:
    """An amount with its sign, to the cent: `+1,080.45`."""
    return NOTHING if value is None else _signed(value, 2)


@register.filter
def compact(value: Number | None) -> str:
    """A large number in little room: `842`, `68.4k`, `6.1M`; below 10,000 every digit stays."""
    if value is None:
        return NOTHING
    sign = MINUS if value < 0 else ""
    size = abs(float(value))
    # From where on the next unit rounds to 1.0 or more.
    for limit, divisor, unit in ((999_950_000, 1_000_000_000, "B"), (999_950, 1_000_000, "M"), (10_000, 1_000, "k")):
        if size >= limit:
            return f"{sign}{size / divisor:.1f}{unit}"
    return f"{sign}{size:,.0f}"


@register.filter
def share(part: Number | None, whole: Number | None) -> str:
    """The length of a bar for an SVG attribute: 4488 of 8000 is `56.10%`; nothing of nothing is `0%`."""
    return f"{max(0, float(part)) / float(whole) * 100:.2f}%" if part and whole else "0%"


@register.filter
def as_json(value: Any) -> str:
    """Plain data as JSON for a data attribute; the template escapes it."""
    return json.dumps(value, cls=DjangoJSONEncoder)


def _signed(value: Number, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    if not float(text.replace(",", "")):
        return text
    return f"{'+' if value > 0 else MINUS}{text}"


# People -------------------------------------------------------------------------------------------------------


@register.filter
def initials(name: str | None) -> str:
    """The first letters of the first and the last word: `Marina de Alves` is `MA`."""
    words = (name or "").split()
    return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper() if words else "?"


@register.simple_tag
def avatar(name: str | None, side: str | None = None, large: bool = False) -> SafeString:
    """Initials in the team's colour and shape; `side` None: of no team. The name stands beside it."""
    return format_html(
        '<span class="avatar{}"{} aria-hidden="true">{}</span>',
        " avatar-large" if large else "",
        _team_attribute(side),
        initials(name),
    )


@register.simple_tag
def team(side: str, label: str = "") -> SafeString:
    """The team's marker (square for marketing, round for sales) and its name or `label`."""
    return format_html('<span class="team"{}>{}</span>', _team_attribute(side), label or TEAMS[side])


def _team_attribute(side: str | None) -> SafeString | str:
    return format_html(' data-team="{}"', side) if side else ""


# The promise --------------------------------------------------------------------------------------------------


@register.inclusion_tag("_countdown.html")
def countdown(due: datetime | None, started: datetime | None = None, at: datetime | None = None) -> dict[str, Any]:
    """Time left, due time and fuse in a row; live through countdown.js. `due` None: no promise runs."""
    return _time_left(due, started, at)


@register.inclusion_tag("_clock.html")
def clock(due: datetime | None, started: datetime | None = None, at: datetime | None = None) -> dict[str, Any]:
    """The same as a large box."""
    return _time_left(due, started, at)


def _time_left(due: datetime | None, started: datetime | None, at: datetime | None) -> dict[str, Any]:
    if due is None:
        return {"due": None}
    left = due - (at or timezone.now())
    # Late from the first moment after the due time, as in the ledger.
    state = "over" if left < timedelta(0) else "soon" if left < SOON else "later"
    return {
        "due": due,
        "state": state,
        "left": left_text(left),
        "fuse": "100%" if state == "over" or started is None else share(left / SECOND, (due - started) / SECOND),
        # Milliseconds since 1970 as text: as numbers they would get thousands separators.
        "due_ms": str(int(due.timestamp() * 1000)),
        "start_ms": str(int(started.timestamp() * 1000)) if started else "",
    }


def left_text(left: timedelta) -> str:
    """`2 h 14 m`, within ten minutes of the due time `9 m 42 s`, and `9 h 12 m over` when late."""
    late = left < timedelta(0)
    if abs(left) < COUNT_SECONDS:
        minutes, seconds = divmod(abs(int(left.total_seconds())), 60)
        text = f"{minutes} m {seconds:02} s" if minutes else f"{seconds} s"
    else:
        text = duration(left)
    return f"{text} over" if late else text
