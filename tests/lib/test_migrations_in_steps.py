"""Migrations may stop anywhere: what an install starts with waits until the tables of its app stand as its code is."""

import os
import subprocess
import sys
from itertools import chain

from django.db.migrations import RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader

from alignment.stack.commands import PACKAGES
from tests.databases import Database
from tests.lib.test_quick_migrations import ROOT, outcome, rows_of

STEPS = """
import sys
import django

django.setup()
from django.core.management import call_command

for step in sys.argv[1:]:
    call_command("migrate", *filter(None, step.split(".")), verbosity=0)
"""


def with_data() -> list[str]:
    """The migrations of ours that do more than make tables, in an order in which they can run."""
    loader = MigrationLoader(None)
    plan = dict.fromkeys(chain.from_iterable(map(loader.graph.forwards_plan, loader.graph.leaf_nodes())))
    ours = [key for key in plan if type(loader.graph.nodes[key]).__module__.split(".")[0] in PACKAGES]
    return [
        f"{app}.{name}"
        for app, name in ours
        if any(isinstance(each, RunPython | RunSQL) for each in loader.graph.nodes[app, name].operations)
    ]


def test_a_first_start_in_steps_ends_where_one_that_runs_through_does():
    """Each step ends where rows are touched, and every app is asked for what it starts with there."""
    steps = with_data()
    assert {"leads.0014_clean_data", "sla.0004_policies_and_ladders", "people.0004_calendars"} <= set(steps)
    apps = list(dict.fromkeys(step.split(".")[0] for step in steps))
    in_steps = outcome("accord_in_steps", "-c", STEPS, *steps, *apps, "")
    assert _but_djangos(in_steps) == _but_djangos(outcome("accord_at_once", "-c", STEPS, ""))


def _but_djangos(found):
    """Django numbers what it keeps of models and migrations in the order in which they came."""
    return {name: rows for name, rows in found.items() if not name.startswith(("django_", "auth_"))}


def test_an_app_whose_tables_are_not_there_yet_starts_with_nothing():
    database = Database("accord_one_step")
    database.create()
    try:
        program = [sys.executable, "manage.py", "migrate", "leads", "0025", "--verbosity=0"]
        subprocess.run(program, cwd=ROOT, env=os.environ | database.env, check=True)
        assert rows_of(database)["leads_stage"] == []
    finally:
        database.drop()
