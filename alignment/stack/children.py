"""The processes of a stack: each in its own session, recorded, restarted when it dies, stopped in order."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alignment.stack.places import ROOT, Places, StackError, pause, read_json, say, write_json

STARTUP_SECONDS = 120
LONGEST_DELAY_SECONDS = 30


@dataclass(frozen=True)
class Program:
    """What to run. `stop` is the signal that ends it well within `patience` seconds; after that it is killed."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    # Put before `argv`, and the user to become: how root runs a program that refuses root.
    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None
    files: tuple[int, ...] = ()
    stop: signal.Signals = signal.SIGTERM
    patience: float = 10


class Child:
    """A running program."""

    def __init__(self, program: Program, log: Path):
        self.program = program
        self.log = log
        self.delay_seconds: float = 0
        if log.exists():
            log.replace(log.with_suffix(".old.log"))
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program.prefix, *self.program.argv],
                cwd=ROOT,
                env={**os.environ, **self.program.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=self.program.files,
                user=self.program.uid,
                group=self.program.gid,
                extra_groups=None if self.program.uid is None else [],
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        self.restart_at: float | None = None

    def watch(self) -> bool:
        """Look after this child once; True when it was started again. A child that keeps dying waits ever longer."""
        if self.process.poll() is None:
            return False
        if self.restart_at is None:
            lived_long = time.monotonic() - self.started_at > LONGEST_DELAY_SECONDS
            self.delay_seconds = 0 if lived_long else min(max(1, self.delay_seconds * 2), LONGEST_DELAY_SECONDS)
            self.restart_at = time.monotonic() + self.delay_seconds
            say(f"{self.program.name} ended ({self.process.returncode}) and starts again; see {self.log}")
            signal_session(self.process.pid, signal.SIGKILL)
        if time.monotonic() < self.restart_at:
            return False
        self.start()
        return True

    def stop(self) -> None:
        if self.process.poll() is None:
            signal_session(self.process.pid, self.program.stop, whole=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.program.patience)
        signal_session(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Children:
    """All children of one stack, in the order in which they were started."""

    def __init__(self, places: Places):
        self.places = places
        self.running: list[Child] = []

    def start(self, program: Program) -> Child:
        child = Child(program, self.places.logs / f"{program.name}.log")
        self.running.append(child)
        self.record()
        return child

    def watch(self) -> None:
        """Start again what died."""
        for child in self.running:
            if child.watch():
                self.record()

    def stop_all(self) -> None:
        """Stop all, the last first."""
        while self.running:
            self.running[-1].stop()
            self.running.pop()
            self.record()

    def record(self) -> None:
        entries = {
            child.program.name: {
                "pid": child.process.pid,
                "argv": child.program.argv,
                "stop": child.program.stop,
                "patience": child.program.patience,
            }
            for child in self.running
        }
        write_json(self.places.children, entries)

    def stop_left_over(self) -> None:
        """Stop what a killed stack left behind. A process number that now belongs to something else is left alone."""
        for name, entry in reversed(read_json(self.places.children).items()):
            if runs(entry["pid"], entry["argv"]):
                say(f"Stopping {name}, left over from a run that was killed …")
                stop_stranger(entry)
        self.record()


def wait_until_ready(child: Child, ready: Callable[[], bool]) -> None:
    """Wait until `ready()` is true. Raises StackError when the child ends before that, or takes too long."""
    give_up_at = time.monotonic() + STARTUP_SECONDS
    while not ready():
        if child.process.poll() is not None or time.monotonic() > give_up_at:
            raise StackError(f"{child.program.name} did not start. Its last words:\n{last_lines(child.log)}")
        pause()


def last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-12:])


def signal_session(pid: int, number: signal.Signals, *, whole: bool = True) -> None:
    """Signal a child, or with `whole` all that is left of its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.killpg if whole else os.kill)(pid, number)


def command_line(pid: int) -> str:
    """The command line of any process, its parts joined by spaces; empty when there is no such process."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
        return ""
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def runs(pid: int, argv: Sequence[str]) -> bool:
    """Whether `pid` still runs `argv` (the name of the program itself may have been resolved to another one)."""
    _, *arguments = argv
    return command_line(pid).endswith(" ".join(arguments))


def stop_stranger(entry: Mapping[str, Any]) -> None:
    """Stop a process that is not our child, so that it cannot be waited for."""
    signal_session(entry["pid"], signal.Signals(entry["stop"]), whole=False)
    give_up_at = time.monotonic() + entry["patience"]
    while runs(entry["pid"], entry["argv"]) and time.monotonic() < give_up_at:
        pause()
    signal_session(entry["pid"], signal.SIGKILL)
    while runs(entry["pid"], entry["argv"]):
        pause()


def run_in_foreground(argv: Sequence[str | Path], env: Mapping[str, str]) -> int:
    """Run a command that has the terminal, so that Ctrl-C is its own business; returns its exit code."""
    # Not SIG_IGN, which the command would inherit.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        with subprocess.Popen(argv, env={**os.environ, **env}) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.terminate()
                raise
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Treat a request to end (SIGTERM, a closed terminal) like Ctrl-C."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup a closed terminal shall change nothing.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore further requests to end: what is being stopped gets the time that it needs."""
    requests = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in requests}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
