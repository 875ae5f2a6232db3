"""The ledger of both sides: every figure of the promises page, measured once."""

from dataclasses import dataclass
from datetime import datetime

from dashboards import report
from dashboards.filters import Filters
from dashboards.keeping import Keeper
from dashboards.metrics import attainment, promises
from dashboards.metrics.attainment import Standing
from dashboards.metrics.promises import Promises


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


def current(filters: Filters, at: datetime) -> Ledger:
    """The ledger of `filters`, measured anew only where something may have changed; its own `at` says as of when."""
    return _kept.get(filters.question, at, lambda at: measure(filters, at))


def renew() -> None:
    """Something happened: measure the ledgers that are being looked at again, before somebody asks."""
    _kept.renew(report.AHEAD_SECONDS)


def measure(filters: Filters, at: datetime) -> Ledger:
    """Measure all of it. The number of queries depends on nothing but the filters."""
    before = filters.compared
    return Ledger(
        filters=filters,
        at=at,
        promises=promises.measure(filters, at, report.look(filters), compared=before.period if before else None),
        sales=attainment.measure(filters, promises.weeks_shown(filters, at), at),
        above=promises.above(filters).count(),
    )


_kept: Keeper[Ledger] = Keeper()
