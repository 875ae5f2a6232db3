"""A kind of job whose slices can be counted: each writes the numbers that it did into the append-only audit log."""

import os
import signal
from collections.abc import Callable

from django.db import connection

from alignment.ops import audit, jobs
from alignment.ops.models import AuditEntry, Job

STEP = 10
# What a test lets happen in a slice after its writes, by the slice's first number.
on_slice: dict[int, Callable[[], object]] = {}


@jobs.register("count")
def count(job: Job) -> jobs.Progress:
    """Counts from 0 up to `params["upto"]`."""
    first = job.cursor or 0
    last = min(first + STEP, job.params["upto"])
    audit.record(action="counted", actor=None, subject_kind="number", subject_ids=range(first, last))
    on_slice.get(first, lambda: None)()
    return jobs.Progress(
        cursor=last, done=last, total=job.params["upto"], result={"last": last}, finished=last == job.params["upto"]
    )


def counted() -> list[int | None]:
    """The numbers that stand in the log, in the order in which they were written."""
    return list(AuditEntry.objects.filter(action="counted").order_by("id").values_list("subject_id", flat=True))


def die() -> None:
    """As the kernel ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)


def lose_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def _abreast(job: Job) -> int | None:
    following = (job.cursor or 0) + STEP
    if following == job.params.get("unreadable"):
        raise ValueError("Nobody can say where it begins.")
    return following if following < job.params["upto"] and following not in job.params.get("waiting", []) else None


@jobs.register("abreast", beside=_abreast)
def count_abreast(job: Job) -> jobs.Progress:
    """The same where two slices may run at a time, but for those that begin with a number of `params["waiting"]`."""
    first = job.cursor or 0
    last = min(first + STEP, job.params["upto"])
    audit.record(action="counted", actor=None, subject_kind="number", subject_ids=range(first, last))
    on_slice.get(first, lambda: None)()
    if not job.params.get("is_rude"):
        jobs.in_turn(job)
    result = {"sum": job.result.get("sum", 0) + sum(range(first, last))}
    return jobs.Progress(
        cursor=last, done=job.done + last - first, total=job.params["upto"], result=result,
        finished=last == job.params["upto"],
    )  # fmt: skip


def lock(number: int) -> None:
    """Until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
