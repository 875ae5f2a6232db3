#!/usr/bin/env python3
"""Accord with nothing but Python: `python3 run.py demo`, `python3 run.py test`, `python3 run.py manage <command>`.

Uses the standard library alone: it makes `.venv`, installs the locked dependencies and hands over to `alignment.stack`.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
INSTALLED = VENV / "accord-installed.json"
RUNTIME_LOCK = "requirements.lock"
# Holds everything that the runtime lock holds, at the same versions.
DEV_LOCK = "requirements-dev.lock"


def main():
    if sys.version_info < (3, 11):  # noqa: UP036 (this file is what an older Python is given)
        sys.exit("Accord needs Python 3.11 or newer; this is Python {}.{}.".format(*sys.version_info[:2]))
    os.environ.setdefault("UV_SYSTEM_CERTS", "1")
    with only_one_at_a_time():
        install(DEV_LOCK if sys.argv[1:2] == ["test"] else RUNTIME_LOCK)
    keep_bytecode()
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(PYTHON, [str(PYTHON), str(ROOT / "run.py"), *sys.argv[1:]])
    runpy.run_module("alignment.stack", run_name="__main__", alter_sys=True)


@contextlib.contextmanager
def only_one_at_a_time():
    """Two first starts at once must not install into the same folder at once."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def install(lock):
    """Bring `.venv` up to `lock`; a folder that already holds it is left alone."""
    digests = {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in (RUNTIME_LOCK, DEV_LOCK)}
    installed = read_installed()
    if installed.get(lock) == digests[lock]:
        return
    if VENV.is_symlink():
        sys.exit(f"{VENV} is a link, and what it leads to may be somebody else's. Remove the link: `rm {VENV}`.")
    make_venv()
    say(f"Installing the dependencies of {lock} …")
    if not install_with_uv(lock):
        install_with_pip(lock)
    installed[lock] = digests[lock]
    if lock == DEV_LOCK:
        installed[RUNTIME_LOCK] = digests[RUNTIME_LOCK]
    INSTALLED.write_text(json.dumps(installed))


def read_installed():
    """The digests of the locks that `.venv` was brought up to; empty when it is not known."""
    try:
        subprocess.run([PYTHON, "-c", ""], check=True, capture_output=True)
        return json.loads(INSTALLED.read_text())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return {}


def make_venv():
    if PYTHON.exists() and works([PYTHON, "-c", ""]):
        return
    say("Making .venv …")
    run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV], "Python could not make .venv.")


def install_with_uv(lock):
    """True when uv is on this machine and it worked."""
    uv = shutil.which("uv")
    if not uv:
        return False
    command = [uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", ROOT / lock]
    if subprocess.run(command, check=False).returncode == 0:
        return True
    say("uv could not install them; trying pip …")
    return False


def install_with_pip(lock):
    # The pip of this Python, where it can install elsewhere (22.3 and newer): to unpack another one takes seconds.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", PYTHON]
    if not works([*pip, "--version"]):
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
        if not works([*pip, "--version"]):
            run(
                [PYTHON, "-m", "ensurepip"],
                "This Python brings no pip. Install uv, or what brings ensurepip (Debian: python3-venv).",
            )
    # The lock names all that is needed.
    run(
        [*pip, "install", "-qq", "--no-compile", "--no-deps", "--require-hashes", "-r", ROOT / lock],
        "The dependencies could not be installed.",
    )


def keep_bytecode():
    """Who wants none beside the sources gets it in `.venv`: without any, each process compiles everything again."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "bytecode"))


def works(command):
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(command, complaint):
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode != 0:
        sys.exit(complaint)


def say(sentence):
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
