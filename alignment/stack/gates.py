"""All checks and tests, on servers of their own."""

import os
import sys
import time
from pathlib import Path

from alignment.stack.children import run_in_foreground
from alignment.stack.commands import STATIC_FILES, bring_up_to_date
from alignment.stack.places import ROOT, Places, owning, pause, say
from alignment.stack.servers import own_servers

PROGRAMS = Path(sys.executable).parent
# What `check --deploy` judges is the production shape.
PRODUCTION = {
    "ACCORD_SECRET_KEY": "only-for-the-deploy-check-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
    "ACCORD_BASE_URL": "https://accord.example",
    "ACCORD_ALLOWED_HOSTS": "accord.example",
    "ACCORD_DEBUG": "",
    "ACCORD_DEMO": "",
}
# What a test asks for it sees, on however slow a machine; the test of what is shown meanwhile says so.
PATIENT = {"ACCORD_FIGURES_PATIENCE": ""}
INTERRUPTED = (-2, 130)
# The whole run takes two files at a time, in the order of `tests/conftest.py`, each on a database of its own; in the
# end it says which tests took longest. A test that hangs ends its process, says where it stood, and costs no other.
SIDE_BY_SIDE = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder", "--durations=15"]
SIDE_BY_SIDE += ["--override-ini=faulthandler_timeout=900", "--override-ini=faulthandler_exit_on_timeout=true"]


def gates() -> dict[str, tuple[list[str | Path], dict[str, str]]]:
    """The commands before pytest, and what each has in its environment."""
    manage: list[str | Path] = [sys.executable, "manage.py"]
    return {
        "ruff check": ([PROGRAMS / "ruff", "check"], {}),
        "ruff format": ([PROGRAMS / "ruff", "format", "--check"], {}),
        "import-linter": ([PROGRAMS / "lint-imports"], {}),
        "mypy": ([PROGRAMS / "mypy"], {}),
        "djade": ([PROGRAMS / "djade", "--check", "--target-version", "5.2", *templates()], {}),
        "compose file": (
            [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
            {},
        ),
        "Dockerfile": ([PROGRAMS / "hadolint", "Dockerfile"], {}),
        "makemigrations": ([*manage, "makemigrations", "--check", "--dry-run"], {}),
        "check --deploy": ([*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
    }


def templates() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.html") if "templates" in path.parts and ".venv" not in path.parts)


def run_gates(places: Places, arguments: list[str]) -> int:
    """Run every gate and then pytest; with pytest arguments only pytest. Returns the exit code."""
    os.chdir(ROOT)
    while True:
        with owning(places) as mine:
            if mine:
                with own_servers(places, durable=False) as (_, env):
                    # Pages name their static files by what is collected.
                    bring_up_to_date(places, env, STATIC_FILES)
                    return run_all(env, arguments)
        say("Another test run uses this state folder; waiting for it …")
        while not free(places):
            pause()


def free(places: Places) -> bool:
    with owning(places) as mine:
        return mine


def run_all(env: dict[str, str], arguments: list[str]) -> int:
    failed = []
    steps = {} if arguments else gates()
    steps["pytest"] = ([sys.executable, "-m", "pytest", *(arguments or SIDE_BY_SIDE)], PATIENT)
    for name, (command, extra) in steps.items():
        say(f"\n== {name}")
        started_at = time.monotonic()
        code = run_in_foreground(command, {**env, **extra})
        say(f"== {name}: {'ok' if code == 0 else f'failed ({code})'}, {time.monotonic() - started_at:.0f} s")
        if code in INTERRUPTED:
            return 130
        if code != 0:
            failed.append(name)
    say(f"\nFailed: {', '.join(failed)}" if failed else "\nAll passed.")
    return 1 if failed else 0
