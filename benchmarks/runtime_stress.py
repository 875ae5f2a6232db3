"""The runtime under stress, with counts: `.venv/bin/python -m benchmarks.runtime_stress [scenario …]`.

Starts a demo of its own in a folder that only this account can enter (as root: only root), and ends it. Nothing here
passes or fails by time; what must hold is asserted, and everything else is printed.
"""

import asyncio
import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.runtime.stacks import ROOT, Demo, until

PAGES = ("/account/login/", "/notifications/", "/setup/people/")
SLOW_CLIENTS = 10
STREAMS = 500
BATCH = 50_000


def report(scenario: str, **facts: Any) -> None:
    print(f"{scenario}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()), flush=True)


class Visitor:
    """A signed-in browser without a window."""

    def __init__(self, demo: Demo):
        self.base = demo.addresses()["url"]
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get("/account/login/")[1]).group(1)
        form = {"login": "revops@accord.example", "password": "accord-demo", "csrfmiddlewaretoken": token}
        form["next"] = "/setup/people/"
        self.opener.open(self.base + "/account/login/", urllib.parse.urlencode(form).encode(), timeout=30)
        assert self.get("/setup/people/")[0] == 200

    def get(self, path: str) -> tuple[int, str]:
        """Status (0: no answer) and body."""
        try:
            with self.opener.open(self.base + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            return 0, ""

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)


class Load:
    """Visits pages one after the other, from a thread, for as long as it is entered."""

    def __init__(self, visitor: Visitor):
        self.visitor = visitor
        self.statuses: Counter[int] = Counter()
        self.milliseconds: list[float] = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.visit)

    def visit(self) -> None:
        while not self.ending.is_set():
            for page in PAGES:
                started_at = time.monotonic()
                self.statuses[self.visitor.get(page)[0]] += 1
                self.milliseconds.append((time.monotonic() - started_at) * 1000)

    def __enter__(self) -> "Load":
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ending.set()
        self.thread.join()

    def facts(self) -> dict[str, Any]:
        ordered = sorted(self.milliseconds)
        at = {share: round(ordered[int(len(ordered) * share / 100)]) for share in (50, 95)}
        return {"pages": dict(self.statuses), "median_ms": at[50], "p95_ms": at[95], "max_ms": round(ordered[-1])}


def in_stack(demo: Demo, call: str) -> subprocess.Popen[str]:
    """Run a function of `stress_writes` in a process of its own."""
    code = f"from benchmarks.stress_writes import *; {call}"
    command = [sys.executable, ROOT / "run.py", "manage", "shell", "--no-imports", "--command", code]
    return subprocess.Popen(command, env=demo.env, stdout=subprocess.PIPE, text=True)


def answer_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return json.loads(output)


def counts(demo: Demo) -> tuple[int, ...]:
    """Rows of what must not be lost."""
    tables = ("leads_lead", "leads_leadtransition", "leads_journey", "sla_clock", "sla_clockevent")
    return demo.rows("SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in tables))[0]


def is_ready(visitor: Visitor) -> bool:
    return visitor.get("/readyz") == (200, "ok\n")


# Scenarios ------------------------------------------------------------------------------------------------------


def kills(demo: Demo, visitor: Visitor) -> None:
    """kill -9 of each child, twice, and of the supervisor."""
    before = counts(demo)
    for name in ["web", "worker", "beat", "valkey", "postgres"] * 2:
        killed, started_at = demo.pids()[name], time.monotonic()
        os.kill(killed, signal.SIGKILL)
        until(lambda name=name, killed=killed: demo.pids()[name] != killed, f"{name} is started again")
        until(lambda: is_ready(visitor), "ready")
        report(f"kill -9 {name}", ready_after_s=round(time.monotonic() - started_at, 1))
    demo.supervisor.kill()
    demo.supervisor.wait()
    started_at = time.monotonic()
    demo.begin()
    visitor.base = demo.addresses()["url"]
    lost = [max(0, was - now) for was, now in zip(before, counts(demo), strict=True)]
    report("kill -9 run.py", next_start_s=round(time.monotonic() - started_at, 1), rows_lost=sum(lost))
    assert sum(lost) == 0


def slow_clients(demo: Demo, visitor: Visitor) -> None:
    """Clients that send a form byte by byte, while others visit pages."""
    host, port = visitor.base.removeprefix("http://").split(":")
    head = f"POST /account/login/ HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 10000\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    clients = [socket.create_connection((host, int(port))) for _ in range(SLOW_CLIENTS)]
    for client in clients:
        client.sendall(head.encode())
    with Load(visitor) as load:
        for _ in range(20):
            time.sleep(0.25)
            for client in clients:
                with suppress(OSError):
                    client.sendall(b"a")
    for client in clients:
        client.close()
    report(f"{SLOW_CLIENTS} slow clients", **load.facts())
    assert set(load.statuses) == {200}


def streams(demo: Demo, visitor: Visitor) -> None:
    """Many open pages, and one batch that all of them hear of."""
    asyncio.run(listen_many(demo, visitor))


async def listen_many(demo: Demo, visitor: Visitor) -> None:
    before = process_facts(demo.pids()["web"])
    opened = [await open_stream(visitor) for _ in range(STREAMS)]
    await asyncio.sleep(1)
    report(f"{STREAMS} streams", before=before, open=process_facts(demo.pids()["web"]))

    batch = in_stack(demo, f"arrive_at_once({BATCH})")
    with Load(visitor) as load:
        heard = [asyncio.create_task(hears_of_batch(reader)) for reader, _ in opened]
        done, _ = await asyncio.wait(heard, timeout=300)
        moments = sorted(task.result() for task in done)
    stored = await asyncio.to_thread(answer_of, batch)
    report(f"a batch of {BATCH}", stored_in_s=stored["seconds"], pages_that_heard=len(done), **load.facts())
    report("from the first page that heard to the last", seconds=round(moments[-1] - moments[0], 2))
    assert len(done) == STREAMS
    for _, writer in opened:
        writer.close()
    await asyncio.sleep(2)
    report("streams closed", now=process_facts(demo.pids()["web"]))


async def open_stream(visitor: Visitor) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = visitor.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"GET /events?topics=leads HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {visitor.cookie_header}\r\n\r\n"
    writer.write(head.encode())
    assert b"200" in await reader.readline()
    return reader, writer


async def hears_of_batch(reader: asyncio.StreamReader) -> float:
    """When the event came that names no rows: there are too many."""
    while (line := await reader.readline()) != b'data: {"ids": null}\n':
        assert line, "the stream ended"
    return time.monotonic()


def process_facts(pid: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    threads, kilobytes = (int(re.search(rf"{name}:\s+(\d+)", status).group(1)) for name in ("Threads", "VmRSS"))
    return f"{threads} threads {kilobytes // 1024} MB"


def races(demo: Demo, visitor: Visitor) -> None:
    """Answers against sweeps, for the same leads."""
    lead_ids = ",".join(map(str, answer_of(in_stack(demo, "overdue(2000)"))["stored"]))
    writers = [in_stack(demo, f"answer([{lead_ids}][::{step}])") for step in (1, -1)]
    sweepers = [in_stack(demo, "sweep_all(200)") for _ in range(2)]
    report("answers", **{f"process_{number}": answer_of(writer) for number, writer in enumerate(writers, 1)})
    report("sweeps", **{f"process_{number}": answer_of(sweeper) for number, sweeper in enumerate(sweepers, 1)})
    until(lambda: demo.breached_once(lead_ids), "the breaches are recorded")
    verify = demo.run("manage", "verify")
    report("verify", exit_code=verify.returncode)
    assert verify.returncode == 0, verify.stdout + verify.stderr


def database_restarts(demo: Demo, visitor: Visitor) -> None:
    """The database is killed, then stopped, while leads come in and pages are visited."""
    with Load(visitor) as load:
        writer = in_stack(demo, "arrive_for(20)")
        for number in (signal.SIGKILL, signal.SIGINT):
            time.sleep(6)
            killed = demo.pids()["postgres"]
            os.kill(killed, number)
            until(lambda killed=killed: demo.pids()["postgres"] != killed, "postgres is started again")
            until(lambda: is_ready(visitor), "ready")
        written = answer_of(writer)
    found = demo.rows(
        f"SELECT count(*) FROM leads_lead WHERE id = ANY('{{{','.join(map(str, written['acknowledged']))}}}')"
    )
    lost = len(written["acknowledged"]) - found[0][0]
    report("database restarts", acknowledged=len(written["acknowledged"]), lost=lost, failed=written["failed"])
    report("pages meanwhile", **load.facts())
    with Load(visitor) as after:
        time.sleep(3)
    report("pages afterwards", **after.facts())
    assert lost == 0
    assert set(after.statuses) == {200}


SCENARIOS: tuple[Callable[[Demo, Visitor], None], ...] = (kills, slow_clients, streams, races, database_restarts)


def main(names: list[str]) -> None:
    """Run the scenarios of these names, or all of them, against one demo."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o700)
        demo = Demo(Path(folder, "state"), port=18100, empty=False)
        started_at = time.monotonic()
        demo.begin()
        report("start", seconds=round(time.monotonic() - started_at, 1), as_user=os.geteuid())
        try:
            for scenario in SCENARIOS:
                if not names or scenario.__name__ in names:
                    scenario(demo, Visitor(demo))
        finally:
            demo.end()
        report("end", processes_left=len(demo.ours()))


if __name__ == "__main__":
    main(sys.argv[1:])
