"""Applying published rules to the clocks that run: at once where they are few, else as a job with its progress."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from alignment.ops import jobs
from alignment.ops.job_kinds import About, Link, Progress, register
from alignment.ops.models import Job
from alignment.ops.versions import VersionState
from alignment.people.models import User
from leads.lifecycle import database_now
from sla import recalculating
from sla.models import Policy, PolicySet
from sla.recalculating import Move


@dataclass(frozen=True, slots=True)
class Applied:
    """How many clocks `moved`, and how many are `left` as they are since they would turn overdue by it; of a `job` that
    does it nothing is known yet.
    """

    moved: int = 0
    left: int = 0
    job: Job | None = None


KIND = "sla.apply"
AT_ONCE = 2_000
SLICE = 1_000


def begin(*, version: PolicySet, policies: Sequence[Policy], by: User | None) -> Applied:
    """Let running clocks follow these rules: at once, or by a job where they are many."""
    now = database_now()
    if recalculating.count_running(version.scope, now) > AT_ONCE:
        return Applied(job=jobs.enqueue(KIND, params={"version": version.pk, "name": str(version)}, actor=by))
    return _apply(recalculating.under(policies, version.scope, now), version, by, now)


def _apply(moves: Sequence[Move], version: PolicySet, by: User | None, now: datetime) -> Applied:
    held = [each for each in moves if each.turns_overdue(now)]
    follow = [each for each in moves if not each.turns_overdue(now)]
    why = f"{version} was applied to what is running"
    return Applied(recalculating.apply(moves=follow, by=by, why=why), len(held))


def _title(job: Job) -> str:
    return f"Applying “{job.params['name']}” to what is running"


def _links(job: Job) -> Sequence[Link]:
    return [Link("The rules", reverse("setup_slas"))]


@register(KIND, about=About(title=_title, noun="clocks", links=_links))
def run(job: Job) -> Progress:
    """One slice of the running clocks, by key; the job ends where another version counts by now."""
    version = PolicySet.objects.get(pk=job.params["version"])
    result = {"moved": 0, "left_as_they_are": 0, **job.result}
    now, after = database_now(), job.cursor or 0
    total = job.total if job.cursor else recalculating.count_running(version.scope, now)
    clocks = recalculating.running_after(after, version.scope, now, SLICE)
    if not clocks or version.state != VersionState.PUBLISHED:
        return Progress(after, job.done, total, result, finished=True)
    policies = list(version.policies.order_by("position"))
    moves = recalculating.moves_of(clocks, policies, version.scope, now)
    applied = _apply(moves, version, job.created_by, now)
    result = {
        "moved": result["moved"] + applied.moved, "left_as_they_are": result["left_as_they_are"] + applied.left
    }  # fmt: skip
    done = job.done + len(clocks)
    return Progress(clocks[-1].pk, done, max(total or 0, done), result)
