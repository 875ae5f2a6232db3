"""How much is tried: marks for what takes its time, and how far Hypothesis goes. And where the tables come from."""

import gc

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker

from tests.databases import Database, migrated

# As much as a change needs; with `--hypothesis-profile=deep` as much as a night holds.
SLOW_ENOUGH = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}

settings.register_profile("moderate", max_examples=60, stateful_step_count=25, **SLOW_ENOUGH)
settings.register_profile("deep", max_examples=2_000, stateful_step_count=50, **SLOW_ENOUGH)
settings.load_profile("moderate")

MARKED_BY_FOLDER = ("browser", "faults")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m "not browser and not faults"` is the quick run."""
    for item in items:
        if item.path.parent.name in MARKED_BY_FOLDER:
            item.add_marker(item.path.parent.name)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the garbage collector need not go through all of it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def migrated_database(django_db_blocker: DjangoDbBlocker) -> Database:
    """The tables without a row, to be copied."""
    return migrated(django_db_blocker)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, migrated_database: Database) -> None:
    """Django makes the database of the tests as a copy."""
    connection.settings_dict["TEST"]["TEMPLATE"] = migrated_database.name
