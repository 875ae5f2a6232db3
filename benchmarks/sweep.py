"""The sweep in figures: `python3 run.py manage shell --no-imports -c "from benchmarks.sweep import main; main()"`.

Works in a scratch database of its own. Prints counts, buffers and milliseconds of this machine; nothing passes or
fails by time.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg2
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.ops.models import Notification, OutboxMessage
from alignment.people.models import Role, Side, Team, User
from benchmarks.readers import FRAGMENT, Reader, web_process
from benchmarks.scratch import scratch_database
from leads import intake, lifecycle
from leads.causes import Cause, Promise
from leads.decisions import Step
from leads.drafts import Draft
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Stage
from sla import clocks
from sla.models import Clock, ClockEvent
from sla.sweep import Swept, sweep

OPEN = 50_000
DUE = int(os.environ.get("ACCORD_BENCHMARK_DUE", "100000"))
SLICE = min(DUE, 20_000)
OWNERS = 20
ROUNDS = 50
# So often each page is asked for while nothing else happens, and at most so often in the storm.
AT_REST, IN_THE_STORM = 15, 100
# A worker says when it is ready, as one that runs already; and after its sweep what it did, its CPU seconds, and how
# much memory it took before and at most.
ONE_WORKER = """
import json, sys, time
from pathlib import Path
from datetime import timedelta
from django.db import connection
from alignment.celery import load_addresses
from sla.sweep import sweep
connection.settings_dict["NAME"] = "{}"
load_addresses()
def most():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
connection.ensure_connection()
print("ready", flush=True)
sys.stdin.readline()
before, began = most(), time.process_time()
swept = sweep(within=timedelta(minutes=10))
print(json.dumps(dict(breached=swept.breached, cpu=time.process_time() - began, before_mb=before, most_mb=most())))
"""
LOOK = "SELECT next_at FROM sla_clock WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1"


def main() -> None:
    """Make a scratch database, measure, and drop it."""
    with scratch_database():
        measure()


def measure() -> None:
    owners = staff()
    now = lifecycle.database_now()
    took, moved = timed(lambda: arrive(OPEN, now, owners))
    report("arrive", leads=OPEN, seconds=f"{took:.1f}", leads_per_second=f"{OPEN / took:,.0f}")
    took, _ = timed(lambda: clocks.settle(moved=moved))
    report("settle again, nothing changes", leads=OPEN, seconds=f"{took:.2f}")
    idle(f"idle, {OPEN:,} clocks open")

    for _ in range(DUE // SLICE):
        arrive(SLICE, now - timedelta(hours=48, seconds=1), owners)
    spread_over_the_second()
    with web_process() as port, old_snapshot(), ready_workers() as workers:
        reader = Reader(port, User.objects.get(pk=owners[0]), pages_of(owners[0]))
        reader.read_while(lambda: True, most=1)
        report_pages("pages before", reader.read_while(lambda: True, most=AT_REST))
        began_at = lifecycle.database_now()
        took, (swept, read) = timed(lambda: storm(workers, reader))
        report_storm(took, swept, began_at)
        report_pages("pages in the storm", read)
        idle("idle after that, an old snapshot still open")
    with connection.cursor() as cursor:
        # The next transaction that writes lets everybody see that the snapshot is gone.
        cursor.execute("SELECT pg_current_xact_id()")
    idle("idle after that")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE sla_clock")
    idle("idle once the table was cleaned")


def spread_over_the_second() -> None:
    """Clocks are due in one second, and seldom in one microsecond."""
    with connection.cursor() as cursor:
        # What autovacuum does within a minute. Until then it may take tables for empty that it saw in the middle of so
        # large a transaction.
        cursor.execute("ANALYZE")
        cursor.execute(
            "UPDATE sla_clock SET due_at = moment, next_at = CASE WHEN next_at IS NULL THEN NULL ELSE moment END FROM "
            "(SELECT id, due_at - random() * interval '1 second' AS moment FROM sla_clock WHERE due_at < now()) due "
            "WHERE due.id = sla_clock.id"
        )


def pages_of(user_id: int) -> dict[str, tuple[str, dict[str, str]]]:
    """What somebody looks at whose leads are overdue."""
    lead = Clock.objects.filter(lead__owner=user_id).values_list("lead", flat=True)[0]
    return {
        "queue": (reverse("queue"), {}),
        "lead page": (reverse("lead", args=[lead]), {}),
        "funnel fragment": (reverse("funnel"), FRAGMENT),
    }


def report_pages(scenario: str, read: dict[str, list[float]]) -> None:
    for name, times in {**read, "all": sorted(ms for own in read.values() for ms in own)}.items():
        at = {share: f"{times[len(times) * share // 100]:.0f}" for share in (50, 95)}
        report(f"{scenario}: {name}", requests=len(times), median_ms=at[50], p95_ms=at[95], most_ms=f"{times[-1]:.0f}")


def report_storm(took: float, workers: list[dict[str, float]], began_at: datetime) -> None:
    breaches = ClockEvent.objects.filter(kind="breached")
    after = sorted((at - began_at).total_seconds() for at in breaches.values_list("recorded_at", flat=True))
    report(
        "due in the same second, two workers", clocks=DUE, seconds=f"{took:.1f}",
        breached=sum(int(each["breached"]) for each in workers), breach_rows=breaches.count(),
        clocks_with_a_breach=breaches.values("clock").distinct().count(),
        cpu_seconds_of_each=" + ".join(f"{each['cpu']:.1f}" for each in workers),
        megabytes=" + ".join(f"{each['before_mb']:.0f}→{each['most_mb']:.0f}" for each in workers),
        notifications=Notification.objects.count(), mails=OutboxMessage.objects.count(),
    )  # fmt: skip
    percentiles = {f"p{part}": f"{after[len(after) * part // 100 - 1]:.1f}" for part in (50, 90, 99, 100)}
    report("found after the start of the sweep, seconds", **percentiles)


@contextmanager
def ready_workers() -> Iterator[list["subprocess.Popen[str]"]]:
    """Two processes that wait for a line before they sweep."""
    code = ONE_WORKER.replace("{}", connection.settings_dict["NAME"])
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        yield workers
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.communicate()


def storm(
    workers: list["subprocess.Popen[str]"], reader: Reader
) -> tuple[list[dict[str, float]], dict[str, list[float]]]:
    """Two sweeps at once, each in a process of its own, and somebody who reads pages meanwhile: what each worker said
    at its end, and how long the pages took.
    """
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
    read = reader.read_while(lambda: any(worker.poll() is None for worker in workers), most=IN_THE_STORM)
    return [json.loads(worker.communicate()[0].splitlines()[-1]) for worker in workers], read


def staff() -> list[int]:
    """Reps of one team, who hold the leads, and their manager."""
    team = Team.objects.create(name="Sales", side=Side.SALES)
    people = [
        User.objects.create_user(name=f"Rep {n}", email=f"rep{n}@example.com", role=Role.REP, team=team)
        for n in range(OWNERS)
    ]
    team.manager = User.objects.create_user(name="Manager", email="manager@example.com", role=Role.MANAGER, team=team)
    team.save()
    return [person.pk for person in people]


def arrive(leads: int, handed_at: datetime, owners: list[int]) -> lifecycle.Moved:
    """So many MQLs, each with a clock."""
    stage = Stage.objects.get(milestone=Milestone.MQL)
    steps = (Step(0, Kind.ADVANCE, stage_id=stage.pk, at=handed_at),)
    drafts = [Draft(name=f"Buyer {n}", owner_id=owners[n % len(owners)], steps=steps) for n in range(leads)]
    cause = Cause(CauseSource.API, promise=Promise.START)
    return intake.receive(drafts=drafts, cause=cause).moved


def idle(scenario: str) -> None:
    """Sweep with nothing due, again and again."""
    with CaptureQueriesContext(connection) as captured:
        assert sweep() == Swept()
    queries = [each for each in captured if each["sql"] not in ("BEGIN", "COMMIT")]
    began = time.process_time()
    times = [timed(sweep)[0] * 1000 for _ in range(ROUNDS)]
    cpu = (time.process_time() - began) * 1000 / ROUNDS
    report(
        scenario, open=Clock.objects.filter(next_at__isnull=False).count(), queries=len(queries),
        median_ms=f"{statistics.median(times):.1f}", cpu_ms=f"{cpu:.1f}", buffers=buffers(),
    )  # fmt: skip


def buffers() -> int:
    """How many buffers the look touches that finds nothing due."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {LOOK}")
        plan = cursor.fetchone()[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@contextmanager
def old_snapshot() -> Iterator[None]:
    """A reader that keeps dead rows from being cleaned away."""
    with closing(psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})) as reader:
        reader.set_session(isolation_level="REPEATABLE READ")
        reader.cursor().execute("SELECT count(*) FROM sla_clock")
        yield


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what it returned."""
    started_at = time.perf_counter()
    result = work()
    return time.perf_counter() - started_at, result


def report(scenario: str, **facts: Any) -> None:
    print(f"{scenario}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()), flush=True)
