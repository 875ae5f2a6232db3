"""Which journeys figures count, where each one ended up, and which of its dates a period asks about.

Every journey ends up in exactly one place: the furthest milestone that it counts for (`last`), and what became of it
there (`state`: open, won, lost, rejected, recycled or attached). So the parts of a step always sum to the whole. From
SQO on figures count deals: a journey whose deal another one carries leaves the lead funnel as attached, at SQL.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Expression,
    ExpressionWrapper,
    F,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)

from dashboards.filters import Filters
from leads.milestones import Milestone, Outcome
from leads.models import Journey

Journeys = QuerySet[Any]
"""Journeys with `last` and `state`, and whatever else a figure groups them by."""

DATES: Mapping[int, str] = {milestone: f"{milestone.name.lower()}_at" for milestone in Milestone}
"""When a journey reached each milestone."""

OPEN = "open"
LOSSES = (Outcome.REJECTED, Outcome.RECYCLED, Outcome.LOST)
"""What counts as drop-off; attached journeys stand apart, merged ones count nowhere."""

JOINED = Q(reached__gte=Milestone.SQO, is_primary=False)
"""Another journey carries their deal."""
PLACE: Mapping[str, Expression] = {
    "last": Case(When(JOINED, then=Value(Milestone.SQL)), default=F("reached"), output_field=IntegerField()),
    "state": Case(
        When(JOINED, then=Value(Outcome.ATTACHED)),
        When(outcome="", then=Value(OPEN)),
        default=F("outcome"),
        output_field=CharField(),
    ),
}
LEFT_AT = Case(When(JOINED, then=F("sqo_at")), default=F("closed_at"))
"""When it ended up there; null while it is open, or where nobody knows."""


def reached(milestone: int) -> Q:
    """Journeys whose `last` is `milestone` or further, said in columns of the covering index."""
    further = Q(reached__gte=milestone)
    return further & Q(is_primary=True) if milestone >= Milestone.SQO else further


def journeys(filters: Filters) -> Journeys:
    """The journeys that `filters` mean, whatever the period, with `last` and `state`."""
    return Journey.objects.counted().filter(filters.conditions()).annotate(**PLACE)


def dated(rows: Journeys, when: F | Expression, instants: tuple[datetime, datetime] | None) -> Journeys:
    """Of these, the ones whose date `when` lies in the period; without a period all of them, undated ones too."""
    if instants is None:
        return rows
    start, end = instants
    found = rows.alias(when=when).filter(when__gte=start, when__lt=end)
    # The first milestone is the entry where it is dated, and entries are what an index finds.
    return found.filter(entered_at__gte=start, entered_at__lt=end) if when == F(DATES[Milestone.MGL]) else found


def cohort(filters: Filters) -> Journeys:
    """The journeys that entered in the period, by the date that `filters` take as entry."""
    return dated(members(filters), F(filters.anchor.column), filters.instants)


def members(filters: Filters) -> Journeys:
    """The journeys that a cohort is taken from: they have reached what `filters` take as entry."""
    milestone = filters.anchor.milestone
    return journeys(filters).filter(reached__gte=milestone) if milestone else journeys(filters)


def flag(condition: Q) -> Expression:
    """A condition as a column to group by."""
    return ExpressionWrapper(condition, output_field=BooleanField())
