"""Two slices of a job at a time come to what they would one after the other, however one of them ends."""

import logging
import signal
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from alignment.ops import jobs
from alignment.ops.models import Job, JobState
from tests.ops.processes import Thread, start_process
from tests.ops.runners import counted, lock, on_slice

pytestmark = pytest.mark.django_db(transaction=True)

UPTO = 50


@pytest.fixture(autouse=True)
def _nothing_happens_in_slices():
    on_slice.clear()


@pytest.fixture
def meeting():
    """Two slices that wait until both of them have written."""
    meet = threading.Barrier(2)
    on_slice[0] = on_slice[10] = lambda: meet.wait(30)
    return meet


def enqueue(**params):
    return jobs.enqueue("abreast", params={"upto": UPTO} | params)


def ended(job):
    job.refresh_from_db()
    return job.state, job.done, sorted(counted())


def done():
    return "done", UPTO, list(range(UPTO))


def test_two_slices_run_at_a_time_and_are_stored_in_their_order(meeting):
    told = []

    job = jobs.run_here("abreast", params={"upto": UPTO}, report=lambda progress: told.append(progress.done))

    assert ended(job) == done()
    assert told == [10, 20, 30, 40, 50]
    assert job.result == {"sum": sum(range(UPTO))}
    assert not meeting.broken


def test_the_second_is_not_stored_before_the_first():
    second_is_ready = threading.Event()
    job, stored = enqueue(), []

    def look():
        assert second_is_ready.wait(30)
        stored.append(Job.objects.get(pk=job.pk).done)

    on_slice[0], on_slice[10] = look, second_is_ready.set
    jobs.run(job.pk)

    assert (stored, ended(job)) == ([0], done())


def test_a_slice_that_needs_the_one_before_it_begins_when_that_is_stored():
    job, stored = enqueue(waiting=[10, 30]), []
    for first in (10, 30):
        on_slice[first] = lambda: stored.append(Job.objects.get(pk=job.pk).done)

    jobs.run(job.pk)

    assert (stored, ended(job)) == ([10, 30], done())


def test_what_goes_wrong_before_a_slice_begins_is_left_to_that_slice():
    job = enqueue(unreadable=20)

    jobs.run(job.pk)

    assert ended(job) == done()


@pytest.mark.parametrize(("failing", "stands"), [(0, 0), (10, 10)])
def test_where_one_fails_what_comes_after_it_is_taken_back(meeting, failing, stands):
    def refuse():
        meeting.wait(30)
        raise jobs.JobError("Row 12 has no date.")

    def linger():
        meeting.wait(30)
        time.sleep(0.5)  # the other one fails meanwhile

    on_slice[0] = on_slice[10] = linger
    on_slice[failing] = refuse
    job = enqueue()
    jobs.run(job.pk)

    assert ended(job) == ("failed", stands, list(range(stands)))
    assert job.error == "Row 12 has no date."
    on_slice.clear()
    jobs.resume(job.pk)
    jobs.run(job.pk)
    assert ended(job) == done()


def in_a_ring(meet):
    """What two slices do so that each waits for the other."""

    def waits(first, second):
        def wait():
            lock(first)
            meet.wait(30)
            on_slice.clear()
            lock(second)

        return wait

    return waits(1, 2), waits(2, 1)


def ahead_with_what_the_first_needs(meet):
    """The second has done everything and waits for its turn; the first waits for what the second holds."""

    def second():
        lock(1)
        meet.wait(30)
        on_slice.clear()

    def first():
        meet.wait(30)
        lock(1)

    return first, second


@pytest.mark.parametrize("ring", [in_a_ring, ahead_with_what_the_first_needs])
def test_of_two_that_wait_for_each_other_one_is_done_again(ring):
    on_slice[0], on_slice[10] = ring(threading.Barrier(2))
    job = enqueue()

    jobs.run(job.pk)

    assert ended(job) == done()
    assert job.result == {"sum": sum(range(UPTO))}


def test_a_slice_that_gives_way_to_others_once_more_is_done_in_the_end():
    others = []

    def other_way_round(is_ready):
        with transaction.atomic():
            lock(2)
            is_ready.set()
            until_somebody_waits()
            lock(1)

    def in_a_ring():
        if len(others) == 2:
            return
        lock(1)
        is_ready = threading.Event()
        others.append(Thread(lambda: other_way_round(is_ready)))
        assert is_ready.wait(30)
        lock(2)

    on_slice[0] = in_a_ring
    job = enqueue()
    jobs.run(job.pk)

    assert ended(job) == done()
    for other in others:
        other.end()
    assert len(others) == 2


def until_somebody_waits():
    until = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND objid = 2")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)


def test_cancelling_takes_back_both(meeting):
    job = enqueue()

    def cancel():
        meeting.wait(30)
        Thread(lambda: jobs.cancel(job.pk)).end()

    on_slice[0] = cancel
    jobs.run(job.pk)

    assert ended(job) == ("cancelled", 0, [])


@pytest.mark.parametrize("dying", [0, 10, 40])
def test_a_run_killed_with_two_under_way_loses_nothing_and_doubles_nothing(dying):
    job = enqueue()
    process = start_process(
        "from alignment.ops import jobs; from tests.ops import runners; "
        f"runners.on_slice[{dying}] = runners.die; jobs.run({job.pk})"
    )
    assert process.wait(60) == -signal.SIGKILL

    state, stands, numbers = ended(job)
    assert (state, numbers) == ("running", list(range(stands)))
    Job.objects.filter(state=JobState.RUNNING).update(leased_until=Now() - timedelta(seconds=1))
    jobs.run(job.pk)
    assert ended(job) == done()


def test_a_run_stops_after_its_time_and_the_next_goes_on():
    job = enqueue()

    jobs.run(job.pk, within=timedelta(0))

    assert ended(job) == ("queued", 10, list(range(10)))
    jobs.run(job.pk)
    assert ended(job) == done()


def test_a_runner_that_does_not_wait_for_its_turn_cannot_store(caplog):
    job = enqueue(is_rude=True)
    with caplog.at_level(logging.CRITICAL):
        jobs.run(job.pk)

    assert ended(job) == ("failed", 10, list(range(10)))
    assert job.error.startswith("An unexpected error stopped the job (LookupError).")
