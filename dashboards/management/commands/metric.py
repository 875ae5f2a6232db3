"""`manage.py metric funnel --from 2017-06-01 --to 2018-12-31 --by source --json`: a metric as the pages measure it."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from alignment.people.models import Company
from dashboards.data import as_data
from dashboards.filters import Accounts, Anchor, Basis, Calendar, Deals, FilterError, Filters, Passes, Span
from dashboards.metrics import funnel
from dashboards.options import FACETS, NO_KEY, Options
from leads.milestones import Milestone

METRICS = {"funnel": funnel.measure}


class Command(BaseCommand):
    """Prints one metric, as a table or as JSON."""

    help = "Measure a metric, as the pages show it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("metric", choices=METRICS)
        parser.add_argument("--from", metavar="DATE", help="first day, in the company's zone")
        parser.add_argument("--to", metavar="DATE", help="last day")
        parser.add_argument("--period", choices=[each.value for each in Span if each != Span.DATES], default=Span.ALL)
        parser.add_argument("--basis", choices=list(Basis), default=Basis.COHORT)
        parser.add_argument("--anchor", choices=list(Anchor), default=Anchor.FIRST)
        parser.add_argument("--accounts", choices=list(Accounts), default=Accounts.ALL)
        parser.add_argument("--passes", choices=list(Passes), default=Passes.ALL)
        parser.add_argument("--deals", choices=list(Deals), default=Deals.NEW)
        parser.add_argument("--by", choices=list(FACETS), help="group by this")
        for facet in FACETS:
            parser.add_argument(f"--{facet}", metavar="KEY", help=f"only this {facet} (“{NO_KEY}”: none)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **given: Any) -> None:
        options = Options.load()
        try:
            filters = Filters.parse(_asked(given), options=options, calendar=Calendar.of(Company.get()), at=now())
        except FilterError as error:
            raise CommandError(str(error)) from error
        answer = as_data(METRICS[given["metric"]](filters), options, is_grouped=bool(given["by"]))
        self.stdout.write(json.dumps(answer, ensure_ascii=False) if given["json"] else _table(answer))


def _asked(given: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of an address; dates come before the choice of a period."""
    names = ("from", "to", "period", "basis", "anchor", "passes", "deals", "accounts", "by", *FACETS)
    asked = {name: str(given[name]) for name in names if given.get(name)}
    if asked.get("from") or asked.get("to"):
        asked["period"] = Span.DATES
    return asked


def _table(answer: Mapping[str, Any]) -> str:
    """The same for people: a line for all, and one for each group."""
    period = answer["period"]
    title = (
        f"Funnel, {answer['basis']} basis, {period['from']} to {period['to']}"
        if period
        else (f"Funnel, {answer['basis']} basis, all time ({answer['undated']:,} undated)")
    )
    lines = [("", "n", *(milestone.name for milestone in Milestone)), ("All", answer["n"], *answer["reached"].values())]
    for group in answer.get("by", ()):
        name, n, reached = group.values()
        lines.append((name or "(none)", n, *reached.values()))
    width = max(len(str(line[0])) for line in lines)
    rows = (f"{line[0]!s:<{width}}" + "".join(f"{_shown(cell):>9}" for cell in line[1:]) for line in lines)
    return "\n".join((title, *rows))


def _shown(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
