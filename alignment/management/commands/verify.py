"""Check everything that must be true: the invariants of every app, and a replay of all leads."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

import alignment.people.invariants
import leads.deals.invariants
import leads.hygiene.invariants
import leads.invariants
import leads.routing.invariants
import leads.scoring.invariants
import sla.invariants
from alignment.lib.invariants import count_broken
from leads.rebuild import rebuild

INVARIANTS = {
    **leads.invariants.INVARIANTS,
    **leads.scoring.invariants.INVARIANTS,
    **leads.routing.invariants.INVARIANTS,
    **leads.deals.invariants.INVARIANTS,
    **leads.hygiene.invariants.INVARIANTS,
    **alignment.people.invariants.INVARIANTS,
    **sla.invariants.INVARIANTS,
}
REPLAY = "Journeys and leads stand as their moves say"


class Command(BaseCommand):
    help = "Count the rows that break an invariant, and the leads that do not stand where their moves lead."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object: sentence → number of rows")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = count_broken(INVARIANTS) | {REPLAY: rebuild(dry_run=True).differing}
        if options["json"]:
            self.stdout.write(json.dumps(broken, indent=2))
        else:
            for sentence, rows in broken.items():
                self.stdout.write(f"{rows:>8,}  {sentence}")
        if any(broken.values()):
            raise CommandError(f"{sum(broken.values()):,} rows are not as they should be.", returncode=1)
