"""A running stack that faults are done to, and what must hold after each of them."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
from django.core.management import CommandError, call_command
from django.db import connection

from alignment.settings import database_from_url
from tests.faults import overdue
from tests.runtime.stacks import Demo, until

# A night holds more: sixty seconds without a broker, twenty restarts.
IS_NIGHTLY = os.environ.get("ACCORD_FAULTS") == "nightly"
SHIMS = Path(__file__).parent / "shims"

TWICE = """
    SELECT 'steps taken twice', count(*) FROM (
        SELECT FROM sla_clockevent WHERE kind = 'breached' OR rung > 0 GROUP BY clock_id, kind, rung HAVING count(*) > 1
    ) twice
    UNION ALL SELECT 'notices told twice', count(*) FROM (
        SELECT FROM ops_notification GROUP BY user_id, dedupe_key HAVING count(*) > 1
    ) twice
    UNION ALL SELECT 'promises of one pass', count(*) FROM (
        SELECT FROM sla_clock GROUP BY subject_kind, subject_id, pass_no HAVING count(*) > 1
    ) twice
"""


class Faulty(Demo):
    """A demo without data whose processes die where a test says so, and whose worker's clock can be wrong."""

    def __init__(self, state: Path, *, port: int, blocker: Any) -> None:
        super().__init__(state, port=port)
        self.blocker = blocker
        self.failpoints = state.parent / "failpoints"
        self.shift = state.parent / "shift"
        self.failpoints.mkdir()
        self.env |= {
            "ACCORD_FAILPOINTS": str(self.failpoints),
            "ACCORD_SHIFTED_CLOCK": str(self.shift),
            "ACCORD_API_RATE": "100000",
            "PYTHONPATH": str(SHIMS),
        }

    # Faults -----------------------------------------------------------------------------------------------------

    @contextmanager
    def dying_at(self, failpoint: str) -> Iterator[None]:
        """The next process that reaches this place is killed there; fails if none came to it."""
        armed = self.failpoints / failpoint
        armed.touch()
        yield
        until(lambda: not armed.exists(), f"a process dies at {failpoint}")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send one of the processes a signal; returns its number."""
        pid = self.pids()[name]
        os.kill(pid, number)
        return pid

    def restart(self, name: str) -> None:
        """Kill one of the processes and all that it started, and wait until it runs again."""
        pid = self.pids()[name]
        for process in [*self.children_of(pid), pid]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        until(lambda: self.pids()[name] != pid, f"{name} is started again")

    @contextmanager
    def hanging(self, *names: str) -> Iterator[None]:
        """These processes stand still."""
        pids = [self.kill(name, signal.SIGSTOP) for name in names]
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @staticmethod
    def children_of(pid: int) -> list[int]:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    # What is done, and what must hold ---------------------------------------------------------------------------

    def inside(self, work: Callable[[], Any]) -> Any:
        """What `work` returns in a child of this process that is connected to this stack; something that JSON has."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                self.connect()
                with os.fdopen(writing, "w") as answer:
                    json.dump(work(), answer)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading) as answer:
            told = answer.read()
        _, ended = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(ended) == 0, "what was to be done inside the stack failed"
        return json.loads(told)

    def connect(self) -> None:
        """Let the queries of this process go to the stack. The connection that it was born with is its parent's."""
        self.blocker.unblock()
        self.of_the_parent = connection.connection
        connection.connection = None
        connection.in_atomic_block, connection.savepoint_ids, connection.needs_rollback = False, [], False
        connection.settings_dict.update(database_from_url(self.addresses()["env"]["DATABASE_URL"]))

    def overdue(self, leads: int, *, hours: float = 72) -> str:
        """Store leads that were handed over so long ago, which is too long; returns their ids, joined by commas."""
        return ",".join(map(str, self.inside(lambda: overdue.store(leads, hours=hours))))

    def is_up(self) -> bool:
        """Whether the database answers."""
        try:
            return bool(self.rows("SELECT 1"))
        except psycopg2.OperationalError:
            return False

    def finds_breaches(self, lead_ids: str, while_: str = "") -> None:
        """Wait until all of them are recorded."""
        until(lambda: self.is_up() and self.breached_once(lead_ids), f"the breaches are recorded {while_}")

    def is_sound(self) -> None:
        """Nothing is double, and every invariant of the data holds."""
        until(self.is_up, "the database is back")
        assert dict(self.rows(TWICE)) == {"steps taken twice": 0, "notices told twice": 0, "promises of one pass": 0}
        broken = self.inside(verify)
        assert broken
        assert not any(broken.values()), broken

    # The API ----------------------------------------------------------------------------------------------------

    def post(self, token: str, path: str, body: Any, *, key: str) -> dict[str, Any]:
        """Post until there is an answer, each time with the same key, as a careful program does."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}
        url = f"{self.addresses()['url']}/api/v1/{path}"

        def ask() -> dict[str, Any] | None:
            request = urllib.request.Request(url, json.dumps(body).encode(), headers)
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                is_under_way = error.code == 409 and "Retry-After" in error.headers
                if not is_under_way and error.code not in (500, 503):
                    raise
            except (OSError, ValueError):
                pass  # nobody answered, or broke off
            return None

        return until(ask, f"POST {path} is answered")


class Load:
    """Programs that hand leads over to sales without a pause, and repeat what was not answered."""

    def __init__(self, demo: Faulty, token: str, name: str, *, programs: int = 2) -> None:
        self.demo, self.token, self.name = demo, token, name
        self.handed: list[int] = []
        self.failed: list[BaseException] = []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=[number]) for number in range(programs)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        until(lambda: self.handed or self.failed, "the load begins")
        return self

    def __exit__(self, *error: object) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def run(self, number: int) -> None:
        try:
            count = 0
            while not self.ending.is_set():
                self.hand_over(f"{self.name}-{number}-{count}")
                count += 1
        except BaseException as error:
            self.failed.append(error)

    def hand_over(self, key: str) -> None:
        lead = self.demo.post(self.token, "leads/", {"email": f"{key}@buyer.example"}, key=key)["id"]
        self.demo.post(self.token, f"leads/{lead}/hand-over/", {}, key=f"{key}-over")
        self.handed.append(lead)

    def goes_on(self) -> None:
        """Wait until leads are handed over again."""
        before = len(self.handed)
        until(lambda: len(self.handed) > before + 1 or self.failed, "the load goes on")

    def lost_nothing(self) -> None:
        """Whatever was answered is there, once, with its promise; and nothing else is."""
        assert self.failed == []
        leads = f"SELECT count(*), count(DISTINCT email) FROM leads_lead WHERE email LIKE '{self.name}-%'"
        assert self.demo.rows(leads) == [(len(self.handed), len(self.handed))]
        clocks = "SELECT count(*) FROM sla_clock WHERE subject_kind = 'disposition' AND lead_id = ANY('{%s}')"
        assert self.demo.rows(clocks % ",".join(map(str, self.handed))) == [(len(self.handed),)]


def verify() -> dict[str, int]:
    """What `manage.py verify` counts."""
    told = io.StringIO()
    with suppress(CommandError):
        call_command("verify", "--json", stdout=told)
    return json.loads(told.getvalue())


def stay(seconds: float) -> None:
    """So long a fault lasts."""
    time.sleep(seconds)


def celery(demo: Faulty, *arguments: str) -> subprocess.Popen[bytes]:
    """One more process of Celery beside those of the stack."""
    env = demo.env | demo.addresses()["env"]
    command = [sys.executable, "-m", "celery", "--app=alignment.celery", "--quiet", *arguments]
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
