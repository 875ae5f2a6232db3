"""The whole of Accord on this machine: servers, tables, demo data, web, worker and beat, until Ctrl-C."""

import http.client
import socket
import sys
import time
from contextlib import closing

from alignment.stack.children import Children, Program, wait_until_ready
from alignment.stack.commands import STATIC_FILES, TABLES, bring_up_to_date, run_command
from alignment.stack.places import Places, StackError, owning, pause, read_json, say, write_json
from alignment.stack.servers import ask, own_servers

DEMO_LOGINS = [f"{name}@accord.example" for name in ("marketer", "rep", "manager", "revops", "exec")]
PORTS_TO_TRY = 100
# Somebody works here once there is a lead, or a person from outside the demo company.
IN_USE = """
    SELECT EXISTS (SELECT FROM leads_lead)
        OR EXISTS (SELECT FROM people_user WHERE email NOT LIKE '%@accord.example')
"""
LOGINS = "SELECT email FROM people_user WHERE email IS NOT NULL AND is_active"


def run_demo(places: Places, *, port: int, empty: bool) -> int:
    """Start everything and stay until Ctrl-C; where it runs already, say so. Returns the exit code."""
    while True:
        with owning(places) as mine:
            if mine:
                start_and_stay(places, port=port, empty=empty)
                return 0
        if url := read_json(places.addresses).get("url"):
            say(f"Accord is running: {url}")
            return 0
        pause()


def start_and_stay(places: Places, *, port: int, empty: bool) -> None:
    with own_servers(places) as (children, env), closing(listen(port)) as listener:
        url = "http://{}:{}".format(*listener.getsockname())
        env |= {"ACCORD_DEMO": "1", "ACCORD_BASE_URL": url}
        # Commands may use the servers as soon as they run.
        write_json(places.addresses, {"env": env})
        bring_up_to_date(places, env, TABLES, STATIC_FILES)
        start_accord(children, listener, env, empty=empty)
        write_json(places.addresses, {"env": env, "url": url})
        greet(url, env)
        stay(children)


def listen(port: int) -> socket.socket:
    """Take the first free port from `port` on; the web process inherits it, so that it keeps it when it restarts."""
    for candidate in range(port, port + PORTS_TO_TRY):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", candidate))
            listener.listen(2048)
            return listener
        except OSError:
            listener.close()
    raise StackError(f"No port from {port} to {port + PORTS_TO_TRY - 1} is free.")


def in_use(env: dict[str, str]) -> bool:
    return ask(env, IN_USE) == [(True,)]


def start_accord(children: Children, listener: socket.socket, env: dict[str, str], *, empty: bool) -> None:
    """Start web, worker and beat, with the demo company where nobody works here yet; returns when the first page can be
    asked for. What a page needs comes first: the others begin once the web process has loaded.
    """
    say("Starting web, worker and beat …")
    web = children.start(web_program(listener, env))
    if not empty and not in_use(env):
        say("Making the demo company …")
        run_command(env, "seed_demo")
    wait_until_ready(web, lambda: answers(listener))
    children.start(
        Program(
            name="worker",
            argv=celery("worker", "--concurrency=3", "--without-gossip", "--without-mingle"),
            env=env,
            patience=20,
        )
    )
    children.start(Program(name="beat", argv=celery("beat", "--pidfile="), env=env))


def celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "--app=alignment.celery", "--quiet", *arguments, "--loglevel=WARNING")


def web_program(listener: socket.socket, env: dict[str, str]) -> Program:
    options = (f"--fd={listener.fileno()}", "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown=3")
    return Program(
        name="web",
        argv=(sys.executable, "-m", "uvicorn", "alignment.asgi:application", *options),
        env=env,
        files=(listener.fileno(),),
    )


def answers(listener: socket.socket) -> bool:
    """Whether the web process answers; the open port alone says nothing, since it is ours."""
    host, port = listener.getsockname()
    with closing(http.client.HTTPConnection(host, port, timeout=2)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False


def greet(url: str, env: dict[str, str]) -> None:
    """Say where it is, and who can sign in: that is what stands in the database, whatever was asked for."""
    say(f"\nAccord is running: {url}\n")
    logins = [login for (login,) in ask(env, LOGINS)]
    if not logins:
        say("No demo data: the first visitor makes the admin account.")
    elif demo := [login for login in DEMO_LOGINS if login in logins]:
        say("Sign in with the password accord-demo as")
        for login in demo:
            say(f"  {login}")
    else:
        say("Sign in with your account.")
    say("Ctrl-C stops it.")


def stay(children: Children) -> None:
    """Look after the children until Ctrl-C."""
    try:
        while True:
            children.watch()
            time.sleep(0.25)
    except KeyboardInterrupt:
        say("\nStopping …")
