"""Management commands that a stack runs by itself."""

import hashlib
import os
import signal
import subprocess
import sys

from alignment.stack.places import ROOT, Places, StackError, say


def run_command(env: dict[str, str], *arguments: str) -> None:
    """Run a management command in a session of its own, so that Ctrl-C reaches it in our order. Raises StackError."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "manage.py", *arguments], env={**os.environ, **env}, start_new_session=True
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    if code != 0:
        raise StackError(f"`manage.py {arguments[0]}` failed ({code}).")


def collect_static(places: Places, env: dict[str, str]) -> None:
    """Collect the static files, if any of them changed since the last time."""
    mark, wanted = places.state / "static.sha256", static_digest()
    if not mark.exists() or mark.read_text() != wanted:
        say("Collecting static files …")
        run_command(env, "collectstatic", "--no-input", "--clear", "--verbosity=0")
        mark.write_text(wanted)


def static_digest() -> str:
    """Changes with every file below static/, with the dependencies, which bring some, and with what treats them."""
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    digest.update(b"".join((ROOT / "alignment" / "desk" / name).read_bytes() for name in ("finders.py", "storage.py")))
    for path in sorted((ROOT / "static").rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(ROOT)} ".encode() + path.read_bytes())
    return digest.hexdigest()
