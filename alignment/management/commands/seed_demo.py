"""`manage.py seed_demo`: fill an empty install with the demo company."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from alignment.demo.copies import go_back
from alignment.demo.seeding import seed
from leads.models import Lead

MOST_TOLD = 100_000
"""Leads that are told one by one, over twelve months; more of them are years before (see `alignment.demo.copies`)."""


def size(text: str) -> int:
    """`4000`, `100k` or `1m` → a number of leads. Raises ArgumentTypeError."""
    found = re.fullmatch(r"(\d+)([km]?)", text.strip().lower().replace(",", ""))
    if not found or not int(found[1]):
        raise ArgumentTypeError(f"“{text}” is no size: write 4000, 100k or 1m.")
    return int(found[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2]]


class Command(BaseCommand):
    help = "Make a believable company with twelve months of leads, or years of them. Only where no lead stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", type=size, default=4_000, help="about how many leads: 4000 (default), 100k, 1m")
        parser.add_argument("--seed", type=int, default=48, help="another number tells another story")

    def handle(self, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("Tables of this version are missing: run the command migrate, then this one again.")
        if Lead.objects.exists():
            raise CommandError("This install has leads already; the demo company needs an empty one.")
        made = seed(leads=min(options["size"], MOST_TOLD), seed=options["seed"])
        leads = made.leads
        if options["size"] > leads:
            self._told(leads)
            leads = go_back(leads=options["size"], tell=self._told)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.stdout.write(f"{leads:,} leads, {made.campaigns} campaigns, {made.people} people.")

    def _told(self, leads: int) -> None:
        self.stderr.write(f"{leads:,} leads …")
