"""Long work in slices: a job survives the death of whoever runs it, and none of its slices counts twice.

A slice, the cursor behind it and its progress commit together. While a job runs, it belongs to one run for the time
of a lease that each slice renews; a run that lost its lease cannot store any more. So a job that was killed anywhere
goes on where its last slice ended, by whoever finds it. A kind may let its next slice begin beside the one that is
not yet stored (`in_turn`); they still commit in their order.
"""

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from math import inf
from threading import Event
from typing import Any
from uuid import UUID, uuid4

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Coalesce, Now
from psycopg2.errors import DeadlockDetected

from alignment.lib import collecting, failpoints, lanes, turns
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
    "in_turn",
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
    for progress in _slices(job.pk, run_id):
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
    for _ in _slices(job_id, run_id, stop_at):
        failpoints.reached("jobs.committed")
    _mine(job_id, run_id).update(state=JobState.QUEUED, **UNLEASED)


def in_turn(job: Job) -> None:
    """Called by a runner when its writes are done, before it reads `job.done` and `job.result`: waits until the slice
    before this one is stored, and lets `job` know what all of them came to.

    It waits in the database, which sees when the two wait for each other.
    """
    if not job.follows:
        return
    _lock(job.follows, shared=True)
    job.follows = ""
    cursor, done, result = Job.objects.values_list("cursor", "done", "result").get(pk=job.pk)
    if cursor != job.cursor:
        raise _NotMineError
    job.done, job.result = done, result


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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a slice begins, and the slice before it where it began beside that one. `is_held` from when its slice has
    locked it, or has ended.
    """

    cursor: Any
    before: "_Place | None" = None
    is_held: Event = field(default_factory=Event)


def _slices(job_id: int, run_id: UUID, stop_at: float = inf) -> Iterator[Progress]:
    """Do slice after slice and say what each came to, until none is left for this run. But for the first, none begins
    at `stop_at` (by `time.monotonic`) or later.
    """
    job = Job.objects.get(pk=job_id)
    kind = kind_of(job.kind)
    # What an open transaction of the caller wrote is not there for other connections.
    if kind and kind.beside and not connection.in_atomic_block:
        with lanes.opened(2) as begin:
            yield from _abreast(job, run_id, kind.beside, stop_at, begin)
        return
    while progress := _slice(job_id, run_id):
        yield progress
        if time.monotonic() >= stop_at:
            return


def _abreast(
    job: Job, run_id: UUID, beside: Callable[[Job], Any], stop_at: float, begin: lanes.Lanes
) -> Iterator[Progress]:
    """Two slices at a time where the kind lets the second begin; where the third does is found out meanwhile. If they,
    or they and others, wait for each other in a ring, the database takes one back so that the rest go on; a slice that
    is taken back is done again, alone.
    """

    def begun_at(place: _Place) -> deque[Future[Progress | None]]:
        return deque([begin(_slice, job.pk, run_id, place)])

    place, following, is_known = _Place(job.cursor), None, False
    begun = begun_at(place)
    while begun:
        if not is_known and time.monotonic() < stop_at:
            following, is_known = _following(job, place, beside), True
        if following and len(begun) == 1 and time.monotonic() < stop_at:
            begun += begun_at(following)
            place, following, is_known = following, None, False
            continue
        try:
            progress = begun.popleft().result()
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
            wait(begun)
            job.refresh_from_db(fields=["cursor"])
            place, following, is_known = _Place(job.cursor), None, True
            begun = begun_at(place)
            continue
        if progress is None:
            return
        yield progress
        if not begun and not progress.finished and time.monotonic() < stop_at:
            place, following, is_known = _Place(progress.cursor), None, False
            begun = begun_at(place)


def _following(job: Job, place: _Place, beside: Callable[[Job], Any]) -> _Place | None:
    """The place beside this one, where the kind names one. What is wrong there is for its slice to say, in its turn."""
    job.cursor = place.cursor
    try:
        cursor = beside(job)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.warning("No slice of job %s begins beside the one at %s.", job.pk, job.cursor, exc_info=True)
        return None
    return None if cursor is None else _Place(cursor, before=replace(place, before=None))


def _slice(job_id: int, run_id: UUID, place: _Place | None = None) -> Progress | None:
    """Do the next slice, or the one at this place; None when there is none left for this run."""
    if place and place.before:
        place.before.is_held.wait()
    try:
        if place:
            _do_ahead(job_id, run_id, place)
        with transaction.atomic(durable=True):
            return _do_slice(job_id, run_id, place)
    except _NotMineError:
        return None
    except (OperationalError, InterfaceError):
        # The database went away or chose this transaction to give way: the lease runs out and the job goes on.
        raise
    except JobError as error:
        _fail(job_id, run_id, place, str(error))
    except Exception as error:
        log.exception("Job %s stopped.", job_id)
        told = f"An unexpected error stopped the job ({type(error).__name__}). The server's log has it."
        _fail(job_id, run_id, place, told)
    finally:
        if place:
            place.is_held.set()
    return None


def _do_ahead(job_id: int, run_id: UUID, place: _Place) -> None:
    """What a slice does before it begins, in transactions of its own; in the order of the slices."""
    job = _mine(job_id, run_id).first()
    kind = kind_of(job.kind) if job else None
    if job and kind and kind.ahead:
        job.cursor = place.cursor
        kind.ahead(job)


def _do_slice(job_id: int, run_id: UUID, place: _Place | None) -> Progress | None:
    job = _mine(job_id, run_id).first()
    if job is None:
        return None
    if job.interruptions >= MOST_INTERRUPTIONS:
        raise JobError(f"The job was cut short {job.interruptions} times in the same place.")
    kind = kind_of(job.kind)
    if kind is None:
        raise JobError(f"This version of Accord does not know jobs of the kind {job.kind}.")
    if place:
        job.cursor, job.follows = place.cursor, _name(job_id, place.before) if place.before else ""
        _lock(_name(job_id, place))
        place.is_held.set()
    with turns.taken_by(partial(in_turn, job)):
        progress = kind.run(job)
    if job.follows:
        raise LookupError(f"The runner of {job.kind} does not wait for its turn.")
    failpoints.reached("jobs.sliced")
    if not _store(job_id, run_id, progress):
        raise _NotMineError
    if progress.finished:
        job.done, job.result = progress.done, progress.result
        _tell(job, "is done", kind.about.summary(job), "done")
    announce(TOPIC, [job_id])
    return progress


def _name(job_id: int, place: _Place) -> str:
    return f"accord.job:{job_id}:{json.dumps(place.cursor, sort_keys=True)}"


def _lock(name: str, *, shared: bool = False) -> None:
    """Until the transaction ends: a slice has its place, and whoever shares that waits for it."""
    with connection.cursor() as cursor:
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])


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
def _fail(job_id: int, run_id: UUID, place: _Place | None, reason: str) -> None:
    if place and place.before:
        # The slice before it is stored first; where that was taken back, this one will be done again.
        _lock(_name(job_id, place.before), shared=True)
        if Job.objects.values_list("cursor", flat=True).get(pk=job_id) != place.cursor:
            return
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
