"""The ledger of both sides: every figure of the promises page, measured once."""

from dataclasses import dataclass
from datetime import datetime

from alignment.people.models import Company
from dashboards import report
from dashboards.filters import Calendar, Filters, Span
from dashboards.keeping import Keeper, Patience
from dashboards.metrics import answered, attainment, promises
from dashboards.metrics.attainment import Standing
from dashboards.metrics.promises import Promises
from dashboards.options import Options


@dataclass(frozen=True, slots=True)
class Ledger:
    """What `filters` ask for, as it stands at the moment `at`: what both sides kept, each promise with clocks, and how
    many leads wait above capacity.
    """

    filters: Filters
    at: datetime
    promises: Promises
    sales: Standing
    above: int


def current(filters: Filters, at: datetime, patience: Patience | None = None) -> Ledger:
    """The ledger of `filters`, measured anew only where something may have changed; its own `at` says as of when.
    Raises StillMeasuringError where that takes more than `patience`.
    """
    return _kept.get(filters.question, at, lambda at: measure(filters, at), patience)


def prepare(at: datetime) -> None:
    """Measure what everybody asks for, before anybody does; then all time, which takes longest."""
    for asked in ({}, {"period": Span.ALL}):
        measure(Filters.parse(asked, options=Options.load(), calendar=Calendar.of(Company.get()), at=at), at)


def renew() -> None:
    """Something happened: measure the ledgers that are being looked at again, before somebody asks."""
    _kept.renew(report.AHEAD_SECONDS)


def measure(filters: Filters, at: datetime) -> Ledger:
    """Measure all of it. The number of queries depends on nothing but the filters."""
    before, broad = filters.compared, answered.broad(filters)
    seen = report.look(filters)
    seen_broadly = seen if broad.meant == filters.meant else report.look(broad)
    return Ledger(
        filters=filters,
        at=at,
        promises=promises.measure(filters, at, seen, compared=before.period if before else None, has_clocks=False),
        sales=attainment.measure(filters, promises.weeks_shown(filters, at), at, seen_broadly),
        above=promises.above(filters).count(),
    )


_kept: Keeper[Ledger] = Keeper()
