"""The rows behind a number: keyset pages, of passes here, and a file."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from django.db.models import Model, QuerySet

from alignment.lib import keysets
from alignment.lib.csv import Cell
from dashboards import figures
from dashboards.filters import Filters
from dashboards.keeping import Keeper, Patience, StillMeasuringError
from dashboards.metrics.journeys import DATES
from leads.milestones import Milestone
from leads.models import Journey

PAGE = 50
CHUNK = 2000
FACETS = ("owner", "team", "source", "campaign", "segment", "territory")
HEADER = (
    "Lead", "Name", "E-mail", "Company", "Pass", "Reached", "Stage", "Outcome", "Reason",
    *(milestone.name for milestone in Milestone), "Accepted", "First touch since", "Closed",
    *(facet.capitalize() for facet in FACETS), "Consent", "Do not contact",
)  # fmt: skip

Behind = TypeVar("Behind", bound=Model)
Opened = TypeVar("Opened", bound="Opens")


class Opens(Protocol):
    """A number that an address names."""

    def rows(self, filters: Filters, at: datetime) -> QuerySet[Any]:
        """What makes it."""

    def address(self, filters: Filters) -> str:
        """Where it opens."""


class Drill(Generic[Opened, Behind]):
    """The rows that make the number `opened`, in `order`, read with what is `related`; `asked` may name a place to go
    on `after`. The number stands on the page of the URL `shown_on`.
    """

    shown_on: ClassVar[str]
    header: ClassVar[tuple[str, ...]]
    order: ClassVar[keysets.Order]
    related: ClassVar[tuple[str, ...]]
    undated_last: ClassVar[bool] = False

    patience: Patience | None = None
    """How long whoever looks waits for the count; None: for as long as it takes."""

    def __init__(self, opened: Opened, asked: Mapping[str, str], filters: Filters, *, at: datetime) -> None:
        self.opened, self.filters, self.at = opened, filters, at
        self.found: QuerySet[Behind] = opened.rows(filters, at)
        self.keyset = keysets.Page(
            self.found, self.order, asked.get("after", ""), size=PAGE, related=self.related,
            undated_last=self.undated_last,
        )  # fmt: skip

    @cached_property
    def count(self) -> int | None:
        """How many there are: the number that led here. None while they are still being counted."""
        if self.patience is None:
            return self.counted()
        try:
            return _counts.get(self.address, self.at, lambda at: self.counted(), self.patience)
        except StillMeasuringError:
            return None

    def counted(self) -> int:
        """The same, however long it takes."""
        return self.found.count()

    @property
    def next(self) -> str:
        """Where the next page goes on; blank on the last one."""
        return self.keyset.next

    @property
    def address(self) -> str:
        """Its own address, on the first page."""
        return self.opened.address(self.filters)

    @property
    def back(self) -> str:
        """The page that led here."""
        return self.filters.address(self.shown_on)

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """All rows, under `header`; read in chunks, so that a long file fits in little memory."""
        raise NotImplementedError


_counts: Keeper[int] = Keeper()


class FigureList(Drill[figures.Opened, Journey]):
    """The passes that make a figure, the newest first. Raises FigureError for a figure that does not exist."""

    shown_on, header = "funnel", HEADER
    order, undated_last = ("-entered_at", "-pk"), True
    related = ("lead__account", "stage", "reason", "source", "owner__team")

    def __init__(self, asked: Mapping[str, str], filters: Filters, *, at: datetime) -> None:
        super().__init__(figures.find(asked), asked, filters, at=at)

    @property
    def page(self) -> list[tuple[Journey, date | None]]:
        """The rows of this page, each with the company's date of its entry (None: nobody knows)."""
        calendar = self.filters.calendar
        return [(row, row.entered_at and calendar.today(row.entered_at)) for row in self.keyset.rows]

    @property
    def said(self) -> str:
        """The filters, in words."""
        when, basis = str(self.filters.period or "All time"), f"{self.filters.basis} basis"
        return ", ".join([when, basis, *self.filters.chosen_names])

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        rows = self.found.select_related("lead", "stage", "reason", *FACETS).order_by(*self.keyset.sorted_by)
        for journey in rows.iterator(CHUNK):
            yield (
                journey.lead_id, journey.lead.name, journey.lead.email, journey.lead.company_name, journey.pass_no,
                Milestone(journey.reached).name, journey.stage.name, journey.get_outcome_display(),
                text(journey.reason), *(getattr(journey, column) for column in DATES.values()), journey.accepted_at,
                journey.worked_at, journey.closed_at, *(text(getattr(journey, facet)) for facet in FACETS),
                journey.lead.get_consent_display(), "yes" if journey.lead.do_not_contact else "",
            )  # fmt: skip


def text(value: object | None) -> str | None:
    """What a cell says of a row that another one names."""
    return None if value is None else str(value)
