"""The funnel report: every figure of the page, measured once."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from alignment.people.models import Company
from dashboards.filters import Accounts, Basis, Calendar, Filters, Span
from dashboards.keeping import Keeper, Patience
from dashboards.metrics import cohorts, funnel, nurture, promises, speed
from dashboards.options import Options
from dashboards.settled import NOTHING_KEPT, Look, Memory
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


def current(filters: Filters, at: datetime, patience: Patience | None = None) -> Report:
    """The report of `filters`, measured anew only where something may have changed; its own `at` says as of when.
    Raises StillMeasuringError where that takes more than `patience`.
    """
    return _kept.get(filters.question, at, lambda at: measure(filters, at), patience)


def prepare(at: datetime) -> None:
    """Measure what everybody asks for, before anybody does. What is kept of it answers for other periods, too."""
    options, calendar = Options.load(), Calendar.of(Company.get())
    ever = {"period": Span.ALL}
    for asked in ({}, {"basis": Basis.PERIOD}, ever, ever | {"basis": Basis.PERIOD}):
        measure(Filters.parse(asked, options=options, calendar=calendar, at=at), at)


def renew() -> None:
    """Something happened: measure the reports that are being looked at again, before somebody asks. Where nobody looks,
    what was measured is kept up to date all the same, so that it is not forgotten.
    """
    look(Filters())
    _kept.renew(AHEAD_SECONDS)


def measure(filters: Filters, at: datetime) -> Report:
    """Measure all of it that is not kept. The number of queries depends on the question alone, never on the rows."""
    seen = look(filters)
    counted = funnel.measure(filters, seen)
    return Report(
        filters=filters,
        at=at,
        funnel=counted,
        stays=speed.stays(filters, at, seen),
        before=funnel.reached_before(filters, at, seen),
        cohorts=cohorts.cohorts(counted, at),
        promises=promises.measure(filters, at, seen),
        nurture=nurture.measure(filters, counted.frame, at),
    )


def look(filters: Filters) -> Look:
    """What was measured before; nothing of it for who sees what nobody else does yet, nor for accounts, whose changes
    the days of journeys do not tell.
    """
    if connection.in_atomic_block or filters.accounts != Accounts.ALL:
        return NOTHING_KEPT
    return _memory.look(_about(filters), is_usual=_is_usual(filters))


def look_at_usual(filters: Filters) -> Look:
    """The same, where it is about the journeys that everybody asks for: whoever needs a part of a question alone should
    not have all of it kept.
    """
    return look(filters) if _is_usual(filters) else NOTHING_KEPT


def _is_usual(filters: Filters) -> bool:
    return _about(filters) == _about(Filters())


def _about(filters: Filters) -> Hashable:
    return filters.meant, filters.anchor


_kept: Keeper[Report] = Keeper()
_memory = Memory()
