"""The agreement's page as one document: both promises, the arithmetic, definitions, versions, signatures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from alignment.lib.periods import DAY, Period, this_quarter
from alignment.ops.versions import VersionState
from alignment.people.models import Company, Side, User
from leads.conditions import Names
from leads.models import Stage, StageVersion
from leads.stages.pages import Signed
from sla.models import Agreement, PolicySet
from sla.promises import QuarterKept, in_force, so_far
from sla.quarters import FiscalCalendar, Month
from sla.rules import read
from sla.rules_in_words import Told, told
from sla.subjects import Subject, subjects
from sla.terms import ACCEPTED, DEAL, LAG, OPPORTUNITY, RATES, TEXTS, WON, PlanWeek, Rate, Terms

NO_VALUE = "–"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the arithmetic: what is divided by what, what comes out, and where the number comes from."""

    label: str
    by: str
    result: str
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What one version says otherwise than the one before."""

    label: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class PlanMonth:
    """A month of the plan with its weeks; what they promise adds up to `mqls`."""

    period: Period
    weeks: list[PlanWeek]

    @property
    def mqls(self) -> int:
        return sum(week.mqls for week in self.weeks)


@dataclass(frozen=True, slots=True)
class SidePromise:
    """What a side promises of one kind: the rules of the version agreed on; `newer` is one that counts since."""

    subject: Subject
    number: int
    rules: list[Told]
    newer: int | None


@dataclass(frozen=True, slots=True)
class Definition:
    """What a stage means by the version that was agreed on; `newer` is one that counts since."""

    version: StageVersion
    newer: int | None


class AgreementPage:
    """Read by the template; `version` is None where nothing was published for the quarter."""

    def __init__(self, *, user: User, quarter: Period, version: Agreement | None, at: datetime) -> None:
        self.user, self.quarter, self.version, self.at = user, quarter, version, at
        self.company = Company.get()
        self.calendar = FiscalCalendar.of(self.company)
        self.scope = str(quarter.first)
        self.name = self.calendar.name(quarter)
        self.terms = Terms.read(version.body if version else {})

    # Standing -------------------------------------------------------------------------------------------------

    @cached_property
    def versions(self) -> list[Agreement]:
        """All that were published for the quarter, the newest first."""
        found = Agreement.objects.filter(scope=self.scope).exclude(state=VersionState.DRAFT)
        return list(found.select_related("published_by").prefetch_related("signatures").order_by("-number"))

    @cached_property
    def draft(self) -> Agreement | None:
        return Agreement.draft(self.scope)

    @cached_property
    def in_force(self) -> Agreement | None:
        return in_force(self.quarter)

    @property
    def is_in_force(self) -> bool:
        return self.version is not None and self.version == self.in_force

    @property
    def is_draft(self) -> bool:
        return self.version is not None and self.version.is_draft

    @cached_property
    def signatures(self) -> list[Signed]:
        return signatures(self.version)

    @property
    def may_sign(self) -> bool:
        """Whether the user's own signature is missing."""
        if self.version is None or self.version.state != VersionState.PUBLISHED:
            return False
        missing = {each.side for each in self.signatures if each.at is None}
        return bool(missing & set(self.company.sides_headed_by(self.user)))

    @property
    def sides_without_head(self) -> list[Side]:
        return [side for side in Side if side not in self.company.heads]

    @cached_property
    def neighbours(self) -> tuple[Period, Period]:
        """The quarters before and after."""
        start = self.company.fiscal_year_start_month
        return this_quarter(self.quarter.first - DAY, fiscal_start=start), self.calendar.next_quarter(self.quarter)

    def names_of_neighbours(self) -> Iterator[tuple[str, str]]:
        """Address and name of each."""
        for each in self.neighbours:
            yield str(each.first), self.calendar.name(each)

    # Marketing's promise --------------------------------------------------------------------------------------

    @cached_property
    def plan(self) -> list[PlanMonth]:
        """By month: as it was published, or as a draft would be."""
        weeks = self.calendar.weeks(self.quarter)
        planned = {week.first: week for week in self.terms.plan or self.terms.planned(self.quarter, weeks)}
        return [self._month(month, planned) for month in self.calendar.months(self.quarter)] if planned else []

    def _month(self, month: Month, planned: Mapping[date, PlanWeek]) -> PlanMonth:
        return PlanMonth(month.period, [planned[week.first] for week in month.weeks if week.first in planned])

    @property
    def mqls(self) -> int:
        """Those of the whole quarter."""
        return sum(month.mqls for month in self.plan)

    @cached_property
    def so_far(self) -> QuarterKept | None:
        """How the quarter goes; None where nothing is in force, or before it began."""
        if self.in_force is None or not self.is_in_force:
            return None
        kept = so_far(self.quarter, self.at)
        return kept if any(week.elapsed for week in kept.weeks) else None

    @property
    def lag(self) -> Rate:
        """Days from MQL to won, as agreed."""
        return self.terms.rate(LAG)

    @cached_property
    def arithmetic(self) -> list[Step]:
        """From the revenue target to MQLs; empty while a number is not known."""
        terms, needed, aim = self.terms, self.terms.need(self.quarter), self.terms.aim()
        if needed is None or aim is None:
            return []
        in_time = aim.in_time(self.quarter)
        before_share = needed.revenue / Fraction(aim.share)
        return [
            Step("Revenue target of the quarter", "", self._money(aim.target)),
            Step(
                "What its MQLs bring by then",
                f"{float(in_time):.0%} won in it, the rest towards {self._money(aim.next_target)} of the next quarter",
                self._money(before_share), terms.rate(LAG),
            ),
            Step("Marketing’s part", f"× {percent(aim.share)}", self._money(needed.revenue)),
            Step("Deals", f"÷ {self._money(terms.rate(DEAL).value)} a deal", count(needed.deals), terms.rate(DEAL)),
            Step("Opportunities (SQO)", f"÷ {percent(terms.rate(WON).value)} won", count(needed.sqos), terms.rate(WON)),
            Step(
                "Accepted leads (SQL)", f"÷ {percent(terms.rate(OPPORTUNITY).value)} SQL → SQO", count(needed.sqls),
                terms.rate(OPPORTUNITY),
            ),
            Step(
                "MQLs", f"÷ {percent(terms.rate(ACCEPTED).value)} MQL → SQL", f"{count(needed.exact_mqls)}",
                terms.rate(ACCEPTED),
            ),
            Step("Promised", "rounded up", f"{needed.mqls:,}"),
        ]  # fmt: skip

    def _money(self, amount: Decimal | Fraction | None) -> str:
        return NO_VALUE if amount is None else f"{float(amount):,.0f} {self.company.currency}"

    # Rules that are promised, and definitions ---------------------------------------------------------------------

    @property
    def sales(self) -> list[SidePromise]:
        """What sales answers by."""
        return [each for each in self.rules if Side.SALES in each.subject.sides]

    @property
    def marketing(self) -> list[SidePromise]:
        """What marketing answers by, beside its plan."""
        return [each for each in self.rules if Side.MARKETING in each.subject.sides]

    @cached_property
    def rules(self) -> list[SidePromise]:
        """The rules that were agreed on; those that count today where nothing was published yet."""
        counting = {each.scope: each for each in PolicySet.objects.filter(state=VersionState.PUBLISHED)}
        agreed = PolicySet.objects.filter(pk__in=self.terms.policies) if self.terms.policies else counting.values()
        by_kind = {each.scope: each for each in agreed}
        names = Names()
        return [
            SidePromise(
                subject,
                each.number,
                told(read(each.body), names, subject.noun),
                _newer(each.number, counting.get(subject.kind)),
            )
            for subject in subjects()
            if (each := by_kind.get(subject.kind))
        ]

    @cached_property
    def definitions(self) -> list[Definition]:
        """In the order of the stages."""
        order = {key: at for at, key in enumerate(Stage.objects.order_by("position").values_list("key", flat=True))}
        counting = {each.scope: each for each in StageVersion.objects.filter(state=VersionState.PUBLISHED)}
        in_use = set(Stage.objects.in_use().values_list("key", flat=True))
        agreed = (
            StageVersion.objects.filter(pk__in=self.terms.stages)
            if self.terms.stages
            else [each for key, each in counting.items() if key in in_use]
        )
        found = sorted(agreed, key=lambda each: order.get(each.scope, 0))
        return [Definition(each, _newer(each.number, counting.get(each.scope))) for each in found]

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Heading and words of each text that somebody wrote, but the purpose, which opens the document."""
        return [
            (label, text) for key, label in TEXTS.items() if key != "purpose" and (text := self.terms.texts.get(key))
        ]

    # Versions -------------------------------------------------------------------------------------------------

    @cached_property
    def history(self) -> list[tuple[Agreement, list[Signed], list[Change]]]:
        """Each version with its signatures, and what it changed in the one before."""
        earlier = [*self.versions[1:], None]
        return [
            (each, signatures(each), self.changes(Terms.read(before.body), Terms.read(each.body)) if before else [])
            for each, before in zip(self.versions, earlier, strict=True)
        ]

    @cached_property
    def changes_of_draft(self) -> list[Change]:
        """What the draft would change in the newest version."""
        return self.changes(Terms.read(self.versions[0].body), self.terms) if self.versions else []

    def changes(self, was: Terms, now: Terms) -> list[Change]:
        """Line by line, in words."""
        before, after = self._lines(was), self._lines(now)
        return [Change(label, before[label], text) for label, text in after.items() if before[label] != text]

    def _lines(self, terms: Terms) -> dict[str, str]:
        weeks = self.calendar.weeks(self.quarter)
        plan = terms.plan or terms.planned(self.quarter, weeks)
        lines = {
            "Revenue target": self._money(terms.target),
            "Target of the next quarter": self._money(terms.next_target or terms.target),
            "Marketing’s part": percent(terms.share),
            **{label: self._rate(key, terms.rate(key)) for key, label in RATES.items()},
            "MQLs of the quarter": f"{sum(week.mqls for week in plan):,}",
            "MQLs by week": ", ".join(f"{week.mqls:,}" for week in plan) or NO_VALUE,
            "Promised quality": percent(terms.quality),
            "Leads for each rep and working day": f"{terms.per_rep:,}" if terms.per_rep else "No limit",
            "Reviewed on": f"{terms.review_on:%-d %B %Y}" if terms.review_on else NO_VALUE,
        }
        return lines | {label: terms.texts.get(key) or NO_VALUE for key, label in TEXTS.items()}

    def _rate(self, key: str, rate: Rate) -> str:
        if rate.value is None:
            return NO_VALUE
        if key == DEAL:
            return self._money(rate.value)
        return f"{rate.value:.0f}" if key == LAG else percent(rate.value)


def signatures(version: Agreement | None) -> list[Signed]:
    """One for each side."""
    by_side = {row.side: row for row in version.signatures.all()} if version else {}
    rows = [(side, by_side.get(side)) for side in Side]
    return [Signed(side, row.signer_name if row else None, row.signed_at if row else None) for side, row in rows]


def percent(share: Decimal | None) -> str:
    """As people read it: 0.255 is 25.5 %."""
    return NO_VALUE if share is None else f"{float(share) * 100:.4g} %"


def count(number: Fraction) -> str:
    """With one decimal, where it has any."""
    return f"{float(number):,.1f}".removesuffix(".0")


def _newer(number: int, counting: PolicySet | StageVersion | None) -> int | None:
    return counting.number if counting and counting.number > number else None
