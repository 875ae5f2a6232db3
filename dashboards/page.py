"""What the funnel page shows of a report: every number with the address that it opens, every length as an attribute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from alignment.lib.periods import Period
from alignment.people.models import Side
from dashboards import charts
from dashboards.charts import Spark
from dashboards.filters import Basis
from dashboards.metrics.cells import AGES, Tally
from dashboards.metrics.funnel import Group, Step, ratio
from dashboards.metrics.speed import Stay
from dashboards.numbers import ENOUGH, Number
from dashboards.options import Options
from dashboards.promise_card import PromiseCard
from dashboards.report import Report
from leads.milestones import Milestone, Outcome

MOST_GROUPS = 7
MOST_COHORTS = 7
LONGEST_QUARTER = 92
"""Days."""

STEP_NAMES = {
    Milestone.MGL: "qualification",
    Milestone.MQL: "the hand-off",
    Milestone.SQL: "the way to an opportunity",
    Milestone.SQO: "closing",
}
OUTCOME_NAMES = {
    Outcome.REJECTED: "rejected",
    Outcome.RECYCLED: "recycled",
    Outcome.LOST: "lost",
    Outcome.ATTACHED: "joined a deal",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One milestone of the funnel. `step` leads to it (None for the first); `losses` are what became of the others.

    `bar` and `ghost` are lengths: those that got here, and those that got to the milestone before.
    """

    milestone: Milestone
    side: Side
    reached: Number
    bar: str
    ghost: str
    step: Step | None
    change: float | None
    losses: Sequence[Number]
    stay: Stay | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step in the table of the funnel."""

    step: Step
    stay: Stay
    entered: Number
    went_on: Number
    lost: Sequence[Number]
    attached: Number
    still_open: Number
    stuck: Number


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One part of the period; `nurture` is what nurture held at its end."""

    name: str
    qualified: Number
    won: Number
    rate: float | None
    nurture: Number


@dataclass(frozen=True, slots=True)
class CohortRow:
    """One cohort. A cell is a share, its number and a step of the heat ramp; None while the cohort is too young."""

    name: str
    entered: Number
    cells: Sequence[tuple[float | None, Number, int] | None]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One value of a facet: MQLs, customers, rate and its place on the axis. `is_low`: below average beyond chance."""

    name: str
    qualified: Number
    won: Number
    rate: float | None
    place: str
    is_low: bool


class FunnelPage:
    """Read by the templates of the funnel."""

    ages = AGES

    def __init__(self, report: Report, options: Options) -> None:
        self.report = report
        self.filters = report.filters
        self.funnel = report.funnel
        self.options = options
        self.promises = PromiseCard(report)
        self.is_cohort = report.filters.basis == Basis.COHORT

    def number(self, n: int, figure: str, argument: str = "", label: str = "") -> Number:
        return Number.of(n, self.filters, figure, argument, label)

    # What it is about -----------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return self.filters.address("funnel")

    @property
    def file_address(self) -> str:
        return self.filters.address("funnel", "format=csv")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show: nobody entered, and nothing happened."""
        return not self.funnel.n and not self.qualified.n and not self.won.n

    @property
    def period_text(self) -> str:
        return str(self.filters.period or "All time")

    @property
    def entry_text(self) -> str:
        """When, as the end of a sentence."""
        return f"in {self.filters.period}" if self.filters.period else "at any time"

    @property
    def passes_text(self) -> str:
        return self.filters.passes_text

    @property
    def chosen_names(self) -> list[str]:
        return self.filters.chosen_names

    @property
    def before_text(self) -> str:
        """What changes are measured against."""
        return "vs before at the same age" if self.is_cohort else "vs the period before"

    # The sentence on top --------------------------------------------------------------------------------------

    @property
    def entered(self) -> Number:
        return self.number(self.funnel.n, "funnel.entered")

    @property
    def undated(self) -> Number:
        return self.number(self.funnel.undated, "funnel.undated")

    @property
    def qualified(self) -> Number:
        return self.number(self.funnel.counts.reached(Milestone.MQL), "funnel.reached", "MQL")

    @property
    def won(self) -> Number:
        return self.number(self.funnel.counts.reached(Milestone.WON), "funnel.reached", "WON")

    @property
    def won_rate(self) -> float | None:
        """Won ÷ MQL; None without MQLs."""
        return ratio(self.won.n, self.qualified.n)

    @cached_property
    def leak(self) -> StepRow | None:
        """The step with the highest drop-off rate, of those that enough journeys took; None without drop-off."""
        leaking = [row for row in self.steps if row.step.entered >= ENOUGH and row.step.drop_off]
        return max(leaking, key=lambda row: row.step.drop_off_rate or 0, default=None)

    @property
    def waiting(self) -> StepRow | None:
        """The step before which most are still open; None where nobody is."""
        return max((row for row in self.steps if row.still_open.n), key=lambda row: row.still_open.n, default=None)

    @property
    def leak_parts(self) -> list[Number]:
        """What that drop-off is made of."""
        return [number for number in self.leak.lost if number.n] if self.leak else []

    @property
    def leak_name(self) -> str:
        return STEP_NAMES[self.leak.step.start] if self.leak else ""

    @property
    def leaks_by_count_too(self) -> bool:
        """Whether the step that leaks most by rate also does by count."""
        return self.leak is not None and self.leak.step.drop_off == max(row.step.drop_off for row in self.steps)

    @property
    def dropped(self) -> Number | None:
        if self.leak is None:
            return None
        return self.number(self.leak.step.drop_off, "funnel.dropped", self.leak.step.name)

    # Key figures ----------------------------------------------------------------------------------------------

    @property
    def won_change(self) -> int | None:
        """Customers more than in the period before; None where that one has too few leads to compare with."""
        before = self.report.before
        return self.won.n - before[Milestone.WON] if before and before[Milestone.MQL] >= ENOUGH else None

    @property
    def won_rate_change(self) -> float | None:
        """The rate minus the one of the period before; None where one of them rests on too few."""
        before = self.report.before
        if self.won_rate is None or not before or min(self.qualified.n, before[Milestone.MQL]) < ENOUGH:
            return None
        return self.won_rate - before[Milestone.WON] / before[Milestone.MQL]

    @property
    def nurture(self) -> Number:
        return self.number(self.report.nurture.now, "nurture.now")

    @property
    def nurture_due(self) -> Number:
        return self.number(self.report.nurture.due, "nurture.due")

    @cached_property
    def trend(self) -> list[TrendRow]:
        """The key figures by part of the period, each on the basis of the page."""
        parts = zip(self.funnel.frame.parts, self.funnel.parts, self.report.nurture.balances, strict=True)
        return [self._trend(period, counts, balance) for period, counts, balance in parts]

    def _trend(self, period: Period, counts: Tally, balance: int) -> TrendRow:
        own = self.filters.with_period(period)
        qualified, won = counts.reached(Milestone.MQL), counts.reached(Milestone.WON)
        return TrendRow(
            name=str(period),
            qualified=Number.of(qualified, own, "funnel.reached", "MQL"),
            won=Number.of(won, own, "funnel.reached", "WON"),
            rate=ratio(won, qualified),
            nurture=Number.of(balance, own, "nurture.held"),
        )

    @cached_property
    def sparks(self) -> dict[str, Spark | None]:
        """The trend lines of the key figures: by part of the period, promises by week."""
        weeks = self.promises.whole_weeks
        return {
            "won": charts.spark([row.won.n for row in self.trend]),
            "won_rate": charts.spark([row.rate for row in self.trend]),
            "answered": charts.spark([week.answered for week in weeks]),
            "untouched": charts.spark([week.kept.untouched for week in weeks]),
            "nurture": charts.spark([row.nurture.n for row in self.trend]),
        }

    # The funnel -----------------------------------------------------------------------------------------------

    @cached_property
    def rows(self) -> list[Row]:
        counts = self.funnel.counts
        most = max(counts.reached(milestone) for milestone in Milestone)
        return [self._row(milestone, most) for milestone in Milestone]

    def _row(self, milestone: Milestone, most: int) -> Row:
        reached = self.funnel.counts.reached(milestone)
        step = Step.of(self.funnel.counts, Milestone(milestone - 1)) if milestone > Milestone.MGL else None
        return Row(
            milestone=milestone,
            side=Side.MARKETING if milestone <= Milestone.MQL else Side.SALES,
            reached=self.number(reached, "funnel.reached", milestone.name),
            bar=charts.length(reached, most),
            # On the period basis those before are others: there is nothing that was lost.
            ghost=charts.length(step.entered, most) if step and self.is_cohort else "0%",
            step=step,
            change=self._change(step),
            losses=[each for each in self._losses(step) if each.n] if step else [],
            stay=self.report.stays.get(milestone),
        )

    def _losses(self, step: Step) -> Iterator[Number]:
        for outcome, n in (*step.lost.items(), (Outcome.ATTACHED, step.attached)):
            yield self.number(n, f"funnel.{outcome}", step.name, OUTCOME_NAMES[Outcome(outcome)])
        yield self.number(step.still_open, "funnel.open", step.name, "still open")

    def _change(self, step: Step | None) -> float | None:
        """The step rate minus the one before; None where one of them rests on too few."""
        before = self.report.before
        if not step or not before or min(step.entered, before[step.start]) < ENOUGH:
            return None
        return (step.rate or 0) - before[step.end] / before[step.start]

    @cached_property
    def steps(self) -> list[StepRow]:
        return [self._step(step, self.report.stays[step.start]) for step in self.funnel.steps]

    def _step(self, step: Step, stay: Stay) -> StepRow:
        *lost, attached, still_open = self._losses(step)
        return StepRow(
            step=step,
            stay=stay,
            entered=self.number(step.entered, "funnel.reached", step.start.name),
            went_on=self.number(step.went_on, "funnel.reached", step.end.name),
            lost=lost,
            attached=attached,
            still_open=still_open,
            stuck=self.number(stay.stuck, "funnel.stuck", step.name),
        )

    # Cohorts and groups ---------------------------------------------------------------------------------------

    @cached_property
    def cohorts(self) -> list[CohortRow]:
        """The cohorts of the period, whichever basis the counts have."""
        shares = [share for cohort in self.report.cohorts for share in cohort.shares if share is not None]
        most = max(shares, default=0.0)
        rows = []
        for cohort in self.report.cohorts:
            own = replace(self.filters.with_period(cohort.period), basis=Basis.COHORT)
            cells = [
                None
                if won is None
                else (share, Number.of(won, own, "funnel.won_within", str(days)), charts.heat(share, most))
                for days, won, share in zip(AGES, cohort.won, cohort.shares, strict=True)
            ]
            entered = Number.of(cohort.n, own, "funnel.entered")
            rows.append(CohortRow(_cohort_name(cohort.period), entered, cells))
        return rows

    @cached_property
    def first_cohorts(self) -> list[CohortRow]:
        """The newest of those that somebody entered and that are old enough to tell anything; where none is, the
        newest.
        """
        telling = [row for row in self.cohorts if row.entered.n and any(row.cells)]
        return (telling or self.cohorts)[-MOST_COHORTS:]

    @property
    def other_cohorts(self) -> list[CohortRow]:
        return [row for row in self.cohorts if row not in self.first_cohorts]

    @cached_property
    def groups(self) -> list[GroupRow]:
        return [self._group(group) for group in self.funnel.groups]

    @property
    def first_groups(self) -> list[GroupRow]:
        return self.groups[:MOST_GROUPS]

    @property
    def other_groups(self) -> list[GroupRow]:
        return self.groups[MOST_GROUPS:]

    @cached_property
    def axis_end(self) -> float:
        """Where the axis of the groups ends: a little beyond the highest rate."""
        rates = [group.rate(Milestone.MQL, Milestone.WON) or 0 for group in self.funnel.groups]
        return max([*rates, self.won_rate or 0], default=0) * 1.08

    @property
    def average_place(self) -> str:
        """Where on that axis their average lies."""
        return charts.length(self.won_rate or 0, self.axis_end)

    def _group(self, group: Group) -> GroupRow:
        choice = self.options.of(self.filters.by, group.pk)
        own = self.filters.with_facet(choice)
        qualified, won = (group.counts.reached(each) for each in (Milestone.MQL, Milestone.WON))
        rate = ratio(won, qualified)
        highest = charts.likely_most(won, qualified)
        return GroupRow(
            name=choice.name,
            qualified=Number.of(qualified, own, "funnel.reached", "MQL"),
            won=Number.of(won, own, "funnel.reached", "WON"),
            rate=rate,
            place=charts.length(rate or 0, self.axis_end),
            is_low=self.is_cohort and self.won_rate is not None and highest < self.won_rate,
        )


def _cohort_name(period: Period) -> str:
    """When it began: `Mar 26`; `2017` for a year."""
    is_year = period.days > LONGEST_QUARTER and period.first.year == period.last.year
    return f"{period.first:%Y}" if is_year else f"{period.first:%b %y}"
