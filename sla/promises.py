"""Reading what marketing promised: the plan by week, of the versions that were in force."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from alignment.lib.periods import Period
from alignment.people.models import Company
from sla.models import Agreement
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
