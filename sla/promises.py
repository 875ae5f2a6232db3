"""Reading what marketing promised, and what it kept: the plan by week, of the versions that were in force."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from alignment.lib.periods import Period
from alignment.people import calendars
from alignment.people.models import Company
from sla.history import Decided, decided, delivered
from sla.models import AboveCapacity, Agreement
from sla.pace import Pace, WeekSoFar, pace
from sla.quarters import FiscalCalendar
from sla.terms import Terms


@dataclass(frozen=True, slots=True)
class PlannedWeek:
    """First-pass MQLs promised in one week, and the promised acceptance rate (0 to 1; None: nothing was promised)."""

    mqls: int
    acceptance: Decimal | None
    version_id: int


def weekly_plan(weeks: Sequence[date]) -> Mapping[date, PlannedWeek]:
    """The plan of the weeks that begin on these days (company's calendar); a week without plan is absent.

    A week goes by the newest version that both heads had signed before it ended, else by the first that they signed
    later: a new version of a running quarter rewrites no week that is over. Two queries, whatever the number of weeks.
    """
    if not weeks:
        return {}
    company = Company.get()
    calendar, zone = FiscalCalendar.of(company), ZoneInfo(company.time_zone)
    quarters = {day: str(calendar.quarter(day).first) for day in weeks}
    signed = _signed(set(quarters.values()))
    found = {}
    for day, quarter in quarters.items():
        version = _in_force(signed.get(quarter, ()), calendar.week(day), zone)
        planned = _planned(version, calendar.week(day)) if version else None
        if planned:
            found[day] = planned
    return found


def in_force(quarter: Period) -> Agreement | None:
    """The version that both heads signed last for a fiscal quarter; None where they signed none. One query."""
    return Agreement.objects.signed().filter(scope=str(quarter.first)).order_by("-number").first()


def _signed(quarters: Iterable[str]) -> dict[str, list[Agreement]]:
    """By quarter, oldest first."""
    by_quarter: dict[str, list[Agreement]] = {}
    for version in Agreement.objects.signed().filter(scope__in=sorted(quarters)).order_by("number"):
        by_quarter.setdefault(version.scope, []).append(version)
    return by_quarter


def _in_force(versions: Sequence[Agreement], week: Period, zone: ZoneInfo) -> Agreement | None:
    ended_at = week.instants(zone)[1]
    before = [version for version in versions if _signed_at(version) < ended_at]
    return before[-1] if before else next(iter(versions), None)


def _signed_at(version: Agreement) -> datetime:
    moment: datetime = version.in_force_at  # type: ignore[attr-defined]  # annotated by `signed`
    return moment


def _planned(version: Agreement, week: Period) -> PlannedWeek | None:
    terms = Terms.read(version.body)
    mqls = next((each.mqls for each in terms.plan if each.first == week.first), None)
    return None if mqls is None else PlannedWeek(mqls, terms.quality, version.pk)


# How a quarter goes -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WeekKept:
    """A week of the quarter: what was planned in it by which version (None: nothing), and the first-pass MQLs of it."""

    week: Period
    planned: int | None
    came: int
    elapsed: float
    version: int | None

    @property
    def is_over(self) -> bool:
        return self.elapsed == 1

    @property
    def short(self) -> int:
        """How many fewer came than planned; 0 without a plan."""
        return max(0, (self.planned or 0) - self.came)

    @property
    def is_short(self) -> bool:
        """Whether it is over, with fewer than planned."""
        return self.is_over and self.short > 0


@dataclass(frozen=True, slots=True)
class MonthKept:
    """A month and its weeks: marketing's volume is settled by it."""

    period: Period
    weeks: Sequence[WeekKept]

    @property
    def planned(self) -> int:
        return sum(week.planned or 0 for week in self.weeks)

    @property
    def came(self) -> int:
        return sum(week.came for week in self.weeks)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more can come in it."""
        return all(week.is_over for week in self.weeks)

    @property
    def has_begun(self) -> bool:
        return any(week.elapsed for week in self.weeks)

    @property
    def short(self) -> int:
        """How many fewer came than planned."""
        return max(0, self.planned - self.came)

    @property
    def is_missed(self) -> bool:
        """Whether it is settled, with fewer than planned."""
        return self.is_settled and self.came < self.planned


@dataclass(frozen=True, slots=True)
class QuarterKept:
    """A fiscal quarter against its plan: its months, the pace, and the quality of what was decided in it so far,
    and how many leads came above capacity.
    """

    months: Sequence[MonthKept]
    pace: Pace
    quality: Decided
    promised: Decimal | None
    above_capacity: int

    @property
    def weeks(self) -> list[WeekKept]:
        return [week for month in self.months for week in month.weeks]


def so_far(quarter: Period, at: datetime) -> QuarterKept:
    """The quarter as it stands at `at`. Nine queries at most."""
    company = Company.get()
    calendar, zone = FiscalCalendar.of(company), ZoneInfo(company.time_zone)
    weeks = calendar.weeks(quarter)
    plan, came = weekly_plan([week.first for week in weeks]), delivered(weeks, zone)
    elapsed = _elapsed(weeks, at, zone, company.calendar_id)
    kept = {}
    for week, count, share in zip(weeks, came, elapsed, strict=True):
        kept[week] = _week_kept(week, plan.get(week.first), count, share)
    last = next((plan[week.first] for week in reversed(weeks) if week.first in plan), None)
    measured = [WeekSoFar(each.planned, each.came, each.elapsed) for each in kept.values() if each.planned is not None]
    return QuarterKept(
        months=[MonthKept(month.period, [kept[week] for week in month.weeks]) for month in calendar.months(quarter)],
        pace=pace(measured),
        quality=decided(quarter, zone),
        promised=last.acceptance if last else None,
        above_capacity=AboveCapacity.objects.filter(falls_on__range=(quarter.first, quarter.last)).count(),
    )


def _week_kept(week: Period, planned: PlannedWeek | None, came: int, elapsed: float) -> WeekKept:
    mqls, version = (planned.mqls, planned.version_id) if planned else (None, None)
    return WeekKept(week, mqls, came, elapsed, version)


def _elapsed(weeks: Sequence[Period], at: datetime, zone: ZoneInfo, calendar_id: int | None) -> list[float]:
    """Which part of the company's working time of each week has passed; without a calendar every hour counts."""
    known = calendars.load([calendar_id]) if calendar_id else {}
    found = []
    for week in weeks:
        start, end = week.instants(zone)
        if not start < at < end:
            found.append(0.0 if at <= start else 1.0)
            continue
        if calendar_id and (whole := known[calendar_id].elapsed(start, end)):
            found.append(known[calendar_id].elapsed(start, at) / whole)
        else:
            found.append((at - start) / (end - start))
    return found
