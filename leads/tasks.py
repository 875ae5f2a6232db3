"""What beat pokes."""

from celery import shared_task

from leads import nurturing


@shared_task
def nurture_unqualified() -> None:
    nurturing.collect()
