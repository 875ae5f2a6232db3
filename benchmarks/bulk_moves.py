"""Moves of very many leads at once, as the list of leads does them by a job:
`python3 run.py manage shell --no-imports -c "from benchmarks.bulk_moves import main; main()"`, of fewer with
`main(20_000)`.

In a scratch database of its own, so many qualified leads with owners, clocks and touches are handed over to one rep,
rejected, taken back from that, and recycled, each by its job, slice by slice as a worker runs it. Prints leads a
second, the statements of a slice (with those that take up the job and put it back), CPU seconds of Python and of the
database, and the most memory that the worker needed. Nothing passes or fails by time.
"""

import ctypes
import gc
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path

from alignment.ops import jobs
from alignment.ops.models import Job
from alignment.people.models import Role, User
from benchmarks.ingest import Cost, measured
from benchmarks.scratch import scratch_database
from benchmarks.write_core import CAUSE, drafts, staff
from leads import intake
from leads.bulk import running
from leads.bulk.actions import ACTIONS, Params
from leads.models import Lead, Reason
from leads.models.bulk import BulkChange, BulkKind

TAKEN_IN = 2_000


def main(leads: int = 100_000) -> None:
    """Make a scratch database, measure, and drop it."""
    if leads <= running.AT_ONCE:
        raise ValueError(f"Up to {running.AT_ONCE:,} leads are moved without a job: give more.")
    with scratch_database():
        people = staff()
        by = User.objects.create_user(email="revops@accord.example", name="Rita Ops", role=Role.REVOPS)
        _take_in(people, leads)
        print(f"{Lead.objects.count():,} leads, in slices of {running.AT_ONCE:,}")
        reason = Reason.objects.offered("reject")[0].pk
        _tell("handed over", partial(_begin, BulkKind.REASSIGN, {"owner": people[0].pk, "why": "Benchmark"}, by))
        rejection = _tell("rejected", partial(_begin, BulkKind.REJECT, {"reason": reason}, by))
        _tell("taken back", lambda: running.undo(change_id=rejection.pk, actor=by))
        _tell("recycled", partial(_begin, BulkKind.RECYCLE, {}, by))


def _take_in(people: list[User], count: int) -> None:
    """In small sets, so that what the jobs need stands out; those of another size are other people."""
    for part, start in enumerate(range(0, count, TAKEN_IN)):
        intake.receive(drafts=drafts(people, TAKEN_IN + part)[: min(TAKEN_IN, count - start)], cause=CAUSE)


def _begin(kind: BulkKind, params: Params, by: User) -> BulkChange:
    return running.start(action=ACTIONS[kind], params=params, leads=Lead.objects.standing(), actor=by)


def _tell(how: str, begin: Callable[[], BulkChange]) -> BulkChange:
    """Let its job run to the end, and print what that took."""
    began_at = time.perf_counter()
    change = begin()
    chosen_in = time.perf_counter() - began_at
    job = change.undo_job or change.job
    assert job
    before = _forget_peak()
    slices = list(_slices(job))
    job.refresh_from_db()
    took = sum(each.seconds for each in slices)
    statements = sorted(each.statements for each in slices)
    print(
        f"{how:<12} {job.done / took:>8,.0f} leads/s, {job.state}: {_counted(job)}\n"
        f"{'':<12} begun in {chosen_in:.1f} s, {len(slices)} slices of {statements[0]} to {statements[-1]} statements,"
        f" CPU {sum(each.python for each in slices):.1f} s of Python"
        f" and {sum(each.database for each in slices):.1f} s of the database, at most {_peak():,} MB,"
        f" {_peak() - before:,} more than before"
    )
    return change


def _slices(job: Job) -> Iterable[Cost]:
    """What each slice takes; a run that has no time left ends after its first."""
    while job.pk in jobs.waiting():
        yield measured(partial(jobs.run, job.pk, within=timedelta(0)))


def _counted(job: Job) -> str:
    return ", ".join(f"{n:,} {state.replace('_', ' ')}" for state, n in job.result.items() if n)


def _forget_peak() -> int:
    """From here on `_peak` counts anew (Linux). Returns what it says now."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what taking in left free would hide what a slice needs
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """The most memory that this process held, in MB."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
