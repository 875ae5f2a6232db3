"""A running Accord for the browser: databases of its own and a web process as in production."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg2
from django.db import connection
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from alignment.stack.demo import answers, listen, web_program
from tests.runtime.stacks import ROOT, until

FIRST_PORT = 8400


@dataclass(frozen=True)
class Database:
    """A database beside the one that the environment names."""

    name: str

    @property
    def url(self) -> str:
        return _url(self.name)

    @property
    def env(self) -> dict[str, str]:
        return {"DATABASE_URL": self.url, "ACCORD_DEMO": "1"}

    def create(self, template: str = "template0") -> None:
        """Make it anew: empty, or as a copy that nobody else may have open at this moment."""
        self.drop()
        _execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{template}"')

    def drop(self) -> None:
        _execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    @contextmanager
    def in_use_here(self, blocker: DjangoDbBlocker) -> Iterator[None]:
        """Let the verbs of this process write into it, and its demo logins sign in."""
        before = connection.settings_dict["NAME"]
        with blocker.unblock(), override_settings(DEMO=True):
            connection.close()
            connection.settings_dict["NAME"] = self.name
            try:
                yield
            finally:
                connection.close()
                connection.settings_dict["NAME"] = before


@contextmanager
def serving(database: Database) -> Iterator[str]:
    """A web process on `database`; yields its address."""
    with closing(listen(FIRST_PORT)) as listener:
        url = "http://{}:{}".format(*listener.getsockname())
        program = web_program(listener, {**database.env, "ACCORD_BASE_URL": url})
        process = subprocess.Popen(program.argv, env=os.environ | program.env, cwd=ROOT, pass_fds=program.files)
        try:
            until(lambda: process.poll() is None and answers(listener), "the web process answers")
            yield url
        finally:
            process.terminate()
            process.wait()


def _url(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def _execute(sql: str) -> None:
    with closing(psycopg2.connect(_url("postgres"))) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(sql)
