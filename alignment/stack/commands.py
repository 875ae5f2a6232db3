"""Management commands that a stack runs by itself."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from alignment.stack.places import ROOT, Places, StackError, say
from alignment.stack.servers import ask

PACKAGES = ("alignment", "leads", "sla", "dashboards")
DONE = "SELECT app, name FROM django_migrations ORDER BY app, name"


@dataclass(frozen=True)
class Upkeep:
    """A command that is due once more when its `digest`, which takes the stack's environment, is another one."""

    name: str
    says: str
    command: tuple[str, ...]
    digest: Callable[[Mapping[str, str]], str]


def bring_up_to_date(places: Places, env: Mapping[str, str], *upkeep: Upkeep) -> None:
    """Run what is due, side by side. Raises StackError where one of them fails."""
    due = [each for each in upkeep if _read(_mark(places, each)) != each.digest(env)]
    with ExitStack() as under_way:
        for each in due:
            say(each.says)
            under_way.enter_context(_running(env, each.command))
    for each in due:
        _mark(places, each).write_text(each.digest(env))


def run_command(env: Mapping[str, str], *arguments: str) -> None:
    """Run a management command to its end. Raises StackError where it fails."""
    with _running(env, arguments):
        pass


@contextmanager
def _running(env: Mapping[str, str], arguments: tuple[str, ...]) -> Iterator[None]:
    """The command runs meanwhile, in a session of its own, so that Ctrl-C reaches it in our order; it is waited for."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", *arguments], env={**os.environ, **env}, start_new_session=True
    )
    try:
        yield
        code = process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    if code != 0:
        raise StackError(f"`manage.py {arguments[0]}` failed ({code}).")


def _mark(places: Places, upkeep: Upkeep) -> Path:
    return places.state / f"{upkeep.name}.sha256"


def _read(mark: Path) -> str:
    return mark.read_text() if mark.exists() else ""


# What it hangs on ---------------------------------------------------------------------------------------------


def _of_files(paths: Iterable[Path]) -> "hashlib._Hash":
    """Changes with every one of these files, and with the dependencies, which bring some."""
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for path in sorted(paths):
        digest.update(f"{path.relative_to(ROOT)} ".encode() + path.read_bytes())
    return digest


def _of_static_files(env: Mapping[str, str]) -> str:
    """Changes with what treats them, too."""
    treating = [ROOT / "alignment" / "desk" / name for name in ("finders.py", "storage.py")]
    return _of_files([*treating, *filter(Path.is_file, (ROOT / "static").rglob("*"))]).hexdigest()


def _of_migrations(env: Mapping[str, str]) -> str:
    """Changes with what the database says was done, too: it may be another one, or older than it was."""
    digest = _of_files(path for package in PACKAGES for path in (ROOT / package).rglob("migrations/*.py"))
    try:
        digest.update(repr(ask(env, DONE)).encode())
    except psycopg2.errors.UndefinedTable:
        digest.update(b"nothing")
    return digest.hexdigest()


TABLES = Upkeep("migrated", "Migrating the database …", ("migrate", "--verbosity=0"), _of_migrations)
STATIC_FILES = Upkeep(
    "static", "Collecting static files …", ("collectstatic", "--no-input", "--clear", "--verbosity=0"), _of_static_files
)
