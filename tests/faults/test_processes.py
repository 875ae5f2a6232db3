"""The promise holds while parts of the running stack are dead, hung or emptied."""

import os
import signal
import sys
from pathlib import Path

import psycopg2
import pytest
import redis

from tests.runtime.stacks import Demo, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BREACHES = """
    SELECT count(event.id), count(DISTINCT clock.id) FROM sla_clock clock
    LEFT JOIN sla_clockevent event ON event.clock_id = clock.id AND event.kind = 'breached'
    WHERE clock.lead_id = ANY('{%s}')
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    demo = Demo(tmp_path_factory.mktemp("faults"), port=18000)
    demo.begin()
    yield demo
    demo.end()


def overdue(demo: Demo, leads: int) -> str:
    """Store leads whose promise is overdue; returns their ids, joined by commas."""
    code = f"from tests.faults.overdue import store; print(*store({leads}), sep=',')"
    result = demo.run("manage", "shell", "--no-imports", "--command", code)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def all_breached_once(demo: Demo, lead_ids: str) -> bool:
    (found,) = demo.rows(BREACHES % lead_ids)
    leads = lead_ids.count(",") + 1
    assert found[1] == leads
    assert found[0] <= leads, "a promise was broken twice"
    return found[0] == leads


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pid, number)


def pool_of(worker: int) -> list[int]:
    """The processes in which a worker runs its tasks."""
    return [int(pid) for pid in Path(f"/proc/{worker}/task/{worker}/children").read_text().split()]


def test_what_is_due_is_found_by_the_poked_sweep(demo):
    lead_ids = overdue(demo, 10)
    until(lambda: all_breached_once(demo, lead_ids), "the breaches are recorded")


def test_an_emptied_broker_loses_nothing(demo):
    with redis.Redis.from_url(demo.addresses()["env"]["REDIS_URL"]) as broker:
        broker.flushall()
        lead_ids = overdue(demo, 10)
        broker.flushall()
    until(lambda: all_breached_once(demo, lead_ids), "the breaches are recorded")


def test_the_second_trigger_stands_in_for_beat_and_broker(demo):
    hung = [demo.pids()[name] for name in ("beat", "valkey")]
    for pid in hung:
        kill(pid, signal.SIGSTOP)
    try:
        lead_ids = overdue(demo, 10)
        until(lambda: all_breached_once(demo, lead_ids), "the breaches are recorded while both hang")
    finally:
        for pid in hung:
            kill(pid, signal.SIGCONT)


def test_workers_that_die_again_and_again_lose_nothing(demo):
    lead_ids = overdue(demo, 3000)
    for _ in range(3):
        worker = demo.pids()["worker"]
        for process in pool_of(worker):
            kill(process)
        kill(worker)
        until(lambda worker=worker: demo.pids()["worker"] != worker, "the worker is started again")
    until(lambda: all_breached_once(demo, lead_ids), "the breaches are recorded")


def test_a_database_that_dies_under_the_sweep_loses_nothing(demo):
    lead_ids = overdue(demo, 3000)
    kill(demo.pids()["postgres"])
    until(lambda: is_up(demo), "the database is back")
    until(lambda: all_breached_once(demo, lead_ids), "the breaches are recorded")


def is_up(demo: Demo) -> bool:
    try:
        return bool(demo.rows("SELECT 1"))
    except psycopg2.OperationalError:
        return False
