"""What beat pokes: each asks the database what there is to do."""

from celery import shared_task

from alignment.ops import heartbeats, jobs, mailing, outbox

# A poke that no worker took by then is thrown away; the job is found again.
RUN_EXPIRES_SECONDS = 5


@shared_task
def deliver() -> None:
    heartbeats.beat("sender")
    outbox.deliver()


@shared_task
def deliver_hooks() -> None:
    outbox.deliver_hooks()


@shared_task
def post_due_mail() -> None:
    mailing.post_due()


@shared_task
def resume_jobs() -> None:
    heartbeats.beat("worker")
    for job_id in jobs.waiting():
        run_job.apply_async([job_id], expires=RUN_EXPIRES_SECONDS)


@shared_task
def run_job(job_id: int) -> None:
    # A worker that is busy with long jobs takes no pokes, but lives.
    heartbeats.beat("worker")
    jobs.run(job_id)
