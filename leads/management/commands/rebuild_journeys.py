"""Make all journeys, and the states of all leads, again from their moves."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leads.rebuild import rebuild


class Command(BaseCommand):
    help = "Replay the moves of all leads and write the journeys and states that differ from what they make."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count what differs, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        result = rebuild(dry_run=options["dry_run"])
        done = "differ" if options["dry_run"] else "differed and were written"
        self.stdout.write(f"{result.leads:,} leads replayed; {result.differing:,} {done}.")
