"""Celery: it only wakes work that stands in the database, so that losing the broker loses nothing.

Pages publish nothing: beat pokes a few tasks, each of which asks the database what is due.
"""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from kombu import Exchange, Queue

from alignment.checks import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignment.settings")

# (task, queue, seconds between two pokes). A poke that nobody took by the next one is thrown away.
POKES = (
    ("sla.tasks.sweep", "sweep", 5),
    ("alignment.ops.tasks.deliver", "deliver", 5),
    ("alignment.ops.tasks.deliver_hooks", "hooks", 5),
    ("alignment.ops.tasks.post_due_mail", "deliver", 30),
    ("alignment.ops.tasks.resume_jobs", "work", 5),
    ("alignment.integrations.tasks.remove_old_uploads", "work", 3600),
    ("leads.tasks.nurture_unqualified", "work", 3600),
    ("sla.tasks.escalate_disputes", "work", 60),
    ("sla.tasks.begin_queued", "work", 60),
    ("sla.tasks.hand_over_overdue", "work", 60),
    ("sla.tasks.remind_of_reviews", "work", 3600),
    ("sla.tasks.tell_of_plans_behind", "work", 3600),
    ("leads.tasks.keep_clean", "work", 30),
    ("leads.tasks.release_leads", "work", 300),
    ("alignment.desk.tasks.measure_stays", "work", 3600),
    ("leads.tasks.forget_changed_days", "work", 3600),
)

EXCHANGE = Exchange("accord")

app = Celery("accord")
app.conf.update(
    # The name of a socket differs between redis-py, whose form the setting has, and Celery.
    broker_url=settings.REDIS_URL.replace("unix://", "redis+socket://", 1),
    broker_transport_options={"visibility_timeout": 300, "health_check_interval": 25, "socket_keepalive": True},
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # What a task did stands in the database; nobody reads results.
    task_ignore_result=True,
    # A killed worker's task runs again, so every task may run twice.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # A task ends within the soft limit, long before its message becomes visible to another worker.
    task_soft_time_limit=120,
    task_time_limit=240,
    worker_max_tasks_per_child=1000,
    worker_soft_shutdown_timeout=10,
    worker_hijack_root_logger=False,
    enable_utc=True,
    timezone="UTC",
    task_queues=[Queue(queue, EXCHANGE, routing_key=queue) for queue in dict.fromkeys(queue for _, queue, _ in POKES)],
    task_default_queue="work",
    task_routes={task: {"queue": queue} for task, queue, _ in POKES},
    beat_schedule_filename=str(settings.STATE_DIR / "beat-schedule"),
    beat_schedule={
        task: {"task": task, "schedule": seconds, "options": {"expires": seconds}} for task, _, seconds in POKES
    },
)
app.autodiscover_tasks()
app.steps["worker"].add("alignment.second_trigger:SecondTrigger")


@worker_init.connect
@beat_init.connect
def refuse(**kwargs: Any) -> None:
    """A signal swallows errors, but not an exit."""
    try:
        refuse_unsafe_start()
    except ImproperlyConfigured as error:
        sys.exit(str(error))


@worker_init.connect
def load_addresses(**kwargs: Any) -> None:
    """Addresses import all pages, which takes half a second and forty megabytes. Loaded here, all children share them,
    and none does so in the middle of a sweep.
    """
    reverse("queue")
