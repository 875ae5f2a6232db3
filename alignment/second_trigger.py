"""The second trigger: promises are kept while beat is dead, the broker gone or the queues are full."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from celery import bootsteps
from celery.worker import WorkController
from django.db import connection

from alignment.ops import heartbeats, jobs, mailing
from alignment.ops.outbox import deliver, deliver_hooks
from alignment.ops.tasks import RUN_EXPIRES_SECONDS, run_job
from sla.sweep import sweep

EVERY = timedelta(seconds=15)


def send() -> None:
    """All that leaves; the mail first, since receivers of hooks can be slow."""
    mailing.post_due()
    deliver()
    deliver_hooks()


def work() -> None:
    """Poke the jobs that wait, by this machine's own clock, to which beat's pokes may look old."""
    for job_id in jobs.waiting():
        run_job.apply_async([job_id], expires=RUN_EXPIRES_SECONDS)


# What stands in for a poke that nobody has heard of, by the heartbeat that the poked task gives.
STAND_INS: Mapping[str, Callable[[], object]] = {"sweep": sweep, "sender": send, "worker": work}

log = logging.getLogger(__name__)


class SecondTrigger(bootsteps.StartStopStep):
    """Does from a thread of the worker what beat should have poked. It gives no heartbeat: beat stays reported dead."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: WorkController) -> None:
        self.ending = threading.Event()
        threading.Thread(target=self.run, name="second-trigger", daemon=True).start()

    def stop(self, parent: WorkController) -> None:
        self.ending.set()

    def run(self) -> None:
        while not self.ending.wait(EVERY.total_seconds()):
            try:
                for name in heartbeats.stale(STAND_INS, older_than=EVERY):
                    STAND_INS[name]()
            except Exception:
                log.exception("The second trigger failed; it tries again.")
            finally:
                # The pool forks new children from this process: they must not share a connection.
                connection.close()
