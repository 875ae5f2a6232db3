"""How long leads usually stay where they are: measured once an hour for everybody, told on the page of a lead.

A page view reads a few kept rows; nothing is scanned for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import F, OuterRef, Q
from django.db.models.functions import Extract, JSONObject

from alignment.desk.models import UsualStay
from alignment.lib import periods
from alignment.people.models import Company
from dashboards.filters import Calendar, Filters, Span
from dashboards.metrics import speed
from dashboards.metrics.speed import Stay
from dashboards.options import Facet
from leads.milestones import Milestone

LEAST = 20
"""Of fewer stays nothing is said."""
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Usual:
    """The median of `n` stays; `is_alike`: of leads of the same segment, else of all."""

    median: timedelta
    n: int
    is_alike: bool


@transaction.atomic
def measure(at: datetime) -> int:
    """Measure all anew; returns how many figures there are. Two queries of journeys."""
    calendar = Calendar.of(Company.get())
    period = periods.last_months(calendar.today(at), MONTHS)
    filters = Filters(calendar=calendar, span=Span.DATES, period=period)
    by_segment: dict[int | None, Mapping[Milestone, Stay]] = dict(speed.completed_by(filters, Facet.SEGMENT))
    # Those without a segment are like nobody in particular.
    by_segment[None] = speed.completed(filters)
    rows = [
        UsualStay(segment_id=segment, milestone=milestone, median=stay.median, n=stay.n)
        for segment, stays in by_segment.items()
        for milestone, stay in stays.items()
        if stay.median is not None and stay.n >= LEAST
    ]
    UsualStay.objects.all().delete()
    # Another worker may have measured in between.
    made = UsualStay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["segment", "milestone"], update_fields=["median", "n"]
    )
    return len(made)


def kept() -> ArraySubquery:
    """Of a lead's row: what `read` takes, of its segment and of all leads."""
    alike = UsualStay.objects.filter(Q(segment=OuterRef("segment")) | Q(segment=None))
    seconds = Extract(F("median"), "epoch")
    return ArraySubquery(
        alike.values(told=JSONObject(milestone="milestone", seconds=seconds, n="n", is_alike=Q(segment__isnull=False)))
    )


def read(told: Sequence[Mapping[str, Any]]) -> dict[Milestone, Usual]:
    """What is usual at each milestone: of leads alike where enough is known of them, else of all."""
    return {
        Milestone(row["milestone"]): Usual(timedelta(seconds=row["seconds"]), row["n"], row["is_alike"])
        for row in sorted(told, key=lambda row: bool(row["is_alike"]))
    }
