"""`run.py manage` and `run.py demo` as real processes, and what is left when any of them is killed."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from alignment.stack.postgres import find_programs
from tests.runtime.stacks import ROOT, Demo, Stack, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
QUESTION = (
    "shell",
    "--no-imports",
    "--command",
    "from django.conf import settings as s; print(s.DATABASES['default']['HOST'])",
)


def long_folder(base: Path) -> Path:
    """Longer than a socket's path may be, with what a shell or a URL would treat specially."""
    return base / ("a folder with spaces, an ümlaut, a % and a ' quote " + "and more " * 10)


def answer_of(url: str) -> str:
    """The body of a page; empty while nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


# manage ---------------------------------------------------------------------------------------------------------


def test_manage_brings_its_own_servers_and_takes_them_away(tmp_path):
    stack = Stack(long_folder(tmp_path))
    assert len(str(stack.state)) > 120

    first = stack.run("manage", *QUESTION)
    assert first.returncode == 0, first.stderr
    sockets = first.stdout.strip()
    assert len(sockets) < 90
    assert stack.pids() == {}
    assert stack.ours() == []

    again = stack.run("manage", *QUESTION)
    assert again.stdout.strip() == sockets, "stdout belongs to the command alone"


def test_two_commands_at_once_share_the_servers(tmp_path):
    stack = Stack(tmp_path / "state")
    command = [sys.executable, ROOT / "run.py", "manage", "shell", "--no-imports", "--command"]
    slow = "from django.db import connection as c; x = c.cursor(); x.execute('SELECT pg_sleep(2)'); print('done')"
    both = [
        subprocess.Popen([*command, slow], env=stack.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=90) for process in both]
    assert [output for output, _ in outputs] == ["done\n", "done\n"], outputs
    assert stack.ours() == []


def test_bytecode_that_must_not_lie_beside_the_sources_lies_with_the_packages(tmp_path):
    stack = Stack(tmp_path / "state")
    stack.env["PYTHONDONTWRITEBYTECODE"] = "1"
    stack.env.pop("PYTHONPYCACHEPREFIX", None)
    where = "import alignment.urls, sys; print(sys.dont_write_bytecode, alignment.urls.__cached__)"
    result = stack.run("manage", "shell", "--no-imports", "--command", where)
    written, found = result.stdout.strip().split(" ", 1)
    assert written == "False", result.stderr
    assert Path(found).is_relative_to(ROOT / ".venv" / "bytecode")
    assert Path(found).exists()


def test_the_exit_code_is_the_command_s(tmp_path):
    stack = Stack(tmp_path / "state")
    assert stack.run("manage", "no_such_command").returncode == 1
    assert stack.run("no-such-word").returncode == 2


def test_a_killed_command_leaves_nothing_that_disturbs_the_next(tmp_path):
    stack = Stack(tmp_path / "state")
    command = stack.start("manage", "shell", "--no-imports", "--command", "import time; time.sleep(600)")
    until(lambda: stack.addresses() and len(stack.ours()) > 3, "the servers run")
    os.killpg(command.pid, signal.SIGKILL)
    command.wait()
    left_over = stack.pids()
    assert set(left_over) == {"postgres", "valkey"}

    result = stack.run("manage", "shell", "--no-imports", "--command", "print(6 * 7)")
    assert result.stdout == "42\n", result.stderr
    assert "left over from a run that was killed" in result.stderr
    assert stack.ours() == []


def test_a_process_number_that_means_something_else_now_is_left_alone(tmp_path):
    stack = Stack(tmp_path / "state")
    assert stack.run("manage", "--version").returncode == 0
    with subprocess.Popen(["sleep", "600"]) as stranger:
        stack.state.joinpath("children.json").write_text(
            f'{{"web": {{"pid": {stranger.pid}, "argv": ["python", "-m", "uvicorn"], "stop": 15, "patience": 1}}}}'
        )
        (cluster,) = stack.state.glob("postgres*/cluster")
        cluster.joinpath("postmaster.pid").write_text(f"{stranger.pid}\n{cluster}\n")
        assert stack.run("manage", "--version").returncode == 0
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_that_nobody_recorded_is_stopped(tmp_path):
    stack = Stack(tmp_path / "state")
    command = stack.start("manage", "shell", "--no-imports", "--command", "import time; time.sleep(600)")
    until(stack.addresses, "the servers run")
    os.killpg(command.pid, signal.SIGKILL)
    command.wait()
    stack.state.joinpath("children.json").unlink()
    valkey = [pid for pid in stack.ours() if b"valkey" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    result = stack.run("manage", "--version")
    assert result.returncode == 0, result.stderr
    for pid in valkey:
        os.kill(pid, signal.SIGKILL)
    until(lambda: stack.ours() == [], "nothing is left")


def test_a_half_made_database_folder_is_made_again(tmp_path):
    stack = Stack(tmp_path / "state")
    assert stack.run("manage", "--version").returncode == 0
    (cluster,) = stack.state.glob("postgres*/cluster")
    cluster.rename(cluster.with_name("draft"))
    result = stack.run("manage", *QUESTION)
    assert result.returncode == 0, result.stderr
    assert cluster.exists()


def test_other_servers_take_the_place_of_the_embedded_ones(tmp_path):
    stack = Stack(tmp_path / "state")
    stack.env |= {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    result = stack.run("manage", *QUESTION)
    assert result.returncode == 0, result.stderr
    assert "Starting" not in result.stderr
    assert not list(stack.state.glob("postgres*"))


def test_pg_bin_names_another_postgresql(tmp_path):
    stack = Stack(tmp_path / "state")
    programs = tmp_path / "programs"
    programs.symlink_to(find_programs())
    stack.env["PG_BIN"] = str(programs)
    assert stack.run("manage", "--version").returncode == 0

    stack.env["PG_BIN"] = str(tmp_path)
    result = stack.run("manage", "--version")
    assert result.returncode == 1
    assert "holds no PostgreSQL that runs here" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become someone else")
def test_root_without_user_namespaces_becomes_nobody_or_says_why_not(tmp_path):
    refused = Stack(tmp_path / "only root enters here")
    refused.env["PATH"] = "/nonexistent"
    result = refused.run("manage", "--version")
    assert result.returncode == 1
    assert "PostgreSQL refuses to run as root" in result.stderr
    assert "Traceback" not in result.stderr

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Path(folder, "state"))
        stack.env["PATH"] = "/nonexistent"
        assert stack.run("manage", *QUESTION).returncode == 0
        assert next(stack.state.glob("postgres*")).owner() == "nobody"


# demo -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo whose first port is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        demo = Demo(long_folder(tmp_path_factory.mktemp("demo")), port=taken.getsockname()[1])
        demo.begin()
        yield demo
        if demo.supervisor.poll() is None:
            demo.end()


@pytest.fixture
def url(demo):
    return demo.addresses()["url"]


def is_ready(url: str) -> bool:
    return answer_of(f"{url}/readyz") == "ok\n"


def test_the_demo_answers_on_the_next_free_port(demo, url):
    assert demo.port < int(url.rpartition(":")[2]) < demo.port + 100
    assert f"Accord is running: {url}" in demo.output
    assert answer_of(f"{url}/healthz") == "ok\n"
    assert is_ready(url)


def test_a_second_start_says_where_the_first_one_is(demo, url):
    second = demo.run("demo")
    assert (second.returncode, second.stdout) == (0, f"Accord is running: {url}\n")


def test_manage_uses_the_running_servers(demo):
    before = demo.pids()
    result = demo.run(
        "manage", "shell", "--no-imports", "--command", "from django.conf import settings as s; print(s.DEMO)"
    )
    assert (result.returncode, result.stdout) == (0, "True\n"), result.stderr
    assert demo.pids() == before


@pytest.mark.parametrize("name", ["web", "worker", "beat", "valkey", "postgres"])
def test_what_is_killed_comes_back_and_no_row_is_lost(demo, url, name):
    demo.rows(f"CREATE TABLE kept_{name} AS SELECT generate_series(1, 1000) AS number")
    killed = demo.pids()[name]
    os.kill(killed, signal.SIGKILL)
    until(lambda: demo.pids()[name] != killed, f"{name} is started again")
    until(lambda: is_ready(url), "the stack is ready")
    assert demo.rows(f"SELECT count(*) FROM kept_{name}") == [(1000,)]
    assert not Path(f"/proc/{killed}").exists()


def test_without_a_broker_pages_still_work(demo, url):
    os.kill(demo.pids()["valkey"], signal.SIGSTOP)
    try:
        assert answer_of(f"{url}/readyz") == "degraded: no broker\n"
    finally:
        os.kill(demo.pids()["valkey"], signal.SIGCONT)
    until(lambda: is_ready(url), "the broker is back")


def test_after_a_killed_supervisor_the_next_start_is_clean(demo):
    assert "the first visitor makes the admin account" in demo.output
    admin = "create_superuser(email='ada@firm.example', name='Ada', password='a long pass phrase 77')"
    made = demo.run("manage", "shell", "--command", f"User.objects.{admin}")
    assert made.returncode == 0, made.stderr
    demo.rows("CREATE TABLE survives AS SELECT 1 AS number")
    left_over = demo.pids()
    demo.supervisor.kill()
    demo.supervisor.wait()

    demo.begin()
    assert demo.output.count("left over from a run that was killed") == len(left_over) == 5
    assert "Migrating" not in demo.output, "nothing had changed"
    assert set(demo.pids()) == set(left_over)
    assert not set(demo.pids().values()) & set(left_over.values())
    assert demo.rows("SELECT number FROM survives") == [(1,)]
    assert "Sign in with your account" in demo.output
    assert "the first visitor" not in demo.output.rpartition("left over")[2]


def test_ctrl_c_stops_everything_in_order(demo, url):
    demo.end()
    assert demo.supervisor.returncode == 0
    assert demo.ours() == []
    assert demo.pids() == {}
    assert "shut down" in (demo.state / "log" / "postgres.log").read_text().splitlines()[-1]
    assert not re.search(r"Traceback", demo.output)
    assert answer_of(f"{url}/healthz") == ""
