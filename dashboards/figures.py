"""Every figure opens: the numbers of the dashboards by name, each with the journeys that make it.

A page links a number as `?figure=funnel.rejected&step=MQL-SQL` beside its own filters. The rows of the list are counted
by the same conditions as the number, so both agree at any moment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.db.models import F
from django.urls import get_script_prefix, reverse

from dashboards import report
from dashboards.filters import Filters
from dashboards.metrics import funnel, kept, nurture, promises, speed
from dashboards.metrics.cells import AGES
from dashboards.metrics.journeys import LOSSES, OPEN, Journeys, cohort, dated, journeys, reached
from leads.milestones import Milestone, Outcome
from leads.models import Reason

DEFAULT = "funnel.entered"


class FigureError(ValueError):
    """An address names a figure that does not exist; its text is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What some figures need to know, e.g. of which step; `key` is its name in addresses."""

    key: str
    read: Callable[[str], Any]
    label: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number: how a list of it is called, and its rows for (filters, moment, argument)."""

    title: str
    rows: Callable[[Filters, datetime, Any], Journeys]
    argument: Argument | None = None


def _step(text: str) -> Milestone:
    start, _, end = text.partition("-")
    milestone = Milestone[start]
    if milestone not in funnel.STEPS or Milestone(milestone + 1).name != end:
        raise ValueError(text)
    return milestone


def _days(text: str) -> int:
    return AGES[AGES.index(int(text))]


MILESTONE = Argument("milestone", Milestone.__getitem__, lambda milestone: milestone.name)
STEP = Argument("step", _step, lambda start: f"{start.name}, before {Milestone(start + 1).name}")
DAYS = Argument("days", _days, str)
REASON = Argument("reason", lambda text: Reason.objects.get(pk=int(text)), lambda reason: f"“{reason.label}”")


def _stopped(*states: str) -> Callable[[Filters, datetime, Milestone], Journeys]:
    return lambda filters, at, start: funnel.stopped_rows(filters, start, *states)


def _stuck(filters: Filters, at: datetime, start: Milestone) -> Journeys:
    return speed.stuck(filters, start, at, report.look_at_usual(filters))


def _won_within(filters: Filters, at: datetime, days: int) -> Journeys:
    in_time = F(filters.anchor.column) + timedelta(days=days)
    return cohort(filters).filter(reached(Milestone.WON), won_at__lte=in_time)


def _by(column: str, *conditions: Any, **more: Any) -> Callable[[Filters, datetime, Any], Journeys]:
    return lambda filters, at, _: dated(journeys(filters).filter(*conditions, **more), F(column), filters.instants)


def _clocks(verdict: str) -> Callable[[Filters, datetime, Any], Journeys]:
    def rows(filters: Filters, at: datetime, _: Any) -> Journeys:
        found = getattr(kept.clocks(filters), verdict)(at)
        return promises.behind(found.due_between(*filters.instants) if filters.instants else found)

    return rows


FIGURES: Mapping[str, Figure] = {
    DEFAULT: Figure("Entered the funnel", lambda filters, at, _: cohort(filters)),
    "funnel.undated": Figure(
        "Entered at an unknown date",
        lambda filters, at, _: cohort(filters).filter(**{f"{filters.anchor.column}__isnull": True}),
    ),
    "funnel.reached": Figure("Reached {}", lambda filters, at, to: funnel.reached_rows(filters, to), MILESTONE),
    "funnel.dropped": Figure("Dropped out at {}", _stopped(*LOSSES), STEP),
    "funnel.rejected": Figure("Rejected at {}", _stopped(Outcome.REJECTED), STEP),
    "funnel.recycled": Figure("Recycled at {}", _stopped(Outcome.RECYCLED), STEP),
    "funnel.lost": Figure("Lost at {}", _stopped(Outcome.LOST), STEP),
    "funnel.attached": Figure("Joined another deal at {}", _stopped(Outcome.ATTACHED), STEP),
    "funnel.open": Figure("Still open at {}", _stopped(OPEN), STEP),
    "funnel.stuck": Figure("Stuck at {}", _stuck, STEP),
    "funnel.won_within": Figure("Won within {} days", _won_within, DAYS),
    "promises.delivered": Figure("First-pass MQLs handed over", _by("mql_at", kept.DELIVERED)),
    "promises.accepted": Figure("Accepted by sales", _by("accepted_at", kept.ACCEPTED)),
    "promises.untouched": Figure("Accepted, and not touched since", _by("accepted_at", kept.UNTOUCHED)),
    "promises.rejected": Figure("Rejected by sales", _by("closed_at", kept.REFUSED)),
    "promises.missed": Figure(
        "Rejected for a reason that counts as marketing's miss",
        _by("closed_at", kept.MISSED),
    ),
    "promises.decided": Figure(
        "Accepted, or rejected as marketing's miss", lambda filters, at, _: promises.decided(filters)
    ),
    "promises.reasoned": Figure(
        "Rejected with a reason from the list", _by("closed_at", kept.REFUSED, reason__is_offered=True)
    ),
    "promises.reason": Figure(
        "Rejected for {}",
        lambda filters, at, reason: _by("closed_at", kept.REFUSED, reason=reason)(filters, at, None),
        REASON,
    ),
    "promises.judged": Figure("Answers that were due", _clocks("judged")),
    "promises.met": Figure("Answered in time", _clocks("met")),
    "promises.breached": Figure("Answered late, or not yet and overdue", _clocks("breached")),
    "promises.overdue": Figure(
        "Never answered, and overdue now",
        lambda filters, at, _: promises.behind(kept.clocks(filters).overdue(at)),
    ),
    "promises.above": Figure(
        "Waiting above capacity, charged to neither side", lambda filters, at, _: promises.above(filters)
    ),
    "nurture.now": Figure("In nurture now", lambda filters, at, _: nurture.in_nurture(filters)),
    "nurture.held": Figure("In nurture at the end of the period", lambda filters, at, _: nurture.held(filters)),
    "nurture.due": Figure("In nurture, due for another look", lambda filters, at, _: nurture.due(filters, at)),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A figure with its argument, as an address asked for it: by its name and the argument's text."""

    figure: Figure
    value: Any
    name: str
    text: str

    @property
    def title(self) -> str:
        """What the list is called."""
        return self.figure.title.format(self.figure.argument.label(self.value) if self.figure.argument else "")

    def rows(self, filters: Filters, at: datetime) -> Journeys:
        """The journeys that make the number."""
        return self.figure.rows(filters, at, self.value)

    def address(self, filters: Filters) -> str:
        """Where it opens for these filters."""
        return address(filters, self.name, self.text)


def find(given: Mapping[str, str]) -> Opened:
    """The figure that an address asks for; without any, everybody who entered. Raises FigureError."""
    name = given.get("figure") or DEFAULT
    figure = FIGURES.get(name)
    if figure is None:
        raise FigureError(f"There is no figure “{name}”.")
    if figure.argument is None:
        return Opened(figure, None, name, "")
    key = figure.argument.key
    text = given.get(key, "")
    try:
        return Opened(figure, figure.argument.read(text), name, text)
    except (LookupError, ValueError, Reason.DoesNotExist) as error:
        raise FigureError(f"“{text}” is no {key} of this figure.") from error


def address(filters: Filters, name: str, argument: str = "") -> str:
    """Where the number `name` opens. Raises KeyError for a name that does not exist."""
    figure = FIGURES[name]
    asked = {"figure": name} | ({figure.argument.key: argument} if figure.argument else {})
    return "&".join(filter(None, (f"{_lists(get_script_prefix())}?{urlencode(asked)}", filters.query)))


@cache
def _lists(_prefix: str) -> str:
    """The address of the lists. A page has hundreds of numbers, and Django looks for it as long as for any other."""
    return reverse("funnel_leads")
