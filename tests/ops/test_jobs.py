"""Jobs: nothing is lost and nothing done twice, whoever runs them and however that ends."""

import logging
import signal
import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.db.models.functions import Now

from alignment.ops import jobs
from alignment.ops.models import Job, JobState
from tests.factories import make_user
from tests.ops.processes import Thread, listening, start_process
from tests.ops.runners import counted, lose_connection, on_slice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_happens_in_slices():
    on_slice.clear()


def enqueue(upto=30, **fields):
    return jobs.enqueue("count", params={"upto": upto}, **fields)


def end_lease():
    Job.objects.filter(state=JobState.RUNNING).update(leased_until=Now() - timedelta(seconds=1))


def run_while_it_waits(job, meanwhile):
    """Run a job in another thread; `meanwhile` happens while it is in its second slice."""
    in_slice, go_on = threading.Event(), threading.Event()

    def stop():
        # Only the thread that comes first.
        del on_slice[10]
        in_slice.set()
        assert go_on.wait(30)

    on_slice[10] = stop
    thread = Thread(lambda: jobs.run(job.pk))
    assert in_slice.wait(30)
    meanwhile()
    go_on.set()
    thread.end()
    job.refresh_from_db()


def killed(script):
    process = start_process(f"from alignment.ops import jobs; from tests.ops import runners; {script}")
    assert process.wait(60) == -signal.SIGKILL


def goes_on_after_the_lease(job, stands):
    assert (job.state, job.done, counted()) == ("running", stands, list(range(stands)))
    jobs.run(job.pk)
    assert len(counted()) == stands, "it is the dead run's until its lease is over"
    end_lease()
    assert jobs.waiting() == [job.pk]
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.interruptions) == ("done", 0)
    assert counted() == list(range(30))


def test_a_job_runs_slice_by_slice_to_its_end():
    actor = make_user()
    job = enqueue(25, actor=actor)
    assert jobs.waiting() == [job.pk]

    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.result, job.created_by) == ("done", 25, 25, {"last": 25}, actor)
    assert job.created_at <= job.started_at <= job.finished_at
    assert counted() == list(range(25))
    assert jobs.waiting() == []


def test_a_job_that_ended_is_not_run_again():
    job = enqueue()
    jobs.run(job.pk)
    jobs.run(job.pk)

    assert len(counted()) == 30


def test_a_run_stops_after_its_time_and_the_next_goes_on():
    job = enqueue()

    jobs.run(job.pk, within=timedelta(0))

    job.refresh_from_db()
    assert (job.state, job.done, job.cursor) == ("queued", 10, 10)
    assert jobs.waiting() == [job.pk]
    jobs.run(job.pk)
    assert counted() == list(range(30))


def test_a_command_runs_a_job_here_and_hears_of_each_slice():
    heard = []

    job = jobs.run_here("count", params={"upto": 30}, report=lambda progress: heard.append(progress.done))

    assert job.state == JobState.DONE
    assert heard == [10, 20, 30]


def test_a_job_without_a_runner_is_refused():
    with pytest.raises(LookupError, match="no_such_kind"):
        jobs.enqueue("no_such_kind", params={})


def test_two_runners_for_one_kind_are_refused():
    with pytest.raises(LookupError, match="two runners"):
        jobs.register("count")(lambda job: None)


def test_a_job_that_this_version_does_not_know_fails_with_a_sentence():
    job = Job.objects.create(kind="of the future")
    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "This version of Accord does not know jobs of the kind of the future.")


def test_a_run_killed_in_a_slice_loses_nothing_and_doubles_nothing():
    job = enqueue()

    killed(f"runners.on_slice[20] = runners.die; jobs.run({job.pk})")

    goes_on_after_the_lease(Job.objects.get(), stands=20)


def test_a_command_killed_between_slices_is_taken_over():
    killed("jobs.run_here('count', params={'upto': 30}, report=lambda progress: runners.die())")

    goes_on_after_the_lease(Job.objects.get(), stands=10)


def test_of_two_runs_at_once_one_does_nothing():
    job = enqueue()

    run_while_it_waits(job, lambda: jobs.run(job.pk))

    assert job.state == JobState.DONE
    assert counted() == list(range(30))


def test_a_run_that_lost_its_lease_cannot_store():
    job = enqueue()

    def take_over():
        end_lease()
        jobs.run(job.pk)

    run_while_it_waits(job, take_over)

    assert job.state == JobState.DONE
    assert counted() == list(range(30))


def test_cancelling_takes_back_the_slice_that_runs():
    job = enqueue()

    run_while_it_waits(job, lambda: jobs.cancel(job.pk))

    assert (job.state, job.done) == ("cancelled", 10)
    assert counted() == list(range(10))
    assert jobs.waiting() == []
    assert jobs.cancel(job.pk) is False


def test_a_cancelled_job_can_go_on():
    job = enqueue()
    jobs.run(job.pk, within=timedelta(0))
    jobs.cancel(job.pk)

    assert jobs.resume(job.pk) is True
    jobs.run(job.pk)
    assert counted() == list(range(30))


def test_a_failure_is_told_in_a_sentence_and_the_job_can_go_on():
    job = enqueue()

    def refuse():
        raise jobs.JobError("Row 12 has no date.")

    on_slice[10] = refuse
    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.state, job.error, job.done) == ("failed", "Row 12 has no date.", 10)
    assert counted() == list(range(10))
    assert jobs.waiting() == []
    on_slice.clear()
    assert jobs.resume(job.pk) is True
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("done", "")
    assert counted() == list(range(30))
    assert jobs.resume(job.pk) is False


def test_an_unexpected_error_is_named_but_not_shown(caplog):
    job = enqueue()
    on_slice[0] = lambda: {}["the address of somebody"]
    with caplog.at_level(logging.CRITICAL):
        jobs.run(job.pk)

    job.refresh_from_db()
    assert job.error == "An unexpected error stopped the job (KeyError). The server's log has it."


def test_a_lost_connection_is_no_failure():
    job = enqueue()
    on_slice[10] = lose_connection

    with pytest.raises(OperationalError):
        Thread(lambda: jobs.run(job.pk)).end()

    job.refresh_from_db()
    assert (job.state, job.done) == ("running", 10)
    on_slice.clear()
    end_lease()
    jobs.run(job.pk)
    assert counted() == list(range(30))


def test_a_job_that_takes_down_every_run_in_one_place_fails():
    job = enqueue()
    on_slice[10] = lose_connection
    for _ in range(jobs.MOST_INTERRUPTIONS):
        with pytest.raises(OperationalError):
            Thread(lambda: jobs.run(job.pk)).end()
        end_lease()

    jobs.run(job.pk)

    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "The job was cut short 5 times in the same place.")
    assert counted() == list(range(10))


def test_a_slice_needs_a_transaction_of_its_own():
    job = enqueue()

    with pytest.raises(RuntimeError), transaction.atomic():
        jobs.run(job.pk)


def test_each_slice_is_announced():
    job = enqueue()
    with listening() as listener:
        jobs.run(job.pk)

        assert listener.heard() == [f'{{"topic": "jobs", "ids": [{job.pk}]}}'] * 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "running"},
        {"state": "resting"},
        {"state": "done"},
        {"error": "Something."},
        {"finished_at": Now()},
    ],
    ids=str,
)
def test_wrong_states_cannot_be_stored(wrong):
    job = enqueue()

    with pytest.raises(IntegrityError):
        Job.objects.filter(pk=job.pk).update(**wrong)
