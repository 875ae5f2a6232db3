"""What beat pokes."""

from celery import shared_task

from leads import lifecycle
from leads.hygiene import findings, scanning
from leads.scoring import publishing


@shared_task
def keep_clean() -> None:
    """Look at leads that are new or changed, and count once an hour what is wrong."""
    scanning.catch_up()
    findings.remember_if_due(lifecycle.database_now())


@shared_task
def release_leads() -> None:
    """The day's leads of scoring rules that hand over a number a day."""
    publishing.release_daily()
