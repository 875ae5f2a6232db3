"""What beat pokes."""

from celery import shared_task
from django.utils.timezone import now

from alignment.desk import usual


@shared_task
def measure_stays() -> None:
    """How long leads usually stay where they are."""
    usual.measure(now())
