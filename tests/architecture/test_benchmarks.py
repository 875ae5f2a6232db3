"""Benchmarks are run by hand and seldom: each can at least be begun."""

import subprocess
import sys
from importlib import import_module

import pytest

from tests.architecture.source import ROOT

MODULES = sorted(path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_what_says_how_it_is_run_has_a_main_that_says_what_it_does(name):
    module = import_module(f"benchmarks.{name}")
    is_run = f"benchmarks.{name} " in module.__doc__

    assert hasattr(module, "main") == is_run
    assert not is_run or module.main.__doc__


def test_a_program_of_its_own_needs_no_settings():
    alone = [name for name in MODULES if f"-m benchmarks.{name} " in import_module(f"benchmarks.{name}").__doc__]

    imports = "; ".join(f"import benchmarks.{name}" for name in alone)
    assert alone
    assert subprocess.run([sys.executable, "-c", imports], cwd=ROOT, env={}, check=False).returncode == 0
