"""The signs of life of the whole install, read at one moment: for the page, and as metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db.models import Count, Min, Q

from alignment.desk.context import PROCESSES, SILENCE
from alignment.lib.moments import database_now
from alignment.ops.models import Destination, Heartbeat, Job, JobState, OutboxMessage
from sla import watch

QUEUES = ("sweep", "deliver", "hooks", "work")
BROKER_SECONDS = 1
# What is promised of Accord itself: 99 of 100 breaches are found within so many seconds.
FOUND_WITHIN = timedelta(seconds=10)
# Nothing that is due waits longer while all is well: a few pokes.
PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Process:
    """Something that runs beside the pages. `seen_at`: its last sign of life, None for none ever."""

    name: str
    does: str
    seen_at: datetime | None
    is_silent: bool
    detail: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to leave. `oldest_due_at`: since when the message is due that has waited longest. `dead`: given up."""

    waiting: int
    oldest_due_at: datetime | None
    dead: int
    stopped_channels: int


@dataclass(frozen=True, slots=True)
class Work:
    """Jobs: waiting, running, and those that failed in the last day."""

    waiting: int
    oldest_waiting_at: datetime | None
    running: int
    failed: int


@dataclass(frozen=True, slots=True)
class Signs:
    """All of it. `queues`: messages in each queue of the broker, None where it does not answer."""

    at: datetime
    processes: tuple[Process, ...]
    watch: watch.Watch
    outgoing: Outgoing
    work: Work
    queues: Mapping[str, int] | None

    @property
    def sweep(self) -> Mapping[str, float]:
        """What the last sweep did that found something: seconds, clocks."""
        return next((each.detail for each in self.processes if each.name == "sweep"), {})

    def age(self, moment: datetime | None) -> timedelta:
        """How long ago a moment was; nothing for None."""
        return max(self.at - moment, timedelta()) if moment else timedelta()

    @property
    def waits_for_sweep(self) -> timedelta:
        return self.age(self.watch.oldest_due_at)

    @property
    def waits_for_sender(self) -> timedelta:
        return self.age(self.outgoing.oldest_due_at)

    @property
    def waits_for_worker(self) -> timedelta:
        return self.age(self.work.oldest_waiting_at)

    @property
    def finds_slowly(self) -> bool:
        """Whether breaches were found later than is promised."""
        return (self.watch.lag.p99 or 0) > FOUND_WITHIN.total_seconds()


def read() -> Signs:
    """The signs now, by the database's clock. Seven queries, and one call of the broker."""
    at = database_now()
    return Signs(
        at=at,
        processes=_processes(at),
        watch=watch.read(at),
        outgoing=_outgoing(at),
        work=_work(at),
        queues=_queues(),
    )


def _processes(at: datetime) -> tuple[Process, ...]:
    beats = {each.name: each for each in Heartbeat.objects.filter(name__in=PROCESSES)}
    return tuple(
        Process(name, does, None, is_silent=True, detail={})
        if (beat := beats.get(name)) is None
        else Process(name, does, beat.at, is_silent=at - beat.at > SILENCE, detail=beat.detail)
        for name, does in PROCESSES.items()
    )


def _outgoing(at: datetime) -> Outgoing:
    # What waits for a stopped channel waits for somebody, not for a sender.
    waiting = OutboxMessage.objects.waiting().aggregate(
        waiting=Count("pk"), oldest=Min("due_at", filter=Q(due_at__lt=at, destination__stopped_at=None))
    )
    return Outgoing(
        waiting=waiting["waiting"],
        oldest_due_at=waiting["oldest"],
        dead=OutboxMessage.objects.dead().count(),
        stopped_channels=Destination.objects.standing().filter(stopped_at__isnull=False).count(),
    )


def _work(at: datetime) -> Work:
    waits = Q(state=JobState.QUEUED)
    return Work(
        **Job.objects.aggregate(
            waiting=Count("pk", filter=waits),
            oldest_waiting_at=Min("created_at", filter=waits),
            running=Count("pk", filter=Q(state=JobState.RUNNING)),
            failed=Count("pk", filter=Q(state=JobState.FAILED, finished_at__gt=at - timedelta(days=1))),
        )
    )


def _queues() -> dict[str, int] | None:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS
        ) as client:
            return {name: int(client.llen(name)) for name in QUEUES}
    except redis.RedisError:
        return None
