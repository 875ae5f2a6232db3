"""Databases beside the one that the environment names, and the one that they are copies of."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings
from psycopg2 import extensions
from pytest_django.plugin import DjangoDbBlocker

MIGRATED = "accord_migrated_"
# Under this lock the first process makes the migrated database, while others wait for it.
LOCK = 7_004_201
EMPTIED = """
    SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'django_migrations'
"""
IMPORT_OF_OURS = re.compile(r"^(?:from|import) ((?:alignment|leads|sla|dashboards)\.[\w.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Database:
    """A database beside the one that the environment names."""

    name: str

    @property
    def url(self) -> str:
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{self.name}").geturl()

    @property
    def env(self) -> dict[str, str]:
        return {"DATABASE_URL": self.url, "ACCORD_DEMO": "1"}

    def create(self, template: str = "template0") -> None:
        """Make it anew: empty, or as a copy that nobody else may have open at this moment."""
        self.drop()
        with server() as cursor:
            cursor.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{template}"')

    def drop(self) -> None:
        with server() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

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
def server() -> Iterator[extensions.cursor]:
    """A connection for what is said of databases and not in one."""
    with closing(psycopg2.connect(Database("postgres").url)) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            yield cursor


def migrated(blocker: DjangoDbBlocker) -> Database:
    """The tables without a row, as all migrations leave them; made if the server has none of the present migrations.

    To run them all takes longer than most files of tests. It stays for the next run. Whoever copies it runs `migrate`,
    which finds nothing to do and lets the apps store what a first start needs.
    """
    database = Database(MIGRATED + _state_of_migrations())
    with server() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [MIGRATED])
        standing = {Database(name) for (name,) in cursor.fetchall()}
        if database not in standing:
            for former in standing:
                former.drop()
            _migrate(draft := Database(f"{MIGRATED}draft"), blocker)
            cursor.execute(f'ALTER DATABASE "{draft.name}" RENAME TO "{database.name}"')
    return database


def _migrate(database: Database, blocker: DjangoDbBlocker) -> None:
    database.create()
    with database.in_use_here(blocker):
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute(EMPTIED)
            [tables] = cursor.fetchone()
            cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY")


def _state_of_migrations() -> str:
    """A digest of all migrations, also those of packages, and of whatever of ours they import."""
    migrations = MigrationLoader(None).disk_migrations.values()
    waiting = {Path(sys.modules[type(each).__module__].__file__) for each in migrations}
    found: set[Path] = set()
    while waiting:
        found.add(path := waiting.pop())
        waiting |= {Path(find_spec(name).origin) for name in IMPORT_OF_OURS.findall(path.read_text())} - found
    return sha256(b"".join(sorted(path.read_bytes() for path in found))).hexdigest()[:16]
