"""Where a stack keeps its data and its sockets, who may use them now, and where its page is."""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# A socket's whole path must stay under 107 bytes (104 on macOS); the longest name below it is `pg/.s.PGSQL.5432`.
LONGEST_SOCKET_FOLDER = 85


class StackError(Exception):
    """A sentence for the person at the terminal; the stack cannot go on."""


def say(sentence: str) -> None:
    """Tell the person at the terminal; a terminal that is gone must not keep the stack from stopping."""
    with contextlib.suppress(OSError):
        print(sentence, flush=True)


@dataclass(frozen=True)
class Places:
    """The folders of one stack: `state` is kept, `sockets` is short and may be lost."""

    state: Path
    sockets: Path

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def children(self) -> Path:
        """What runs now, for the start after a killed one."""
        return self.state / "children.json"

    @property
    def addresses(self) -> Path:
        """Where the running stack answers; absent while its servers are not up."""
        return self.state / "stack.json"


def make_places(state: Path) -> Places:
    """Make the folders for a stack that keeps its data in `state`. Raises StackError where that is not safe."""
    state = Path(os.path.realpath(state))
    state.mkdir(parents=True, exist_ok=True)
    (state / "log").mkdir(exist_ok=True)
    name = f"accord-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}"
    sockets = Path(tempfile.gettempdir(), name)
    if len(os.fsencode(sockets)) > LONGEST_SOCKET_FOLDER:
        sockets = Path("/tmp", name)  # noqa: S108 (checked below)
    sockets.mkdir(mode=0o700, exist_ok=True)
    found = sockets.lstat()
    # Anyone can make a folder of this name in a shared one.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise StackError(f"{sockets} is not a private folder of this account. Remove it and start again.")
    return Places(state, sockets)


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`; empty when there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace `path` in one step: a reader, or a start after a power cut, never sees half of it."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(value, indent=1))
    draft.replace(path)


def secret_key(places: Places) -> str:
    """The signing key of this stack, made at its first start."""
    path = places.state / "secret-key"
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        draft.replace(path)
    return path.read_text()


@contextlib.contextmanager
def held(path: Path, how: int) -> Iterator[bool]:
    """Hold the file lock at `path` as `how` says; False when someone else holds it and LOCK_NB was asked for."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, how)
            got = True
        except BlockingIOError:
            got = False
        yield got
    finally:
        os.close(descriptor)


def owning(places: Places) -> contextlib.AbstractContextManager[bool]:
    """Be the one process that starts and stops the servers of this stack; False when another one is."""
    return held(places.state / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB)


def visiting(places: Places) -> contextlib.AbstractContextManager[bool]:
    """Use the servers that another process started: it waits with its stop until all visitors have left."""
    return held(places.state / "visitors", fcntl.LOCK_SH)


def withdraw(places: Places) -> None:
    """Take the addresses away once the last visitor has left."""
    with held(places.state / "visitors", fcntl.LOCK_EX):
        places.addresses.unlink(missing_ok=True)


def pause() -> None:
    """The wait between two looks at something that another process does."""
    time.sleep(0.1)
