"""What beat pokes."""

from celery import shared_task

from leads import lifecycle, nurturing
from leads.hygiene import findings, scanning


@shared_task
def keep_clean() -> None:
    """Look at leads that are new or changed, and count once an hour what is wrong."""
    scanning.catch_up()
    findings.remember_if_due(lifecycle.database_now())


@shared_task
def nurture_unqualified() -> None:
    """Leads that are no MQL after a while go onto the track that takes them."""
    nurturing.collect()
