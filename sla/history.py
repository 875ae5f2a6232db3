"""What became of leads and deals in the last twelve months: the rates that an agreement can go by, and past weeks.

A rate counts leads that had time to ripen alone: those that became MQLs before the time in which nine of ten who get
that far do. Below `LEAST` cases it is no rate, and has to be set by hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Avg, Count, Q
from django.utils.timezone import localdate

from alignment.lib.periods import DAY, Period, add_months, midnight
from leads.milestones import Milestone, Outcome
from leads.models import Journey, Opportunity
from leads.models.opportunity import DealKind, DealState
from sla.capacity import is_above
from sla.quarters import FiscalCalendar
from sla.terms import ACCEPTED, DEAL, LAG, OPPORTUNITY, WON, Rate

LEAST = 30
"""Below so many cases there is not enough data."""
YEAR = 365
LAGS_OVER = 2 * YEAR
"""Lags are measured on the MQLs of so many days, so that slow deals are among them."""

_LAGS = """
    SELECT
        percentile_disc(0.9) WITHIN GROUP (ORDER BY accepted_at - mql_at) FILTER (WHERE accepted_at >= mql_at),
        percentile_disc(0.9) WITHIN GROUP (ORDER BY sqo_at - mql_at) FILTER (WHERE sqo_at >= mql_at AND is_primary),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY won_at - mql_at) FILTER (WHERE won_at >= mql_at AND is_primary),
        count(*) FILTER (WHERE won_at >= mql_at AND is_primary)
    FROM leads_journey
    WHERE mql_at >= %s AND mql_at < %s AND outcome <> 'merged'
"""
_BY_WEEK = """
    SELECT width_bucket(mql_at, %s::timestamptz[]) - 1, count(*)
    FROM leads_journey
    WHERE mql_at >= %s AND mql_at < %s AND pass_no = 1 AND reached >= 2 AND outcome <> 'merged'
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Lags:
    """How long stages take from MQL on: nine of ten are accepted within `accepted`, become SQOs within `sqo`; half of
    those that are won are within `won`, of which there are `n`. None where nothing got that far.
    """

    accepted: timedelta | None
    sqo: timedelta | None
    won: timedelta | None
    n: int


def lags(at: datetime) -> Lags:
    """Of the MQLs of the two years before `at`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_LAGS, [at - LAGS_OVER * DAY, at])
        return Lags(*cursor.fetchone())


def last_year(at: datetime, zone: ZoneInfo) -> Period:
    """The 365 days before today."""
    today = localdate(at, zone)
    return Period(today - YEAR * DAY, today - DAY)


def rates(*, at: datetime, zone: ZoneInfo) -> Mapping[str, Rate]:
    """The numbers of the reverse funnel, each with its n and its period; one without a value has too few cases. Five
    queries.
    """
    known, year = lags(at), last_year(at, zone)
    lag_period = Period(year.last - (LAGS_OVER - 1) * DAY, year.last)
    won_days = None if known.won is None else Decimal(round(known.won / DAY))
    return {
        **_of_deals(year, zone),
        OPPORTUNITY: _opportunity(_ripe(year, known.sqo), zone),
        ACCEPTED: _accepted(_ripe(year, known.accepted), zone),
        LAG: _rate(won_days, known.n, lag_period),
    }


def _ripe(year: Period, lag: timedelta | None) -> Period:
    """The twelve months that ended when the youngest of them was `lag` old."""
    days = -(-lag // DAY) if lag else 0
    return Period(year.first - days * DAY, year.last - days * DAY)


def _of_deals(year: Period, zone: ZoneInfo) -> dict[str, Rate]:
    start, end = year.instants(zone)
    closed = Opportunity.objects.filter(
        kind=DealKind.NEW, withdrawn_at=None, closed_at__gte=start, closed_at__lt=end,
        state__in=[DealState.WON, DealState.LOST],
    )  # fmt: skip
    won = Q(state=DealState.WON)
    found = closed.aggregate(
        n=Count("pk"), won=Count("pk", filter=won), priced=Count("base_amount", filter=won),
        average=Avg("base_amount", filter=won),
    )  # fmt: skip
    cents = found["average"].quantize(Decimal("0.01"), ROUND_HALF_UP) if found["average"] else None
    return {DEAL: _rate(cents, found["priced"], year), WON: _rate(_share(found["won"], found["n"]), found["n"], year)}


def _opportunity(ripe: Period, zone: ZoneInfo) -> Rate:
    start, end = ripe.instants(zone)
    found = (
        Journey.objects.counted()
        .filter(mql_at__gte=start, mql_at__lt=end, reached__gte=Milestone.SQL)
        .aggregate(n=Count("pk"), sqos=Count("pk", filter=Q(reached__gte=Milestone.SQO, is_primary=True)))
    )
    return _rate(_share(found["sqos"], found["n"]), found["n"], ripe)


def _accepted(ripe: Period, zone: ZoneInfo) -> Rate:
    start, end = ripe.instants(zone)
    found = (
        Journey.objects.counted()
        .filter(mql_at__gte=start, mql_at__lt=end, pass_no=1, reached__gte=Milestone.MQL)
        .aggregate(n=Count("pk"), sqls=Count("pk", filter=Q(reached__gte=Milestone.SQL)))
    )
    return _rate(_share(found["sqls"], found["n"]), found["n"], ripe)


def _share(part: int, whole: int) -> Decimal | None:
    """In ten-thousandths."""
    return (Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP) if whole else None


def _rate(value: Decimal | None, n: int, period: Period) -> Rate:
    return Rate(value if n >= LEAST else None, n=n, first=period.first, last=period.last)


# Quality, and MQLs by week ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decided:
    """What sales said: accepted, and rejected for a reason that counts as marketing's miss."""

    accepted: int
    missed: int

    @property
    def n(self) -> int:
        return self.accepted + self.missed

    @property
    def share(self) -> float | None:
        """The acceptance rate, 0 to 1; None before anything was decided."""
        return self.accepted / self.n if self.n else None


def decided(period: Period, zone: ZoneInfo) -> Decided:
    """The decisions of the period, by their own dates; a rejection above capacity is no miss. Two queries."""
    start, end = period.instants(zone)
    accepted = Journey.objects.counted().filter(accepted_at__gte=start, accepted_at__lt=end).count()
    missed = Journey.objects.filter(
        outcome=Outcome.REJECTED, reached=Milestone.MQL, accepted_at=None, reason__counts_as_miss=True,
        closed_at__gte=start, closed_at__lt=end,
    )  # fmt: skip
    return Decided(accepted, missed.exclude(is_above()).count())


def delivered(weeks: Sequence[Period], zone: ZoneInfo) -> list[int]:
    """First-pass MQLs of each of these weeks, which follow each other. One query."""
    starts = [midnight(week.first, zone) for week in weeks]
    end = midnight(weeks[-1].last + DAY, zone)
    with connection.cursor() as cursor:
        cursor.execute(_BY_WEEK, [starts, starts[0], end])
        counts = dict(cursor.fetchall())
    return [counts.get(at, 0) for at in range(len(weeks))]


def last_years(quarter: Period, calendar: FiscalCalendar) -> Period:
    """The same quarter a year earlier."""
    return calendar.quarter(add_months(quarter.first, -12) + 15 * DAY)


def season(quarter: Period, calendar: FiscalCalendar, zone: ZoneInfo) -> tuple[list[Decimal], Rate]:
    """A weight for each week of `quarter`: the MQLs of the same week of the quarter a year before, and from how many
    they come. No weights where there were too few. A 14th week repeats the 13th.
    """
    then = last_years(quarter, calendar)
    weeks = calendar.weeks(then)
    counts = delivered(weeks, zone)
    told = Rate(n=sum(counts), first=weeks[0].first, last=weeks[-1].last)
    if sum(counts) < LEAST:
        return [], told
    own = len(calendar.weeks(quarter))
    return [Decimal(counts[min(at, len(counts) - 1)]) for at in range(own)], told
