"""`manage.py metric funnel --from 2017-06-01 --to 2018-12-31 --by source --json`: a metric as the pages measure it."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from alignment.people.models import Company
from dashboards import ledger
from dashboards.data import funnel_as_data, promises_as_data
from dashboards.filters import Accounts, Anchor, Basis, Calendar, Compare, Deals, FilterError, Filters, Passes, Span
from dashboards.metrics import funnel
from dashboards.metrics.answered import BY
from dashboards.options import FACETS, NO_KEY, Options
from leads.milestones import Milestone

Answer = dict[str, Any]


def _funnel(filters: Filters, options: Options, is_grouped: bool) -> Answer:
    return funnel_as_data(funnel.measure(filters), options, is_grouped=is_grouped)


def _promises(filters: Filters, options: Options, is_grouped: bool) -> Answer:
    return promises_as_data(ledger.measure(filters, now()), options, is_grouped=is_grouped)


METRICS: Mapping[str, Callable[[Filters, Options, bool], Answer]] = {"funnel": _funnel, "promises": _promises}


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
        parser.add_argument("--compare", choices=list(Compare), default=Compare.BEFORE)
        parser.add_argument("--by", choices=list(FACETS), help="group by this")
        for facet in FACETS:
            parser.add_argument(f"--{facet}", metavar="KEY", help=f"only this {facet} (“{NO_KEY}”: none)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **given: Any) -> None:
        options = Options.load()
        if given["metric"] == "promises" and given["by"] not in (None, *BY):
            raise CommandError(f"Promises are told apart by {', '.join(BY)}.")
        try:
            filters = Filters.parse(_asked(given), options=options, calendar=Calendar.of(Company.get()), at=now())
        except FilterError as error:
            raise CommandError(str(error)) from error
        answer = METRICS[given["metric"]](filters, options, bool(given["by"]))
        self.stdout.write(json.dumps(answer, ensure_ascii=False) if given["json"] else TABLES[given["metric"]](answer))


def _asked(given: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of an address; dates come before the choice of a period."""
    names = ("from", "to", "period", "basis", "anchor", "passes", "deals", "accounts", "by", "compare", *FACETS)
    asked = {name: str(given[name]) for name in names if given.get(name)}
    if asked.get("from") or asked.get("to"):
        asked["period"] = Span.DATES
    return asked


def _table_of_funnel(answer: Mapping[str, Any]) -> str:
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
    return "\n".join((title, *_aligned(lines)))


def _table_of_promises(answer: Mapping[str, Any]) -> str:
    """The same for people: a line for each promise with a clock, and for each group one of each kind."""
    period = answer["period"]
    title = f"Promises, {period['from']} to {period['to']}" if period else "Promises, all time"
    lines: list[tuple[Any, ...]] = [("", "kept", "of", "share", "open", "overdue")]
    lines += [
        tuple(one[key] for key in ("name", "met", "n", "attainment", "open", "overdue"))
        for one in (*answer["sales"], *answer["marketing"]["promises"])
    ]
    for group in answer.get("by", ()):
        name = next(iter(group.values())) or "(none)"
        for kind, one in group["kinds"].items():
            lines.append((f"{name}, {kind}", one["met"], one["n"], one["attainment"]))
    marketing = answer["marketing"]
    lines.append(("MQLs accepted", marketing["accepted"], marketing["decided"], marketing["acceptance"]))
    return "\n".join((title, *_aligned(lines)))


def _aligned(lines: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    width = max(len(str(line[0])) for line in lines)
    return (f"{line[0]!s:<{width}}" + "".join(f"{_shown(cell):>9}" for cell in line[1:]) for line in lines)


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.1%}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell if cell is not None else "–")


TABLES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"funnel": _table_of_funnel, "promises": _table_of_promises}
