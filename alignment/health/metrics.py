"""The signs of life as metrics, in the text format that Prometheus and its like read."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from alignment.health.signs import Signs

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metric(NamedTuple):
    """A gauge: what it says, and its values by their labels."""

    name: str
    help: str
    values: Mapping[str, float | None]


def render(signs: Signs) -> str:
    """One metric after the other; a value that is not known is left out."""
    return "".join(_lines(_metrics(signs)))


def _lines(metrics: Iterable[Metric]) -> Iterable[str]:
    for each in metrics:
        yield f"# HELP accord_{each.name} {each.help}\n# TYPE accord_{each.name} gauge\n"
        for labels, value in each.values.items():
            if value is not None:
                yield f"accord_{each.name}{labels} {value:g}\n"


def _metrics(signs: Signs) -> list[Metric]:
    lag, outgoing, work = signs.watch.lag, signs.outgoing, signs.work
    beats = {
        f'{{process="{each.name}"}}': signs.age(each.seen_at).total_seconds()
        for each in signs.processes
        if each.seen_at
    }
    queued = {f'{{queue="{name}"}}': float(count) for name, count in (signs.queues or {}).items()}
    lags = {
        f'{{quantile="{name}"}}': value for name, value in (("0.5", lag.median), ("0.99", lag.p99), ("1", lag.longest))
    }
    return [
        Metric("heartbeat_age_seconds", "Since the last sign of life of a process.", beats),
        Metric("breach_detection_seconds", "From the due time to the record of a breach, over 24 hours.", lags),
        Metric("breaches_detected", "Breaches found in the last 24 hours, 5000 at most.", {"": lag.n}),
        Metric("clocks_due", "Clocks that wait for the sweep.", {"": signs.watch.due}),
        Metric("clocks_due_oldest_seconds", "How long the oldest of them has waited.", _seconds(signs.waits_for_sweep)),
        Metric("clocks_parked", "Clocks that could not be handled and are tried again.", {"": signs.watch.parked}),
        Metric("sweep_seconds", "How long the last sweep took that found something.", {"": signs.sweep.get("seconds")}),
        Metric("sweep_clocks", "How many clocks it handled.", {"": signs.sweep.get("claimed")}),
        Metric("outbox_waiting", "Messages that are to leave.", {"": outgoing.waiting}),
        Metric("outbox_oldest_seconds", "How long the oldest due one has waited.", _seconds(signs.waits_for_sender)),
        Metric("outbox_dead", "Messages that were given up.", {"": outgoing.dead}),
        Metric("channels_stopped", "Channels to which nothing is sent.", {"": outgoing.stopped_channels}),
        Metric("jobs_waiting", "Jobs that nobody has taken up.", {"": work.waiting}),
        Metric("jobs_oldest_seconds", "How long the oldest of them has waited.", _seconds(signs.waits_for_worker)),
        Metric("jobs_running", "Jobs under way.", {"": work.running}),
        Metric("jobs_failed", "Jobs that failed in the last 24 hours.", {"": work.failed}),
        Metric("broker_up", "Whether the broker answers.", {"": float(signs.queues is not None)}),
        Metric("queue_messages", "Messages in a queue of the broker.", queued),
    ]


def _seconds(waits: timedelta) -> dict[str, float]:
    return {"": waits.total_seconds()}
