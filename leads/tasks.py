"""What beat pokes."""

from celery import shared_task

from leads import changed_days, lifecycle
from leads.causes import Cause
from leads.hygiene import findings, scanning
from leads.milestones import CauseSource
from leads.nurture import nurturing
from leads.profiles import matching
from leads.scoring import publishing


@shared_task
def keep_clean() -> None:
    """Look at leads that are new or changed, and count once an hour what is wrong."""
    scanning.catch_up()
    findings.remember_if_due(lifecycle.database_now())


@shared_task
def release_leads() -> None:
    """Profiles follow the facts of accounts; then the day's leads of rules that hand over a number a day."""
    matching.refresh(cause=Cause(CauseSource.RULE))
    publishing.release_daily()


@shared_task
def nurture_unqualified() -> None:
    """Leads that are no MQL after a while go onto the track that takes them."""
    nurturing.collect()


@shared_task
def forget_changed_days() -> None:
    """What everybody has seen of the days on which journeys and clocks changed is needed no longer."""
    changed_days.forget(now=lifecycle.database_now())
