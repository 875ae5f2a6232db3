"""How much is tried, in which order and by whom, and where the tables come from."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker
from xdist.scheduler import LoadFileScheduling

from tests.databases import Database, migrated

# As much as a change needs; with `--hypothesis-profile=deep` as much as a night holds.
SLOW_ENOUGH = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}

settings.register_profile("moderate", max_examples=60, stateful_step_count=25, **SLOW_ENOUGH)
settings.register_profile("deep", max_examples=2_000, stateful_step_count=50, **SLOW_ENOUGH)
settings.load_profile("moderate")

MARKED_BY_FOLDER = ("browser", "faults")
# What takes longest begins first, so that nobody waits for it at the end.
FIRST = ("faults", "browser", "runtime", "people")
# A browser that died or hung says nothing of the page; one that hangs at the same page again does.
DEAD_BROWSER = pytest.mark.flaky(reruns=1, only_rerun=["TargetClosedError", "Target crashed"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m "not browser and not faults"` is the quick run."""
    for item in items:
        if folder_of(item.nodeid) in MARKED_BY_FOLDER:
            item.add_marker(folder_of(item.nodeid))
        if folder_of(item.nodeid) == "browser":
            item.add_marker(DEAD_BROWSER)
    items.sort(key=lambda item: [*FIRST, folder_of(item.nodeid)].index(folder_of(item.nodeid)))


def folder_of(nodeid: str) -> str:
    return nodeid.split("/")[1]


class Scheduling(LoadFileScheduling):
    """A worker takes a file at a time, but a folder whole whose files share something that takes its time to start."""

    def _split_scope(self, nodeid: str) -> str:
        folder = folder_of(nodeid)
        return folder if folder in MARKED_BY_FOLDER else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the garbage collector need not go through all of it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def static_files_as_asked() -> Iterator[None]:
    """Else each client of a test goes through the folder of static files before its first request."""
    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session")
def migrated_database(django_db_blocker: DjangoDbBlocker) -> Database:
    """The tables without a row, to be copied."""
    return migrated(django_db_blocker)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, migrated_database: Database) -> None:
    """Django makes the database of the tests as a copy."""
    connection.settings_dict["TEST"]["TEMPLATE"] = migrated_database.name
