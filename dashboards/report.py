"""The funnel report: every figure of the page, measured once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboards.filters import Filters
from dashboards.keeping import Keeper
from dashboards.metrics import cohorts, funnel, nurture, promises, speed
from leads.milestones import Milestone

TOPIC = "figures"
"""What pages that show figures hear of, once those are measured."""
AHEAD_SECONDS = 0.5
"""Pages are told after this long at the latest, and one measurement."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `filters` ask for, as it stands at the moment `at`. `before`: reached counts of the period before."""

    filters: Filters
    at: datetime
    funnel: funnel.Funnel
    stays: Mapping[Milestone, speed.Stay]
    before: Mapping[Milestone, int] | None
    cohorts: Sequence[cohorts.Cohort]
    promises: promises.Promises
    nurture: nurture.Nurture


def current(filters: Filters, at: datetime) -> Report:
    """The report of `filters`, measured anew only where something may have changed; its own `at` says as of when."""
    asked = (filters.query, filters.period, filters.calendar)
    return _kept.get(asked, at, lambda at: measure(filters, at))


def renew() -> None:
    """Something happened: measure the reports that are being looked at again, before somebody asks."""
    _kept.renew(AHEAD_SECONDS)


def measure(filters: Filters, at: datetime) -> Report:
    """Measure all of it. The number of queries depends on basis and period alone, never on the rows."""
    counted = funnel.measure(filters)
    return Report(
        filters=filters,
        at=at,
        funnel=counted,
        stays=speed.stays(filters, at),
        before=funnel.reached_before(filters, at),
        cohorts=cohorts.cohorts(counted, at),
        promises=promises.measure(filters, at),
        nurture=nurture.measure(filters, counted.frame, at),
    )


_kept: Keeper[Report] = Keeper()
