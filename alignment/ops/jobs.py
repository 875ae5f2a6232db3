"""Long work in slices: a job survives the death of whoever runs it, and none of its slices counts twice.

A slice, the cursor behind it and its progress commit together. While a job runs, it belongs to one run for the time
of a lease that each slice renews; a run that lost its lease cannot store any more. So a job that was killed anywhere
goes on where its last slice ended, by whoever finds it.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Coalesce, Now

from alignment.lib import collecting, failpoints
from alignment.lib.announcements import announce
from alignment.ops import audit
from alignment.ops.job_kinds import About, Link, Progress, about, kind_of, register
from alignment.ops.models import OPEN_STATES, Job, JobState
from alignment.ops.notifications import Notice, notify
from alignment.people.models import User

__all__ = [
    "About",
    "JobError",
    "Link",
    "Progress",
    "cancel",
    "enqueue",
    "register",
    "resume",
    "run",
    "run_here",
    "waiting",
]

log = logging.getLogger(__name__)

TOPIC = "jobs"
# No slice may take longer: another run would do it again, and the first to commit wins.
LEASE = timedelta(minutes=2)
# A job that takes its worker down so often in one place is not tried again.
MOST_INTERRUPTIONS = 5
UNLEASED: dict[str, Any] = {"leased_by": None, "leased_until": None}


class JobError(Exception):
    """Raised by a runner with a sentence for people: the job ends as failed and shows it."""


class _NotMineError(Exception):
    """The job was cancelled, or taken over after the lease: the slice is taken back."""


@transaction.atomic
def enqueue(kind: str, *, params: dict[str, Any], actor: User | None = None) -> Job:
    """A new job, which a worker takes up within seconds. Raises LookupError for a kind without a runner."""
    return _create(kind, params=params, created_by=actor)


# Between two slices there is hardly any garbage, and what a runner has read ahead would be gone through for nothing.
@collecting.later()
def run_here(
    kind: str,
    *,
    params: dict[str, Any],
    actor: User | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Job:
    """A new job, run by the caller to its end and returned as it then stands: done, failed or cancelled.

    `report` is called after each slice. Should the caller be killed, a worker goes on.
    """
    run_id = uuid4()
    started = {"state": JobState.RUNNING, "started_at": Now(), "leased_by": run_id, "leased_until": Now() + LEASE}
    with transaction.atomic(durable=True):
        job = _create(kind, params=params, created_by=actor, **started)
    while progress := _slice(job.pk, run_id):
        if report:
            report(progress)
    return Job.objects.get(pk=job.pk)


@collecting.later()
def run(job_id: int, *, within: timedelta = timedelta(seconds=100)) -> None:
    """Go on with a job that nobody runs, beginning no slice after `within`; what is left then waits for the next run.

    Does nothing with a job that somebody runs or that has ended.
    """
    run_id, stop_at = uuid4(), time.monotonic() + within.total_seconds()
    if not _take(job_id, run_id):
        return
    failpoints.reached("jobs.taken")
    while _slice(job_id, run_id):
        failpoints.reached("jobs.committed")
        if time.monotonic() >= stop_at:
            _mine(job_id, run_id).update(state=JobState.QUEUED, **UNLEASED)
            return


def waiting() -> list[int]:
    """The jobs that somebody should go on with: new ones, and those whose run died. Oldest first."""
    return list(_unclaimed().order_by("id").values_list("id", flat=True))


@transaction.atomic
def cancel(job_id: int, *, by: User | None = None) -> bool:
    """End a job; what its slices did stays, and the one that is running is taken back. False if it had ended.

    Whoever started it is told when somebody else stops it.
    """
    cancelled = Job.objects.filter(pk=job_id, state__in=OPEN_STATES).update(
        state=JobState.CANCELLED, finished_at=Now(), **UNLEASED
    )
    if cancelled:
        _steered("job_stopped", job_id, by)
    announce(TOPIC, [job_id])
    return bool(cancelled)


@transaction.atomic
def resume(job_id: int, *, by: User | None = None) -> bool:
    """Let a failed or cancelled job go on after its last good slice. False if it is neither."""
    resumed = Job.objects.filter(pk=job_id, state__in=[JobState.FAILED, JobState.CANCELLED]).update(
        state=JobState.QUEUED, finished_at=None, error="", interruptions=0
    )
    if resumed:
        _steered("job_resumed", job_id, by)
    announce(TOPIC, [job_id])
    return bool(resumed)


def _steered(action: str, job_id: int, by: User | None) -> None:
    """Who stops a job or lets it go on answers for it."""
    if by is None:
        return
    job = Job.objects.get(pk=job_id)
    audit.record(action=action, actor=by, subject_kind="job", subject_ids=[job_id], detail={"kind": job.kind})
    if action == "job_stopped" and by.pk != job.created_by_id:
        _tell(job, f"was stopped by {by}", about(job).summary(job), f"stopped after {job.done}")


def _create(kind: str, **fields: Any) -> Job:
    if kind_of(kind) is None:
        raise LookupError(f"There is no runner for jobs of the kind {kind}.")
    job = Job.objects.create(kind=kind, **fields)
    announce(TOPIC, [job.pk])
    return job


def _unclaimed() -> QuerySet[Job]:
    return Job.objects.filter(Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, leased_until__lt=Now()))


def _mine(job_id: int, run_id: UUID) -> QuerySet[Job]:
    """The job, as long as it runs and belongs to this run."""
    return Job.objects.filter(pk=job_id, state=JobState.RUNNING, leased_by=run_id)


@transaction.atomic(durable=True)
def _take(job_id: int, run_id: UUID) -> bool:
    """Make the job this run's, unless somebody else was first."""
    taken = (
        _unclaimed()
        .filter(pk=job_id)
        .update(
            state=JobState.RUNNING,
            leased_by=run_id,
            leased_until=Now() + LEASE,
            started_at=Coalesce("started_at", Now()),
            interruptions=F("interruptions") + Case(When(state=JobState.RUNNING, then=1), default=0),
        )
    )
    return bool(taken)


def _slice(job_id: int, run_id: UUID) -> Progress | None:
    """Do the next slice; None when there is none left for this run."""
    try:
        with transaction.atomic(durable=True):
            return _do_slice(job_id, run_id)
    except _NotMineError:
        return None
    except (OperationalError, InterfaceError):
        # The database went away or chose this transaction to give way: the lease runs out and the job goes on.
        raise
    except JobError as error:
        _fail(job_id, run_id, str(error))
    except Exception as error:
        log.exception("Job %s stopped.", job_id)
        _fail(job_id, run_id, f"An unexpected error stopped the job ({type(error).__name__}). The server's log has it.")
    return None


def _do_slice(job_id: int, run_id: UUID) -> Progress | None:
    job = _mine(job_id, run_id).first()
    if job is None:
        return None
    if job.interruptions >= MOST_INTERRUPTIONS:
        raise JobError(f"The job was cut short {job.interruptions} times in the same place.")
    kind = kind_of(job.kind)
    if kind is None:
        raise JobError(f"This version of Accord does not know jobs of the kind {job.kind}.")
    progress = kind.run(job)
    failpoints.reached("jobs.sliced")
    if not _store(job_id, run_id, progress):
        raise _NotMineError
    if progress.finished:
        job.done, job.result = progress.done, progress.result
        _tell(job, "is done", kind.about.summary(job), "done")
    announce(TOPIC, [job_id])
    return progress


def _tell(job: Job, what: str, body: str, occasion: str) -> None:
    """Whoever started a job hears what became of it; the same occasion is told once."""
    if job.created_by_id is None:
        return
    told = about(job)
    notice = Notice(
        user_id=job.created_by_id, kind="job", title=f"{told.title(job)} {what}", body=body, url=told.url(job),
        dedupe_key=f"job:{job.pk}:{occasion}", subject_kind="job", subject_id=job.pk, by_mail=False,
    )  # fmt: skip
    notify(notices=[notice])


def _store(job_id: int, run_id: UUID, progress: Progress) -> bool:
    """The progress and a new lease; False, and the slice must be taken back, if the job is not this run's any more."""
    ended = {"state": JobState.DONE, "finished_at": Now(), **UNLEASED}
    stored = _mine(job_id, run_id).update(
        cursor=progress.cursor,
        done=progress.done,
        total=progress.total,
        result=progress.result,
        interruptions=0,
        **(ended if progress.finished else {"leased_until": Now() + LEASE}),
    )
    return bool(stored)


@transaction.atomic
def _fail(job_id: int, run_id: UUID, reason: str) -> None:
    failed = _mine(job_id, run_id).update(state=JobState.FAILED, error=reason, finished_at=Now(), **UNLEASED)
    announce(TOPIC, [job_id])
    if not failed:
        return
    job = Job.objects.get(pk=job_id)
    # Told again where it goes on and stops once more.
    _tell(job, "stopped", reason, f"failed after {job.done}")
    kind = kind_of(job.kind)
    if kind and kind.on_failure:
        kind.on_failure(job)
