"""How long leads stay at each milestone, in elapsed time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Aggregate,
    BigIntegerField,
    Case,
    Count,
    DateTimeField,
    Expression,
    F,
    Q,
    Value,
    When,
)
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from alignment.lib.periods import Period
from dashboards.filters import Anchor, Basis, Filters
from dashboards.metrics import ranks, stretches
from dashboards.metrics.frames import Frame
from dashboards.metrics.funnel import STEPS
from dashboards.metrics.instants import MICROSECOND, Microseconds, Seconds, microseconds
from dashboards.metrics.journeys import DATES, JOINED, OPEN, Journeys, cohort, dated, journeys, reached
from dashboards.metrics.stretches import Events, Number, plain, sorted_numbers
from dashboards.options import Facet
from dashboards.settled import NOTHING_KEPT, Look
from leads.milestones import Milestone

SHARES = (0.5, 0.9)


class Percentiles(Aggregate):
    """The median and the ninth decile of a number, as an array; null where there is none.

    Each is one of the numbers: the first that at least half, or nine tenths, do not exceed.
    """

    function = "percentile_disc"
    template = "%(function)s(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(BigIntegerField())


@dataclass(frozen=True, slots=True)
class Stay:
    """Stays at one milestone. `median` and `p90` (timedeltas; None without any) are of the `n` completed ones: both
    dates known and in order. Those still there are apart: `still_open`, their median age, and how many of them are
    `stuck`, older than the P90.
    """

    n: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None
    still_open: int = 0
    age: timedelta | None = None
    stuck: int = 0


SINCE = Case(
    *(When(reached=milestone, then=F(column)) for milestone, column in DATES.items()), output_field=DateTimeField()
)
"""Since when an open journey has been where it is; null where nobody knows."""


def stays(filters: Filters, at: datetime, look: Look = NOTHING_KEPT) -> Mapping[Milestone, Stay]:
    """The stays before each step: from a milestone to the next one, or to where the pass ended. Four queries at
    most for a period, three for a cohort.

    On the cohort basis the cohort's; on the period basis those that ended in the period, and of the open ones those
    that began in it.
    """
    if filters.basis == Basis.PERIOD:
        if filters.period:
            return _by_date(filters, at, filters.period, look)
        filters = replace(filters, basis=Basis.COHORT, anchor=Anchor.FIRST)  # of all time both bases tell the same
    parts = stretches.of_cohort(filters, look)
    return _as_a_whole(filters, at) if parts is None else _by_stretch(filters, parts, at, look)


def _as_a_whole(filters: Filters, at: datetime) -> Mapping[Milestone, Stay]:
    row = cohort(filters).aggregate(**_lengths(filters), **_still_there())
    columns = {name: [plain(row[name])] for name in _still_there()}
    return {milestone: _with_those_there(stay, milestone, columns, at) for milestone, stay in _told(row).items()}


def completed(filters: Filters) -> dict[Milestone, Stay]:
    """The completed stays alone. One query."""
    return _told(_rows(filters).aggregate(**_lengths(filters)))


def completed_by(filters: Filters, facet: Facet) -> dict[int | None, dict[Milestone, Stay]]:
    """The completed stays for each value of a facet (None: journeys without one). One query."""
    rows = _rows(filters).order_by().values(facet.value).annotate(**_lengths(filters))
    return {row[facet.value]: _told(row) for row in rows}


def _rows(filters: Filters) -> Journeys:
    return cohort(filters) if filters.basis == Basis.COHORT else journeys(filters)


def _lengths(filters: Filters) -> dict[str, Aggregate]:
    asked: dict[str, Aggregate] = {}
    for milestone in STEPS:
        over = _completed(milestone, filters)
        length = Seconds(_left(milestone), F(DATES[milestone]))
        asked[f"n_{milestone}"] = Count(Value(1), filter=over)
        asked[f"length_{milestone}"] = Percentiles(length, filter=over)
    return asked


def _told(row: Mapping[str, Any]) -> dict[Milestone, Stay]:
    return {milestone: _stay(row[f"n_{milestone}"], row[f"length_{milestone}"]) for milestone in STEPS}


def _stay(n: int, percentiles: list[int] | None) -> Stay:
    if percentiles is None:
        return Stay(n)
    median, p90 = (timedelta(seconds=seconds) for seconds in percentiles)
    return Stay(n, median, p90)


def _left(milestone: Milestone) -> Expression:
    """When a journey went on from `milestone`, or ended there; null while it is open there, or where nobody knows."""
    return Case(When(reached__gt=milestone, then=F(DATES[milestone + 1])), default=F("closed_at"))


def _completed(milestone: Milestone, filters: Filters) -> Q:
    left = _left(milestone)
    over = reached(milestone) & Q(GreaterThanOrEqual(left, F(DATES[milestone])))
    if filters.basis == Basis.PERIOD and filters.instants:
        start, end = (Value(instant, output_field=DateTimeField()) for instant in filters.instants)
        over &= Q(GreaterThanOrEqual(left, start)) & Q(LessThan(left, end))
    return over


def _open(filters: Filters) -> Journeys:
    if filters.basis == Basis.COHORT:
        return cohort(filters).filter(state=OPEN)
    return dated(journeys(filters).filter(state=OPEN), SINCE, filters.instants)


def _stuck(found: Mapping[Milestone, Stay], at: datetime) -> Q:
    """Open beyond the P90 of the completed stays at the same milestone; nobody where that is not known."""
    late = Q(pk__in=[])
    for milestone, stay in found.items():
        if stay.p90 is not None:
            late |= Q(reached=milestone) & Q(LessThan(SINCE, Value(at - stay.p90, output_field=DateTimeField())))
    return late


# What happened in a period --------------------------------------------------------------------------------------


def _by_date(filters: Filters, at: datetime, period: Period, look: Look) -> Mapping[Milestone, Stay]:
    """Each stay by the date that ended it, or that began it where it lasts: indexes find those of the period."""
    rows, closed = journeys(filters), F("closed_at")
    closed_there = rows.filter(GreaterThanOrEqual(closed, SINCE), reached__lt=Milestone.WON).exclude(JOINED)
    asked = [_sorted("lengths", F("reached"), "closed_at", closed_there, Seconds(closed, SINCE))]
    for milestone in STEPS:
        came, left, number = F(DATES[milestone]), F(DATES[milestone + 1]), Value(int(milestone))
        went_on = rows.filter(reached(milestone), GreaterThanOrEqual(left, came), reached__gt=milestone)
        still_there = rows.filter(reached(milestone), reached=milestone, outcome="")
        asked += [
            _sorted("lengths", number, DATES[milestone + 1], went_on, Seconds(left, came)),
            _sorted("since", number, DATES[milestone], still_there, Microseconds(came)),
        ]
    columns: defaultdict[str, list[Any]] = defaultdict(list)
    for _, name, number, numbers in stretches.in_period(filters, Frame.of([period], filters.calendar), look, asked):
        columns[f"{name}_{number}"].append(numbers)
        if name == "since":
            columns[f"open_{number}"].append(len(numbers))
    return {milestone: _merged(milestone, columns, at) for milestone in STEPS}


def _sorted(name: str, milestone: F | Value, column: str, rows: Journeys, length: Expression) -> Events:
    def query(found: Journeys, number: Number) -> Journeys:
        keys = {"part": number(F(column)), "name": Value(name), "milestone": milestone}
        grouped = found.annotate(**keys).values_list("part", "name", "milestone")
        return grouped.annotate(numbers=sorted_numbers(length)).order_by()  # type: ignore[no-any-return]

    return Events((name, column), column, rows, query)


# From what was measured of each stretch -------------------------------------------------------------------------


def _by_stretch(filters: Filters, parts: Sequence[Period], at: datetime, look: Look) -> Mapping[Milestone, Stay]:
    asked = _asked(filters)

    def query(rows: Journeys, number: Number) -> Journeys:
        grouped = rows.annotate(stretch=number(F(filters.anchor.column))).values_list("stretch")
        return grouped.annotate(**asked).order_by()  # type: ignore[no-any-return]

    found = stretches.in_cohort(filters, look, parts, "stays", query)
    columns = dict(zip(asked, zip(*(row for rows in found.values() for row in rows), strict=True), strict=False))
    return {milestone: _merged(milestone, columns, at) for milestone in STEPS}


def _asked(filters: Filters) -> dict[str, Expression]:
    """For each milestone: the lengths of the completed stays, how many are open, and since when those are whose date
    is known.
    """
    lengths = {
        f"lengths_{milestone}": sorted_numbers(
            Seconds(_left(milestone), F(DATES[milestone])), _completed(milestone, filters)
        )
        for milestone in STEPS
    }
    return {**lengths, **_still_there()}


def _still_there() -> dict[str, Expression]:
    """For each milestone: how many are open, and since when those are whose date is known."""
    asked: dict[str, Expression] = {}
    for milestone in STEPS:
        since = F(DATES[milestone])
        is_open = reached(milestone) & Q(reached=milestone, outcome="")
        asked[f"open_{milestone}"] = Count(Value(1), filter=is_open)
        is_known = is_open & Q(**{f"{DATES[milestone]}__isnull": False})
        asked[f"since_{milestone}"] = sorted_numbers(Microseconds(since), is_known)
    return asked


def _merged(milestone: Milestone, columns: Mapping[str, Sequence[Any]], at: datetime) -> Stay:
    lengths = _lists(columns, f"lengths_{milestone}")
    median, p90 = (_length(ranks.percentile(lengths, share)) for share in SHARES)
    return _with_those_there(Stay(sum(map(len, lengths)), median, p90), milestone, columns, at)


def _with_those_there(stay: Stay, milestone: Milestone, columns: Mapping[str, Sequence[Any]], at: datetime) -> Stay:
    """A completed stay, and those who have not left yet."""
    since, moment = _lists(columns, f"since_{milestone}"), microseconds(at)
    known = sum(map(len, since))
    # The median age is that of the one that began as many places from the last as the median is from the first.
    began = ranks.nth(since, known + 1 - ranks.place(known, SHARES[0])) if known else None
    return replace(
        stay,
        still_open=sum(columns.get(f"open_{milestone}", ())),
        age=None if began is None else timedelta(seconds=round((moment - began) / 1_000_000)),
        stuck=0 if stay.p90 is None else ranks.below(since, moment - stay.p90 // MICROSECOND),
    )


def _lists(columns: Mapping[str, Sequence[Any]], name: str) -> list[Sequence[int]]:
    return [each for each in columns.get(name, ()) if each]


def _length(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def stuck(filters: Filters, milestone: Milestone, at: datetime, look: Look = NOTHING_KEPT) -> Journeys:
    """The journeys behind `Stay.stuck`. One query besides their own, where nothing is kept."""
    found = stays(filters, at, look) if look.keeps else completed(filters)
    return _open(filters).filter(_stuck(found, at), reached=milestone)
