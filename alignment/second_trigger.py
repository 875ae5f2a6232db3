"""The second trigger of the sweep: promises are kept while beat is dead, the broker gone or the queues are full."""

import logging
import threading

from celery import Task, bootsteps
from celery.worker import WorkController
from django.db import connection

EVERY_SECONDS = 15
SWEEP = "sla.tasks.sweep"

log = logging.getLogger(__name__)


class SecondTrigger(bootsteps.StartStopStep):
    """Sweeps from a thread of the worker. An idle sweep costs next to nothing, so it does not ask who else sweeps."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: WorkController) -> None:
        self.ending = threading.Event()
        threading.Thread(target=self.run, args=[parent.app.tasks[SWEEP]], name="second-trigger", daemon=True).start()

    def stop(self, parent: WorkController) -> None:
        self.ending.set()

    def run(self, sweep: Task) -> None:
        while not self.ending.wait(EVERY_SECONDS):
            try:
                sweep()
            except Exception:
                log.exception("The second trigger could not sweep; it tries again.")
            finally:
                # The pool forks new children from this process: they must not share a connection.
                connection.close()
