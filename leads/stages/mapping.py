"""Moving what stands in a retired stage to the stage that replaces it: at once, or by a worker where it is much."""

from dataclasses import dataclass

from django.db import transaction
from django.urls import reverse

from alignment.ops import jobs
from alignment.ops.job_kinds import About, Link, Progress, register
from alignment.ops.models import Job
from alignment.people.models import User
from leads import lifecycle
from leads.causes import Cause
from leads.deals import deals
from leads.milestones import CauseSource
from leads.models import Lead, Stage
from leads.querysets import LeadQuerySet

KIND = "stage_mapping"
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Mapped:
    """How many leads stood in the stage; `job` moves them where they are too many to wait for."""

    leads: int
    job: Job | None


def standing_in(stage: Stage) -> LeadQuerySet:
    """The leads whose open pass is in this stage. Its milestone is named as well: with the outcome it has an index."""
    return Lead.objects.standing().filter(stage=stage, milestone=stage.milestone, outcome="")


@transaction.atomic
def start(*, stage: Stage, to: Stage, why: str, by: User) -> Mapped:
    """Move all leads and free deals that stand in `stage` to `to`; history stays as it was."""
    count = standing_in(stage).count()
    deals.restage(from_stage=stage, to=to, cause=_cause(by.pk))
    if count > AT_ONCE:
        params = {"stage": stage.pk, "to": to.pk, "why": why, "name": str(stage)}
        return Mapped(count, jobs.enqueue(KIND, params=params, actor=by))
    _move(stage, to, why, by.pk)
    return Mapped(count, None)


def _cause(actor_id: int | None) -> Cause:
    return Cause(CauseSource.PAGE, actor_id=actor_id)


def _move(stage: Stage, to: Stage, why: str, actor_id: int | None) -> int:
    """Move up to `AT_ONCE` of them; returns how many were found."""
    found = list(standing_in(stage).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    lifecycle.remap(lead_ids=found, to=to, cause=_cause(actor_id), note=f"{stage} was retired: {why}")
    return len(found)


def _links(job: Job) -> list[Link]:
    return [Link("Stages", reverse("setup_stages"))]


ABOUT = About(
    title=lambda job: f"Leads of the retired stage {job.params['name']}", noun="leads", links=_links, is_stoppable=False
)


@register(KIND, about=ABOUT)
def run_slice(job: Job) -> Progress:
    """Move the next leads."""
    stage, to = (Stage.objects.get(pk=job.params[name]) for name in ("stage", "to"))
    total = job.total if job.total is not None else standing_in(stage).count()
    moved = _move(stage, to, job.params["why"], job.created_by_id)
    done = job.done + moved
    return Progress(cursor=done, done=done, total=total, result={"moved": done}, finished=moved < AT_ONCE)
