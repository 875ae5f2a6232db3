"""What `run.py` does before anything is installed."""

import shutil
import subprocess
import sys

import pytest

from tests.runtime.stacks import ROOT


@pytest.fixture
def clone(tmp_path):
    """What `run.py` needs to install."""
    made = tmp_path / "clone"
    made.mkdir()
    for name in ("run.py", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, made)
    return made


@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_installed_through_a_link(tmp_path, clone, exists):
    elsewhere = tmp_path / "elsewhere"
    if exists:
        elsewhere.mkdir()
        (elsewhere / "theirs").touch()
    (clone / ".venv").symlink_to(elsewhere)
    answer = subprocess.run(
        [sys.executable, clone / "run.py", "demo"], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 1
    assert ".venv is a link" in answer.stderr
    assert f"rm {clone / '.venv'}" in answer.stderr
    assert [path.name for path in elsewhere.glob("*")] == ["theirs"] * exists
