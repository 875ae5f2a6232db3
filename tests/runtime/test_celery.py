"""The pokes: each is a task that exists, goes to its own queue, and is thrown away rather than piled up."""

import subprocess
import sys

import pytest

from alignment.celery import POKES, app
from tests.runtime.stacks import ROOT


@pytest.fixture(scope="module", autouse=True)
def loaded_tasks():
    app.loader.import_default_modules()


@pytest.mark.parametrize(("task", "queue", "seconds"), POKES)
def test_each_poke_is_a_task_with_a_queue(task, queue, seconds):
    assert task in app.tasks
    assert app.amqp.router.route({}, task)["queue"].name == queue
    assert app.conf.beat_schedule[task]["options"]["expires"] <= seconds


def test_every_queue_has_a_route_of_its_own():
    """Queues with one routing key would each get a copy of every message."""
    keys = [queue.routing_key for queue in app.amqp.queues.values()]
    assert len(set(keys)) == len(keys) == len({queue for _, queue, _ in POKES})


def test_a_task_ends_before_its_message_becomes_visible_again():
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit
    assert app.conf.task_time_limit < app.conf.broker_transport_options["visibility_timeout"]


BEGINS = """
import sys, django
from alignment.celery import app
from celery.signals import worker_init
django.setup()
assert "alignment.urls" not in sys.modules
worker_init.send(sender=app)
assert "alignment.urls" in sys.modules
"""


def test_a_worker_knows_all_addresses_before_it_makes_its_children():
    """Else each of them imports all pages when it first tells somebody of something, while it holds locks."""
    result = subprocess.run([sys.executable, "-c", BEGINS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
