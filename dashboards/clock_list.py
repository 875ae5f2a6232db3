"""The clocks behind a number, the last due first: keyset pages with receipts, and a file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice

from django.urls import reverse

from alignment.lib.csv import Cell
from alignment.people.figures import FiguresOfRep
from alignment.people.models import User
from alignment.people.permissions import can
from dashboards.clock_figures import OpenedClocks
from dashboards.drill import Drill, text
from dashboards.filters import Filters
from dashboards.metrics.attainment import promised
from sla.models import Clock, ClockEvent, EventKind
from sla.receipt import Receipt, receipts
from sla.standings import Standings
from sla.subjects import subject

CHUNK = 500
ORDER = ("-due_at", "-id")
RELATED = ("policy", "lead__account", "lead__source", "lead__team")
HEADER = (
    "Lead", "About", "Company", "Source", "Team", "Promise", "Within", "Began", "Due", "Answered", "Paused until",
    "Broken", "Late by (hours)", "Held by", "Charged to", "Contested",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """One holder's part of the time, 0 to 1; `who` is blank for time in no one's hands."""

    who: str
    time: timedelta
    part: float


@dataclass(frozen=True, slots=True)
class Row:
    """One clock, what it is about, and its receipt in the words that the viewer may read. `late_by` is None where it is
    not late; `charged` is blank where nobody is.
    """

    clock: Clock
    about: str
    url: str
    late_by: timedelta | None
    held: Sequence[Share]
    charged: str
    is_contested: bool


class People:
    """How people are named to `viewer`: whose figures they may not see go by their role."""

    def __init__(self, viewer: User) -> None:
        self.viewer = viewer

    def name(self, person: User | None) -> str:
        """Blank for nobody."""
        if person is None:
            return ""
        if can(self.viewer, "funnel.of_rep", FiguresOfRep(person.name, person.pk)):
            return person.name
        return person.get_role_display()


def told(clocks: Sequence[Clock], viewer: User, at: datetime) -> list[Row]:
    """These clocks with their receipts; twelve queries at most, and a few for each kind that is about no lead."""
    found = receipts(clocks, at)
    events = ClockEvent.objects.filter(clock__in=[clock.pk for clock in clocks], kind=EventKind.CONTESTED)
    contested = set(events.values_list("clock_id", flat=True))
    people, standings = People(viewer), Standings(each for each in clocks if not subject(each.subject_kind).is_pass)
    return [_row(clock, found[clock.pk], people, standings, clock.pk in contested, at) for clock in clocks]


def _about(clock: Clock, standings: Standings) -> tuple[str, str]:
    """What a clock is about, and its page."""
    if clock.lead and subject(clock.subject_kind).is_pass:
        return clock.lead.display_name, reverse("lead", args=[clock.lead.pk])
    standing = standings.of(clock)
    return standing.title[:1].upper() + standing.title[1:], str(standing.url)


def _row(clock: Clock, receipt: Receipt, people: People, standings: Standings, is_contested: bool, at: datetime) -> Row:
    about, url = _about(clock, standings)
    shares: dict[str, Share] = {}
    for each in receipt.held:
        who = people.name(each.holder)
        before = shares.get(who, Share(who, timedelta(), 0))
        shares[who] = Share(who, before.time + each.time, before.part + each.share)
    return Row(
        clock=clock,
        about=about,
        url=url,
        late_by=(clock.stopped_at or at) - clock.due_at if clock.is_breached(at) else None,
        held=list(shares.values()),
        charged=people.name(receipt.charged),
        is_contested=is_contested,
    )


def breaches(viewer: User, filters: Filters, at: datetime, most: int) -> list[Row]:
    """The newest breaches of the period, at most so many."""
    found = OpenedClocks.find({}, []).rows(filters, at).order_by(*ORDER)
    newest = list(found.values_list("pk", flat=True)[:most])
    return told(list(Clock.objects.filter(pk__in=newest).select_related(*RELATED).order_by(*ORDER)), viewer, at)


class ClockList(Drill[OpenedClocks, Clock]):
    """The clocks that make a figure. Raises FigureError for one that does not exist."""

    shown_on, header = "promises", HEADER
    order, related = ORDER, RELATED

    def __init__(self, viewer: User, asked: Mapping[str, str], filters: Filters, *, at: datetime) -> None:
        super().__init__(OpenedClocks.find(asked, promised()), asked, filters, at=at)
        self.viewer = viewer

    def counted(self) -> int:
        return self.opened.count(self.filters, self.at)

    @cached_property
    def page(self) -> list[Row]:
        """The rows of this page."""
        return told(self.keyset.rows, self.viewer, self.at)

    @property
    def said(self) -> str:
        """What it is about, in words."""
        when = f"due in {self.filters.period or 'all time'}" if self.opened.figure.of_period else "whenever due"
        return ", ".join([self.opened.about, when, *self.filters.chosen_names])

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        clocks = self.found.select_related(*RELATED).order_by(*ORDER).iterator(CHUNK)
        while chunk := list(islice(clocks, CHUNK)):
            yield from (_line(row) for row in told(chunk, self.viewer, self.at))


def _line(row: Row) -> tuple[Cell, ...]:
    clock, lead = row.clock, row.clock.lead
    held = "; ".join(f"{share.who or 'no one'} {share.part:.0%}" for share in row.held)
    return (
        clock.lead_id, row.about, lead and lead.company_name, text(lead and lead.source),
        text(lead and lead.team), clock.policy.name, clock.policy.promised, clock.started_at, clock.due_at,
        clock.stopped_at, clock.paused_until, "yes" if row.late_by is not None else "",
        None if row.late_by is None else round(row.late_by / timedelta(hours=1), 2), held, row.charged,
        "yes" if row.is_contested else "",
    )  # fmt: skip
