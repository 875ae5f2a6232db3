"""The list of leads as an address asks for it: filters, search, keyset pages, a capped count, and a file."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from alignment.desk import lead_columns, lead_fits, lead_routes
from alignment.desk.lead_columns import Column
from alignment.desk.queue import COUNT_CAP
from alignment.lib.csv import Cell
from dashboards.options import Choice, Facet, Options
from leads import states
from leads.finding import is_enough
from leads.models import Account, Lead, Stage
from leads.querysets import LeadQuerySet
from leads.searching import candidates, spelled_alike
from sla.models import Clock
from sla.querysets import with_clock

PAGE = 50
NOT_OF_THE_QUERY = ("after", "format", "do", "all", "id", "expected", "csrfmiddlewaretoken")
CHUNK = 2000

STATES: Mapping[str, tuple[str, Q]] = {
    "open": states.STATES["open"],
    "waiting": states.STATES["waiting"],
    "overdue": ("Overdue", states.WAITING),
    **states.STATES,
}
"""What became of a lead: key → (name, condition). Overdue also asks its clock."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One select of the filter bar."""

    name: str
    label: str
    choices: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True, slots=True)
class Matches:
    """Keys of leads that fit the words of a search; `is_near`: they are only spelled alike."""

    keys: list[int]
    is_near: bool


class LeadList:
    """Leads, newest move first. What an address asks for and nobody knows is left out of account."""

    def __init__(
        self, asked: Mapping[str, str], *, at: datetime, only: Collection[int] = (), like: "LeadList | None" = None
    ) -> None:
        """`only` these leads, where there are any; what can be asked is that of `like`, if given."""
        self.asked, self.at, self.only, self.like = asked, at, only, like
        self.columns = lead_columns.parse(asked.get("columns", ""))
        self.words = " ".join(asked.get("q", "").split())
        self.state = asked["state"] if asked.get("state") in STATES else ""
        self.fits = lead_fits.chosen(asked)

    # What can be asked

    @cached_property
    def options(self) -> Options:
        return self.like.options if self.like else Options.load()

    @cached_property
    def stages(self) -> dict[str, Stage]:
        if self.like:
            return self.like.stages
        return {stage.key: stage for stage in Stage.objects.order_by("position")}

    @cached_property
    def chosen(self) -> dict[str, Choice]:
        """The facets that the address names."""
        named = {facet: self.options.find(facet, self.asked[facet]) for facet in Facet if self.asked.get(facet)}
        return {facet: choice for facet, choice in named.items() if choice}

    @property
    def stage(self) -> Stage | None:
        return self.stages.get(self.asked.get("stage", ""))

    @cached_property
    def filters(self) -> list[Filter]:
        """The selects of the filter bar."""
        stage = self.stage
        return [
            Filter("state", "State", [(key, name) for key, (name, _) in STATES.items()], self.state),
            Filter(
                "stage", "Stage", [(key, each.name) for key, each in self.stages.items()], stage.key if stage else ""
            ),
            *(self._facet(facet) for facet in Facet),
            *(
                Filter(name, label, list(choices.items()), self.fits.get(name, ""))
                for name, (label, choices) in lead_fits.CHOICES.items()
            ),
            Filter("routed", "Routed", list(self.ways.items()), self.routed),
        ]

    @cached_property
    def ways(self) -> Mapping[str, str]:
        """In which ways leads can have been routed."""
        return self.like.ways if self.like else lead_routes.choices()

    @property
    def routed(self) -> str:
        """The way of routing that is asked for; blank for none that is known."""
        asked = self.asked.get("routed", "")
        return asked if asked and asked in self.ways else ""

    def _facet(self, facet: Facet) -> Filter:
        choices = self.options.by_facet[facet].values()
        chosen = self.chosen.get(facet)
        return Filter(facet, facet.capitalize(), [(one.key, one.name) for one in choices], chosen.key if chosen else "")

    @property
    def query(self) -> list[tuple[str, str]]:
        """What the address says of which leads are meant, without the place in the list."""
        return [(name, value) for name, value in self.asked.items() if value and name not in NOT_OF_THE_QUERY]

    @property
    def said(self) -> str:
        """The filters in words: “Stage: Marketing qualified, Source: Webinar”."""
        told = [(each.label, dict(each.choices).get(each.chosen, "")) for each in self.filters if each.chosen]
        if self.account:
            told.append(("Account", str(self.account)))
        if self.words:
            told.append(("Search", f"“{self.words}”"))
        return ", ".join(f"{label}: {name}" for label, name in told)

    @property
    def is_filtered(self) -> bool:
        return bool(
            self.only
            or self.words
            or self.state
            or self.stage
            or self.chosen
            or self.fits
            or self.account
            or self.routed
        )

    @cached_property
    def account(self) -> Account | None:
        """The account whose leads are asked for."""
        pk = self.asked.get("account", "")
        return Account.objects.filter(pk=pk).first() if pk.isascii() and pk.isdecimal() and len(pk) < 19 else None

    # What is found

    @cached_property
    def matches(self) -> Matches:
        """The leads that have the words, or where nobody has, those that have something like them."""
        found = candidates(self.words)
        return Matches(found, is_near=False) if found else Matches(spelled_alike(self.words), is_near=True)

    @property
    def is_too_short(self) -> bool:
        """Whether there are too few letters to look for anybody."""
        return bool(self.words) and not is_enough(self.words) and not self.words.lstrip("#").isdecimal()

    @cached_property
    def found(self) -> LeadQuerySet:
        """The leads that the address means, in no order."""
        leads = Lead.objects.standing().filter(**{facet: choice.pk for facet, choice in self.chosen.items()})
        if self.only:
            leads = leads.filter(pk__any_of=list(self.only))
        if self.stage:
            leads = leads.filter(stage=self.stage)
        if self.state:
            leads = leads.filter(STATES[self.state][1])
        if self.fits:
            leads = leads.filter(lead_fits.condition(self.fits, self.at))
        if self.routed:
            leads = leads.filter(lead_routes.condition(self.routed))
        if self.account:
            leads = leads.filter(account=self.account)
        if self.words:
            leads = leads.filter(pk__in=self.matches.keys)
        if self.state == "overdue":
            leads = leads.filter(pk__in=Clock.objects.dispositions().overdue(self.at).values("lead"))
        return leads

    @cached_property
    def count(self) -> str:
        """How many were found, up to a thousand: `847`, `1,000+`."""
        count = self.found.order_by()[: COUNT_CAP + 1].count()
        return f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"

    @cached_property
    def page(self) -> list[Any]:
        """The rows of this page, with the dates of their clocks."""
        return self._rows[:PAGE]

    @property
    def next(self) -> str:
        """The place of the next page, blank on the last one."""
        return _place(self.page[-1]) if len(self._rows) > PAGE else ""

    @property
    def is_first(self) -> bool:
        return _parse(self.asked.get("after", "")) is None

    @cached_property
    def _rows(self) -> list[Any]:
        page = self.found.newest_first(before=_parse(self.asked.get("after", "")))
        return list(lead_columns.read_with(with_clock(page), self.columns)[: PAGE + 1])

    @property
    def rows(self) -> Iterator[tuple[Any, list[tuple[Column, object]]]]:
        """Each lead of the page with what stands in its cells."""
        for lead in self.page:
            yield lead, [(column, column.text(lead)) for column in self.columns]

    # The file

    @cached_property
    def _of_file(self) -> list[Column]:
        return lead_columns.of_file(self.columns)

    @property
    def header(self) -> tuple[str, ...]:
        """Who the lead is, every column that a list can show (first those that this one does), and how it stands."""
        columns = (column.label for column in self._of_file)
        return ("Id", "Name", "Job title", "Company", *columns, "Outcome", "Answered", "Do not contact")

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """All that was found, as rows under `header`; read in chunks, so that a long file fits in little memory."""
        lead: Any
        for lead in lead_columns.read_with(with_clock(self.found.newest_first()), self._of_file).iterator(CHUNK):
            yield (
                lead.pk, lead.name, lead.title, lead.company_name,
                *(column.in_file(lead) for column in self._of_file),
                lead.get_outcome_display(), lead.answered_at, "yes" if lead.do_not_contact else "",
            )  # fmt: skip


def _place(lead: Lead) -> str:
    return f"{lead.moved_at.isoformat()}~{lead.pk}"


def _parse(text: str) -> tuple[datetime, int] | None:
    moment, _, pk = text.partition("~")
    try:
        moved_at = parse_datetime(moment)
    except ValueError:
        return None
    return (moved_at, int(pk)) if moved_at and moved_at.tzinfo and pk.isdecimal() else None
