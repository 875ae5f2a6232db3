"""Processes and threads with database connections of their own, on the database of the test."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg2
from django.db import connection

from alignment.lib.announcements import CHANNEL

ROOT = Path(__file__).resolve().parent.parent.parent
WAIT_SECONDS = 60


def start_process(script: str, **env: str) -> "subprocess.Popen[bytes]":
    """A Python process that runs `script` with Django set up."""
    code = f"import django; django.setup()\n{script}"
    given = os.environ | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "alignment.settings"} | env
    return subprocess.Popen([sys.executable, "-c", code], env=given, cwd=ROOT)


class Thread(threading.Thread):
    """Runs `work` with a connection of its own; `end` raises what it raised, else returns what it returned."""

    def __init__(self, work: Callable[[], object]):
        super().__init__(daemon=True)
        self.work, self.result, self.error = work, None, None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.work()
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def end(self) -> object:
        self.join(WAIT_SECONDS)
        assert not self.is_alive(), f"did not end within {WAIT_SECONDS} s"
        if self.error:
            raise self.error
        return self.result


class Listener:
    """A second connection that hears what is announced."""

    def __init__(self, link: "psycopg2.extensions.connection"):
        self.link = link

    def heard(self) -> list[str]:
        """The payloads since the last call."""
        with self.link.cursor() as cursor:
            cursor.execute("SELECT 1")
        payloads = [notice.payload for notice in self.link.notifies]
        self.link.notifies.clear()
        return payloads


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    link = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    link.autocommit = True
    with contextlib.closing(link), link.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
        yield Listener(link)


def database_url() -> str:
    place = connection.settings_dict
    user = f"{quote(place['USER'])}:{quote(place['PASSWORD'])}@" if place["USER"] else ""
    query = urlencode({key.lower(): place[key] for key in ("HOST", "PORT") if place[key]} | place["OPTIONS"])
    return f"postgresql://{user}/{place['NAME']}?{query}"
