"""All exact duplicates merged in one step, as a job: each group goes into the lead that would be kept."""

from collections import Counter
from collections.abc import Iterable

from django.urls import reverse

from alignment.ops import audit, jobs
from alignment.ops.job_kinds import About, Link, Progress, register
from alignment.ops.models import OPEN_STATES, Job
from alignment.people.models import User
from leads.causes import Cause
from leads.hygiene.duplicates import components, to_decide
from leads.merging import merging
from leads.merging.merging import Merging
from leads.milestones import CauseSource

KIND = "merge.exact"
SLICE_PAIRS = 200


def start(*, actor: User) -> Job:
    """Let a worker merge them; returns the job that is at it, if one is."""
    running = Job.objects.filter(kind=KIND, state__in=OPEN_STATES).first()
    if running:
        return running
    audit.record(action="duplicates_merged", actor=actor)
    return jobs.enqueue(KIND, params={"pairs": to_decide(exact=True).count()}, actor=actor)


def _links(job: Job) -> list[Link]:
    return [Link("What was merged", reverse("data_merges")), Link("Clean data", reverse("data"))]


@register(KIND, about=About(title=lambda job: "Merging of exact duplicates", noun="pairs", links=_links))
def run_slice(job: Job) -> Progress:
    """Merge the groups that the next pairs make. What is refused stays for somebody to decide."""
    pairs = to_decide(exact=True).filter(pk__gt=job.cursor or 0).order_by("pk")
    found = list(pairs.values_list("pk", "first_id", "second_id")[:SLICE_PAIRS])
    cause = Cause(CauseSource.PAGE, actor_id=job.created_by_id)
    merged = merging.merge_all(mergings=mergings((first, second) for _, first, second in found), cause=cause)
    counts = Counter(job.result)
    counts.update(
        merged=sum(len(losers) for losers in merged.losers.values()), kept=len(merged.losers),
        left_to_decide=len(merged.refused),
    )  # fmt: skip
    return Progress(
        cursor=found[-1][0] if found else job.cursor,
        done=job.done + len(found),
        total=max(job.params["pairs"], job.done + len(found)),
        result=dict(counts),
        finished=len(found) < SLICE_PAIRS,
    )


def mergings(pairs: Iterable[tuple[int, int]]) -> list[Merging]:
    """Each group of leads that these pairs make, into the one of it that would be kept."""
    groups = components(list(pairs))
    place = {pk: number for number, pk in enumerate(merging.ranked({pk for group in groups for pk in group}))}
    ordered = [sorted(group & place.keys(), key=place.__getitem__) for group in groups]
    return [Merging(leads[0], tuple(leads[1:])) for leads in ordered if len(leads) > 1]
