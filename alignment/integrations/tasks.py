"""What beat pokes: files of imports are removed once they were kept long enough."""

from celery import shared_task

from alignment.integrations import imports


@shared_task
def remove_old_uploads() -> None:
    imports.remove_old_files()
