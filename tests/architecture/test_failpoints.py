"""Every named place at which a process may die is one at which a test lets it die."""

import re

from tests.architecture.source import PACKAGES, ROOT


def test_a_process_dies_at_each_failpoint():
    named = {
        name
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r'failpoints\.reached\("([a-z_.]+)"\)', path.read_text())
    }
    tested = (ROOT / "tests" / "faults" / "test_failpoints.py").read_text()
    assert named
    assert [name for name in sorted(named) if f'"{name}"' not in tested] == []
