"""The command line behind `run.py`."""

import argparse
import contextlib
import os
import sys
from pathlib import Path

from alignment.stack.children import interruptible, run_in_foreground
from alignment.stack.demo import run_demo
from alignment.stack.gates import run_gates
from alignment.stack.places import ROOT, StackError, make_places
from alignment.stack.servers import shared_servers


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    command, *rest = arguments or ["--help"]
    state = Path(os.environ.get("ACCORD_STATE_DIR") or ROOT / ".run")
    with interruptible():
        try:
            if command == "manage":
                return manage(state, rest)
            if command == "test":
                return run_gates(make_places(state / "test"), rest)
            options = parser().parse_args(arguments)
            return run_demo(make_places(state), port=options.port, empty=options.empty)
        except StackError as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            return 130


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py", description="Accord with its own PostgreSQL and Valkey.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="start everything with demo data; Ctrl-C stops it")
    demo.add_argument("--port", type=int, default=8000, help="the first port to try (default 8000)")
    demo.add_argument("--empty", action="store_true", help="no demo data: the first visitor makes the admin account")
    commands.add_parser("test", help="all checks and tests; arguments after it go to pytest, which then runs alone")
    commands.add_parser("manage", help="any management command, on the running stack or one started for the call")
    return parser


def manage(state: Path, arguments: list[str]) -> int:
    # What the command prints may be read by a program: ours goes elsewhere.
    with contextlib.redirect_stdout(sys.stderr), shared_servers(make_places(state)) as env:
        if "DATABASE_URL" in env:
            # The embedded database is the demo's.
            env = {"ACCORD_DEMO": "1", **env}
        return run_in_foreground([sys.executable, ROOT / "manage.py", *arguments], env)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
