"""What a cohort had reached by a moment in the past, as far as the dates of its journeys tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Aggregate, Count, DateTimeField, Expression, F, Min, Q, Value
from django.db.models.functions import Coalesce, Least
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from alignment.lib.periods import Period
from dashboards.filters import Filters
from dashboards.metrics import ranks, stretches
from dashboards.metrics.instants import Microseconds, microseconds
from dashboards.metrics.journeys import DATES, Journeys, cohort, reached
from dashboards.metrics.stretches import Number, sorted_numbers
from dashboards.settled import Look
from leads.milestones import Milestone

Counts = Mapping[Milestone, int]


def reached_by(filters: Filters, then: datetime, look: Look) -> tuple[datetime | None, Counts]:
    """When the first of a cohort entered (None where nobody did), and how many of it had reached each milestone by
    `then`. Those that reached it at an unknown date had. Two queries at most.
    """
    parts = stretches.of_cohort(filters, look)
    if parts is None:
        return _as_a_whole(cohort(filters), filters, then)
    over = [part for part in parts if part.instants(filters.calendar.zone)[1] <= then]
    found = [_by_stretch(filters, over, then, look)] if over else []
    if len(over) < len(parts):
        rest = filters.with_period(Period(parts[len(over)].first, parts[-1].last))
        found.append(_as_a_whole(cohort(rest), filters, then))
    counts: Counter[Milestone] = Counter()
    for _, some in found:
        counts.update(some)
    firsts = [first for first, _ in found if first]
    return min(firsts, default=None), {milestone: counts[milestone] for milestone in Milestone}


def _as_a_whole(rows: Journeys, filters: Filters, then: datetime) -> tuple[datetime | None, Counts]:
    moment = Value(then, output_field=DateTimeField())
    row = rows.aggregate(
        first=Min(filters.anchor.column),
        **{
            each.name: Count(
                Value(1), filter=reached(each) & Q(LessThanOrEqual(Coalesce(_known(each), moment), moment))
            )
            for each in Milestone
        },
    )
    return row["first"], {milestone: row[milestone.name] for milestone in Milestone}


def _known(milestone: Milestone) -> Expression | F:
    """The earliest date that tells that a journey had got to `milestone`; null where none does."""
    dates = [F(DATES[later]) for later in Milestone if later >= milestone]
    return Least(*dates) if len(dates) > 1 else dates[0]


def _by_stretch(
    filters: Filters, parts: Sequence[Period], then: datetime, look: Look
) -> tuple[datetime | None, Counts]:
    """Of stretches that were over by `then`: who reached a milestone in their own stretch needs no date."""
    entered = F(filters.anchor.column)

    def query(rows: Journeys, number: Number) -> Journeys:
        asked: dict[str, Aggregate | Expression] = {"first": Min(filters.anchor.column)}
        for each in Milestone:
            known = _known(each)
            is_late = reached(each) & Q(GreaterThan(number(known), number(entered)))
            asked[f"n_{each}"] = Count(Value(1), filter=reached(each))
            asked[f"late_{each}"] = sorted_numbers(Microseconds(known), is_late)
        grouped = rows.annotate(stretch=number(entered)).values_list("stretch")
        return grouped.annotate(**asked).order_by()  # type: ignore[no-any-return]

    found = stretches.in_cohort(filters, look, parts, "aged", query)
    counts: Counter[Milestone] = Counter()
    firsts = []
    for first, *pairs in (row for grouped in found.values() for row in grouped):
        firsts.append(first)
        for milestone, n, late in zip(Milestone, pairs[::2], pairs[1::2], strict=True):
            later = len(late) - ranks.below([late], microseconds(then) + 1) if late else 0
            counts[milestone] += n - later
    return min(firsts, default=None), counts
