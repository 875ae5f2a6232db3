"""Somebody who reads pages, from a web process of its own, while something else works on the same database."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from alignment.people.models import User

PAUSE_SECONDS = 0.1
"""Between two pages."""
FRAGMENT = {"HX-Request": "true"}


@contextmanager
def web_process() -> Iterator[int]:
    """A web process as the demo starts it, on the database of this process; the port on which it listens."""
    call_command("collectstatic", verbosity=0, interactive=False)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "alignment.asgi:application",
            "--no-access-log",
            "--log-level=error",
        ]
        web = subprocess.Popen(
            [*command, f"--fd={listener.fileno()}"],
            env=os.environ | {"DATABASE_URL": address(), "ACCORD_DEMO": "1"},
            pass_fds=[listener.fileno()],
        )
        try:
            yield listener.getsockname()[1]
        finally:
            web.terminate()
            web.wait()


def address() -> str:
    """The database of this process, as `DATABASE_URL` names it."""
    known = connection.get_connection_params()
    host = quote(known.get("host", ""), safe="")
    return f"postgresql://{known['user']}:{quote(known.get('password', ''))}@/{known['dbname']}?host={host}"


class Reader:
    """A browser of `user` that keeps its connection. `pages`: the path and the headers of each, by name."""

    def __init__(self, port: int, user: User, pages: Mapping[str, tuple[str, dict[str, str]]]) -> None:
        browser = Client()
        browser.force_login(user, backend="alignment.people.backends.EmailBackend")
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
        self.pages = pages
        self.web = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str, headers: dict[str, str]) -> float:
        """Ask for a page; milliseconds until all of it is there."""
        started_at = time.perf_counter()
        self.web.request("GET", path, headers={"Cookie": self.cookie, **headers})
        answer = self.web.getresponse()
        answer.read()
        # 204: the figures are being measured, and the page keeps those that it shows.
        assert answer.status in (200, 204), (path, answer.status)
        return (time.perf_counter() - started_at) * 1000

    def read_while(self, is_wanted: Callable[[], bool], *, most: int) -> dict[str, list[float]]:
        """Ask for one page after the other, each `most` times at most; the milliseconds of each page, ascending."""
        took: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(most):
            for name, (path, headers) in self.pages.items():
                if is_wanted():
                    took[name].append(self.get(path, headers))
                    time.sleep(PAUSE_SECONDS)
        return {name: sorted(times) for name, times in took.items()}
