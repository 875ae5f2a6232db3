"""One stack for all faults: each test leaves it sound."""

import sys

import pytest

from tests.faults import overdue
from tests.faults.running import Faulty


@pytest.fixture(scope="session")
def demo(tmp_path_factory, django_db_blocker):
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    demo = Faulty(tmp_path_factory.mktemp("faults") / "state", port=18000, blocker=django_db_blocker)
    demo.begin()
    yield demo
    demo.end()


@pytest.fixture(scope="session")
def token(demo):
    return demo.inside(overdue.token)
