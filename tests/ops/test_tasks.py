"""What beat pokes finds its work in the database and says that it lives."""

from datetime import timedelta

import pytest
from django.core import mail

from alignment.celery import app
from alignment.ops import heartbeats, jobs, outbox, tasks
from alignment.ops.outbox import Mail
from tests.ops.runners import counted, on_slice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _at_once():
    """A task that is sent runs at once, here."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_delivering_empties_the_outbox():
    outbox.post(messages=[Mail(address="ada@example.com", subject="Late", body="Hello", dedupe_key="one")])

    tasks.deliver()

    assert len(mail.outbox) == 1
    assert heartbeats.stale(["sender"], older_than=timedelta(minutes=1)) == []


@pytest.mark.usefixtures("_at_once")
def test_jobs_that_wait_are_run():
    on_slice.clear()
    for upto in (10, 20):
        jobs.enqueue("count", params={"upto": upto})

    tasks.resume_jobs()

    assert counted() == [*range(10), *range(20)]
    assert jobs.waiting() == []
    assert heartbeats.stale(["worker"], older_than=timedelta(minutes=1)) == []


def test_beat_pokes_tasks_that_exist():
    app.loader.import_default_modules()

    assert {"alignment.ops.tasks.deliver", "alignment.ops.tasks.resume_jobs"} <= app.tasks.keys()
