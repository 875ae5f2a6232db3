"""`manage.py seed_demo`: fill an empty install with the demo company."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from alignment.demo.seeding import seed
from leads.models import Lead


class Command(BaseCommand):
    help = "Make a believable company with twelve months of leads. Only where no lead stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--leads", type=int, default=4_000, help="about how many (default: 4,000)")
        parser.add_argument("--seed", type=int, default=48, help="another number tells another story")

    def handle(self, **options: Any) -> None:
        if Lead.objects.exists():
            raise CommandError("This install has leads already; the demo company needs an empty one.")
        made = seed(leads=options["leads"], seed=options["seed"])
        self.stdout.write(f"{made.leads:,} leads, {made.campaigns} campaigns, {made.people} people.")
