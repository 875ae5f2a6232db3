"""What beat pokes, and the second trigger calls."""

from celery import shared_task

from alignment.ops import heartbeats
from leads.causes import Cause
from leads.milestones import CauseSource
from sla import agreements, behind, clocks, disputes, handing_over
from sla.sweep import sweep as sweep_now


@shared_task
def sweep() -> None:
    heartbeats.beat("sweep")
    swept = sweep_now()
    if swept.claimed:
        heartbeats.beat("sweep", detail={"claimed": swept.claimed, "seconds": round(swept.seconds, 3)})


@shared_task
def begin_queued() -> None:
    clocks.begin_queued(cause=Cause(CauseSource.RULE))


@shared_task
def hand_over_overdue() -> None:
    handing_over.carry_out_due()


@shared_task
def remind_of_reviews() -> None:
    agreements.remind_of_reviews()


@shared_task
def tell_of_plans_behind() -> None:
    behind.tell_of_plans_behind()


@shared_task
def escalate_disputes() -> None:
    disputes.escalate_overdue()
