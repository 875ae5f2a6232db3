"""What a dashboard is asked for: read from an address, checked, and written back into one."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date

from alignment.lib import periods
from alignment.lib.periods import Period
from alignment.people.models import Company
from dashboards.options import FACETS, Choice, Facet, Options
from leads.milestones import Milestone
from leads.models import Lead, Opportunity, TargetAccount
from leads.models.opportunity import DealKind


class Basis(StrEnum):
    """Which journeys a period holds: those that entered in it (a cohort), or each number's own events in it."""

    COHORT = "cohort"
    PERIOD = "period"


class Span(StrEnum):
    """How the period was chosen. All but `dates` move with today."""

    YEAR = "12m"
    NINETY_DAYS = "90d"
    QUARTER = "quarter"
    LAST_QUARTER = "last_quarter"
    ALL = "all"
    DATES = "dates"


class Passes(StrEnum):
    """Whether leads that came back count."""

    ALL = "all"
    FIRST = "first"
    RETURNING = "returning"


class Deals(StrEnum):
    """What is being sold."""

    NEW = "new"
    ALL = "all"


class Accounts(StrEnum):
    """Whether only target accounts count, or all but these."""

    ALL = "all"
    TARGET = "target"
    OTHERS = "others"


class Compare(StrEnum):
    """Which period stands beside the one that is asked for: as many days right before it, or 52 weeks before."""

    BEFORE = "before"
    YEAR = "year"
    NONE = "none"


class Anchor(StrEnum):
    """The date that makes a journey part of a cohort: its first dated milestone, or a certain one."""

    FIRST = "first"
    MGL = "mgl"
    MQL = "mql"
    SQL = "sql"
    SQO = "sqo"
    WON = "won"

    @property
    def milestone(self) -> Milestone | None:
        """The chosen milestone; None for the first dated one."""
        return None if self is Anchor.FIRST else Milestone[self.name]

    @property
    def column(self) -> str:
        """The journey's date."""
        return "entered_at" if self is Anchor.FIRST else f"{self}_at"

    @property
    def is_indexed(self) -> bool:
        """Whether an index finds the journeys of a window of this date."""
        return self in (Anchor.FIRST, Anchor.MQL)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The company's: in it dates become instants, and figures are cut into weeks, months and quarters."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    week_starts_on: int = 1
    fiscal_start: int = 1

    @classmethod
    def of(cls, company: Company) -> Self:
        """The calendar of `company`."""
        return cls(ZoneInfo(company.time_zone), company.week_start, company.fiscal_year_start_month)

    def today(self, at: datetime) -> date:
        """The company's date at the instant `at`."""
        return timezone.localdate(at, self.zone)


WEEKS_OF_YEAR = 52
"""So that weekdays meet weekdays."""


class FilterError(ValueError):
    """An address that asks for something that does not exist; `messages` are sentences for people."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Filters:
    """What figures are about. `period` None: all time, and only then undated journeys count. `by`: the facet that they
    are also grouped by.
    """

    calendar: Calendar = field(default_factory=Calendar)
    span: Span = Span.ALL
    period: Period | None = None
    basis: Basis = Basis.COHORT
    anchor: Anchor = Anchor.FIRST
    passes: Passes = Passes.ALL
    deals: Deals = Deals.NEW
    accounts: Accounts = Accounts.ALL
    by: Facet = Facet.SOURCE
    compare: Compare = Compare.BEFORE
    facets: Mapping[Facet, Choice] = field(default_factory=dict)

    @classmethod
    def parse(cls, given: Mapping[str, str], *, options: Options, calendar: Calendar, at: datetime) -> Self:
        """Read `given` parameters; those it does not know belong to somebody else. Raises FilterError."""
        errors: list[str] = []

        def read(name: str, kind: type[StrEnum], default: StrEnum) -> Any:
            try:
                return kind(given.get(name) or default)
            except ValueError:
                errors.append(f"“{given[name]}” is no {name}: choose {', '.join(kind)}.")
                return default

        has_dates = bool(given.get("from") or given.get("to"))
        span = read("period", Span, Span.DATES if has_dates else Span.YEAR)
        period = None
        try:
            period = _period(given, span, calendar, calendar.today(at))
        except ValueError as error:
            errors.append(str(error))
        filters = cls(
            calendar=calendar,
            span=span,
            period=period,
            basis=read("basis", Basis, Basis.COHORT),
            anchor=read("anchor", Anchor, Anchor.FIRST),
            passes=read("passes", Passes, Passes.ALL),
            deals=read("deals", Deals, Deals.NEW),
            accounts=read("accounts", Accounts, Accounts.ALL),
            by=read("by", Facet, Facet.SOURCE),
            compare=read("compare", Compare, Compare.BEFORE),
            facets=_facets(given, options, errors),
        )
        if errors:
            raise FilterError(errors)
        return filters

    def with_period(self, period: Period) -> Self:
        """The same for these dates."""
        return replace(self, span=Span.DATES, period=period)

    @property
    def compared(self) -> Self | None:
        """The same for the period that this one is compared with; None where there is none."""
        if self.period is None or self.compare == Compare.NONE:
            return None
        other = self.period.before() if self.compare == Compare.BEFORE else self.period.earlier(weeks=WEEKS_OF_YEAR)
        return replace(self.with_period(other), compare=Compare.NONE) if other else None

    def with_facet(self, choice: Choice) -> Self:
        """The same for one value of a facet."""
        return replace(self, facets={**self.facets, Facet(choice.facet): choice})

    @property
    def query(self) -> str:
        """What an address says, without the usual: `from=2017-06-01&to=2018-05-31&source=organic_search`."""
        asked: dict[str, str] = {}
        if self.span == Span.DATES and self.period:
            asked |= {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}
        elif self.span != Span.YEAR:
            asked["period"] = self.span
        usual = Filters()
        asked |= {
            name: getattr(self, name)
            for name in ("basis", "anchor", "passes", "deals", "accounts", "by", "compare")
            if getattr(self, name) != getattr(usual, name)
        }
        asked |= {facet: self.facets[facet].key for facet in FACETS if facet in self.facets}
        return urlencode(asked)

    def address(self, page: str, *more: str) -> str:
        """The address of the page of this URL name under these filters, and what else it is asked."""
        query = "&".join(filter(None, (self.query, *more)))
        return f"{reverse(page)}?{query}" if query else reverse(page)

    @property
    def question(self) -> Hashable:
        """What is asked, the days and the calendar that it means today included."""
        return self.query, self.period, self.calendar

    @property
    def passes_text(self) -> str:
        """Which passes are counted."""
        return {Passes.ALL: "passes", Passes.FIRST: "first passes", Passes.RETURNING: "returning passes"}[self.passes]

    @property
    def chosen_names(self) -> list[str]:
        """The chosen values of facets, and whose accounts."""
        accounts = {Accounts.TARGET: ["target accounts"], Accounts.OTHERS: ["no target accounts"]}
        return [choice.name for choice in self.facets.values()] + accounts.get(self.accounts, [])

    @property
    def instants(self) -> tuple[datetime, datetime] | None:
        """Begin (included) and end (not included) of the period; None for all time."""
        return self.period.instants(self.calendar.zone) if self.period else None

    @property
    def meant(self) -> Hashable:
        """What `conditions` and `whose` hang on."""
        return (
            self.passes,
            self.deals,
            self.accounts,
            frozenset((facet, self.facets[facet].pk) for facet in self.facets),
        )

    def conditions(self) -> Q:
        """The journeys that are meant, whatever the period."""
        if self.deals == Deals.ALL:
            return self.whose()
        others = Opportunity.objects.exclude(kind=DealKind.NEW).values("pk")
        return self.whose() & ~Q(opportunity__in=others)

    def whose(self, journey: str = "") -> Q:
        """The same whatever is being sold; `journey` is the prefix of a joined one (`journey__`). Empty for all."""
        meant = Q(**{f"{journey}{facet}": choice.pk for facet, choice in self.facets.items()})
        if self.passes != Passes.ALL:
            first = Q(**{f"{journey}pass_no": 1})
            meant &= first if self.passes == Passes.FIRST else ~first
        if self.accounts != Accounts.ALL:
            listed = TargetAccount.objects.filter(removed_at=None).values("account")
            target = Q(**{f"{journey}lead__in": Lead.objects.filter(account__in=listed).values("pk")})
            meant &= target if self.accounts == Accounts.TARGET else ~target
        return meant


def _period(given: Mapping[str, str], span: Span, calendar: Calendar, today: date) -> Period | None:
    match span:
        case Span.YEAR:
            return periods.last_months(today, 12)
        case Span.NINETY_DAYS:
            return periods.last_days(today, 90)
        case Span.QUARTER:
            return periods.this_quarter(today, fiscal_start=calendar.fiscal_start)
        case Span.LAST_QUARTER:
            return periods.last_quarter(today, fiscal_start=calendar.fiscal_start)
        case Span.ALL:
            return None
    return Period(_day(given.get("from", ""), "first"), _day(given.get("to", ""), "last"))


def _day(text: str, which: str) -> date:
    if not text:
        raise ValueError(f"Choose the {which} day too.")
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise ValueError(f"“{text}” is not a date such as 2018-05-31.")
    return day


def _facets(given: Mapping[str, str], options: Options, errors: list[str]) -> dict[Facet, Choice]:
    chosen = {}
    for facet in FACETS:
        if key := given.get(facet):
            choice = options.find(facet, key)
            if choice:
                chosen[facet] = choice
            else:
                errors.append(f"There is no {facet} “{key}”.")
    return chosen
