"""How much is tried: marks for what takes its time, and how far Hypothesis goes."""

import pytest
from hypothesis import HealthCheck, settings

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
