"""The rows behind a number: keyset pages of passes, and a file."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cached_property

from django.db.models import F, Q
from django.utils.dateparse import parse_datetime

from alignment.lib.csv import Cell
from dashboards import figures
from dashboards.filters import Filters
from dashboards.metrics.journeys import DATES
from leads.milestones import Milestone
from leads.models import Journey

PAGE = 50
NEWEST = (F("entered_at").desc(nulls_last=True), "-pk")
CHUNK = 2000
FACETS = ("owner", "team", "source", "campaign", "segment", "territory")
HEADER = (
    "Lead", "Name", "E-mail", "Company", "Pass", "Reached", "Stage", "Outcome", "Reason",
    *(milestone.name for milestone in Milestone), "Accepted", "First touch since", "Closed",
    *(facet.capitalize() for facet in FACETS), "Consent", "Do not contact",
)  # fmt: skip


class FigureList:
    """The passes that make a figure, the newest first. Raises FigureError for a figure that does not exist."""

    def __init__(self, asked: Mapping[str, str], filters: Filters, *, at: datetime) -> None:
        self.asked, self.filters = asked, filters
        self.opened = figures.find(asked)
        self.found = self.opened.rows(filters, at)

    @cached_property
    def count(self) -> int:
        """How many there are: the number that led here."""
        return self.found.count()

    @property
    def page(self) -> list[tuple[Journey, date | None]]:
        """The rows of this page, each with the company's date of its entry (None: nobody knows)."""
        calendar = self.filters.calendar
        return [(row, row.entered_at and calendar.today(row.entered_at)) for row in self._rows[:PAGE]]

    @property
    def next(self) -> str:
        """The place where the next page goes on; blank on the last one."""
        return _place(self._rows[PAGE - 1]) if len(self._rows) > PAGE else ""

    @property
    def is_first(self) -> bool:
        return self._after is None

    @property
    def address(self) -> str:
        """Its own address, on the first page."""
        return self.opened.address(self.filters)

    @property
    def back(self) -> str:
        """The page that led here."""
        return self.filters.address("funnel")

    @property
    def said(self) -> str:
        """The filters, in words."""
        when, basis = str(self.filters.period or "All time"), f"{self.filters.basis} basis"
        return ", ".join([when, basis, *self.filters.chosen_names])

    @property
    def _after(self) -> tuple[datetime | None, int] | None:
        """Where this page goes on; None on the first one."""
        moment, _, pk = self.asked.get("after", "").partition("~")
        try:
            entered_at = parse_datetime(moment)
        except ValueError:
            return None
        return (entered_at, int(pk)) if pk.isdecimal() and (entered_at or not moment) else None

    @cached_property
    def _rows(self) -> list[Journey]:
        rows = self.found if self._after is None else self.found.filter(_beyond(*self._after))
        # The page first, then what its rows tell: else all rows are joined before they are sorted.
        page = list(rows.order_by(*NEWEST).values_list("pk", flat=True)[: PAGE + 1])
        related = ("lead__account", "stage", "reason", "source", "owner__team")
        return list(Journey.objects.filter(pk__in=page).select_related(*related).order_by(*NEWEST))

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """All rows, under `HEADER`; read in chunks, so that a long file fits in little memory."""
        rows = self.found.select_related("lead", "stage", "reason", *FACETS).order_by(*NEWEST)
        for journey in rows.iterator(CHUNK):
            yield (
                journey.lead_id, journey.lead.name, journey.lead.email, journey.lead.company_name, journey.pass_no,
                Milestone(journey.reached).name, journey.stage.name, journey.get_outcome_display(),
                _text(journey.reason), *(getattr(journey, column) for column in DATES.values()), journey.accepted_at,
                journey.worked_at, journey.closed_at, *(_text(getattr(journey, facet)) for facet in FACETS),
                journey.lead.get_consent_display(), "yes" if journey.lead.do_not_contact else "",
            )  # fmt: skip


def _place(row: Journey) -> str:
    return f"{row.entered_at.isoformat() if row.entered_at else ''}~{row.pk}"


def _beyond(entered_at: datetime | None, pk: int) -> Q:
    """What comes after this row: undated ones are last."""
    if entered_at is None:
        return Q(entered_at=None, pk__lt=pk)
    return Q(entered_at__lt=entered_at) | Q(entered_at=entered_at, pk__lt=pk) | Q(entered_at=None)


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)
