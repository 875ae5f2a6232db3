"""Figures are measured when something happened, and only then are the pages told that show them.

So a page that fetches its figures again finds them measured, and an event costs one measurement a web process, however
many look. While events come without a pause, half the time at least is left for other work. What everybody asks for is
measured as soon as a process begins.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils.timezone import now

from dashboards import ledger, report

log = logging.getLogger(__name__)

EVENTS = "leads"
"""The topic of what changes figures."""
MOST_REST_SECONDS = 0.5

# One thread, which keeps one database connection.
measurer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="figures")


class Ahead:
    """Measures after events, and then calls `tell`. All of it but the measuring runs on the event loop."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell = tell
        self.is_due = False
        self.measuring: asyncio.Task[None] | None = None

    def something_happened(self) -> None:
        """Measure soon; while it is being measured, once more afterwards."""
        self.is_due = True
        if self.measuring is None or self.measuring.done():
            self.measuring = asyncio.create_task(self.measure())

    async def measure(self) -> None:
        """Measure and tell until nothing more has happened."""
        while self.is_due:
            self.is_due = False
            took = await asyncio.get_running_loop().run_in_executor(measurer, measured)
            self.tell()
            await asyncio.sleep(min(took, MOST_REST_SECONDS))


def prepare() -> Future[float]:
    """Measure what everybody asks for, on the measuring thread."""
    return measurer.submit(_measured, lambda: report.prepare(now()), lambda: ledger.prepare(now()))


def measured() -> float:
    """Renew the reports that are being looked at; returns the seconds it took."""
    return _measured(report.renew, ledger.renew)


def _measured(*steps: Callable[[], None]) -> float:
    """What fails is measured when somebody asks."""
    began = time.monotonic()
    close_old_connections()
    try:
        for step in steps:
            step()
    except (DatabaseError, InterfaceError):
        log.warning("Figures could not be measured ahead.", exc_info=True)
    return time.monotonic() - began
