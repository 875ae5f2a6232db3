"""Stacks of their own for tests: started by `run.py` as real processes, with their own state folder."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
# Machines that run tests are slow at times; what is waited for is tried again all the while.
WAIT_SECONDS = int(os.environ.get("ACCORD_TEST_PATIENCE", "240"))
# Their socket folders; they go when the tests end. Not only this account must be able to pass through it.
TEMPORARY = tempfile.TemporaryDirectory(prefix="accord-tests-")
Path(TEMPORARY.name).chmod(0o711)
OF_THE_TEST_RUN = ("DATABASE_URL", "REDIS_URL", "ACCORD_SECRET_KEY", "ACCORD_STATE_DIR", "ACCORD_DEMO")
BREACHES = """
    SELECT count(event.id), count(DISTINCT event.clock_id), count(DISTINCT clock.id) FROM sla_clock clock
    LEFT JOIN sla_clockevent event ON event.clock_id = clock.id AND event.kind = 'breached'
    WHERE clock.lead_id = ANY('{%s}') AND clock.subject_kind = 'disposition'
"""


def until(condition: Callable[[], Any], what: str) -> Any:
    """What `condition` returns once it is true. Fails after WAIT_SECONDS."""
    give_up_at = time.monotonic() + WAIT_SECONDS
    while not (met := condition()):
        assert time.monotonic() < give_up_at, f"not in {WAIT_SECONDS} s: {what}"
        time.sleep(0.1)
    return met


class Stack:
    """The stack of one state folder."""

    def __init__(self, state: Path):
        self.state = state
        inherited = {name: value for name, value in os.environ.items() if name not in OF_THE_TEST_RUN}
        self.env = inherited | {
            "ACCORD_STATE_DIR": str(state),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": TEMPORARY.name,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        command = [sys.executable, ROOT / "run.py", *arguments]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one command; its output goes to a file, since nobody reads a pipe meanwhile."""
        command = [sys.executable, ROOT / "run.py", *arguments]
        self.state.mkdir(parents=True, exist_ok=True)
        with self.output_path.open("w") as output:
            return subprocess.Popen(command, env=self.env, stdout=output, stderr=output, start_new_session=True)

    @property
    def output_path(self) -> Path:
        return self.state / "output.txt"

    @property
    def output(self) -> str:
        return self.output_path.read_text()

    def pids(self) -> dict[str, int]:
        """The recorded children, by name."""
        try:
            return {
                name: entry["pid"] for name, entry in json.loads((self.state / "children.json").read_text()).items()
            }
        except FileNotFoundError:
            return {}

    def addresses(self) -> dict[str, Any]:
        try:
            return json.loads((self.state / "stack.json").read_text())
        except FileNotFoundError:
            return {}

    def rows(self, sql: str) -> list[tuple]:
        """What a statement returns, committed, on a connection of its own."""
        connection = psycopg2.connect(self.addresses()["env"]["DATABASE_URL"])
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def ours(self) -> list[int]:
        """All living processes that name this state folder, or the socket folder that belongs to it."""
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if self.is_ours(path)]

    def is_ours(self, process: Path) -> bool:
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            zombie = (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return False
        return not zombie and f"ACCORD_STATE_DIR={self.state}".encode() in environment


class Demo(Stack):
    """A running demo, usually without demo data."""

    def __init__(self, state: Path, *, port: int, empty: bool = True):
        super().__init__(state)
        self.empty = empty
        self.port = port
        self.supervisor: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        self.supervisor = self.start("demo", "--port", str(self.port), *(["--empty"] if self.empty else []))
        try:
            until(lambda: self.supervisor.poll() is not None or "Ctrl-C stops it" in self.output, "the demo runs")
        except AssertionError:
            self.end()
            raise
        assert self.supervisor.poll() is None, self.output

    def end(self) -> None:
        """Ctrl-C."""
        self.supervisor.send_signal(signal.SIGINT)
        self.supervisor.wait(WAIT_SECONDS)

    def breached_once(self, lead_ids: str) -> bool:
        """Whether the promise of each of these leads is recorded as broken; twice is never right."""
        ((events, breached, clocks),) = self.rows(BREACHES % lead_ids)
        assert clocks == lead_ids.count(",") + 1
        assert events == breached, "a promise was broken twice"
        return breached == clocks
