"""The promises of the funnel page: what each side promised, what it kept, and how that went week by week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

from alignment.lib.periods import Period
from alignment.people.models import Side
from dashboards import charts
from dashboards.charts import Line
from dashboards.metrics.promises import Kept, Reasoned
from dashboards.numbers import Number
from dashboards.report import Report

ROOM = 1.2
"""How far beyond value and target the axis of a count goes."""


@dataclass(frozen=True, slots=True)
class Bullet:
    """One promise: the `value` that was kept (None: cannot be computed, `why_not` says why) against its `target` (None:
    nothing was promised). A share is `number` ÷ `of`; a count is per week, of `number` in all.
    """

    title: str
    value: float | None
    target: float | None
    number: Number
    of: Number | None
    why_not: str

    @property
    def is_share(self) -> bool:
        return self.of is not None

    @property
    def end(self) -> float:
        """Where the axis ends."""
        return 1 if self.is_share else max(self.value or 0, self.target or 0) * ROOM

    @property
    def bar(self) -> str:
        """The length of what was kept."""
        return charts.length(self.value or 0, self.end)

    @property
    def tick(self) -> str | None:
        """Where the target lies; None where nothing was promised."""
        return charts.length(self.target, self.end) if self.target is not None else None

    @property
    def is_missed(self) -> bool:
        """Whether less was kept than promised."""
        return self.value is not None and self.target is not None and self.value < self.target


@dataclass(frozen=True, slots=True)
class Week:
    """One week of the chart, with its numbers; `is_over` once nothing more can happen in it."""

    period: Period
    kept: Kept
    is_over: bool
    delivered: Number
    judged: Number
    decided: Number


class PromiseCard:
    """Read by the templates of the promises."""

    def __init__(self, report: Report) -> None:
        self.filters = report.filters
        self.at = report.at
        self.promises = report.promises
        self.kept = report.promises.kept

    def number(self, n: int, figure: str, argument: str = "") -> Number:
        return Number.of(n, self.filters, f"promises.{figure}", argument)

    def share(self, key: str, title: str, value: float | None, part: Number, of: Number, why_not: str) -> Bullet:
        return Bullet(title, value, self.promises.target(key), part, of, why_not)

    # Marketing to sales ---------------------------------------------------------------------------------------

    @cached_property
    def delivered(self) -> Bullet:
        return Bullet(
            title="MQLs handed over a week",
            value=self.promises.per_week,
            target=self.promises.target("mqls_per_week"),
            number=self.number(self.kept.delivered, "delivered"),
            of=None,
            why_not="Needs a period that has begun.",
        )

    @cached_property
    def accepted(self) -> Bullet:
        part = self.number(self.kept.accepted, "accepted")
        decided = self.number(self.kept.decided, "decided")
        why_not = "Sales has decided about none."
        return self.share("acceptance", "MQLs accepted by sales", self.kept.acceptance, part, decided, why_not)

    @property
    def top_reason(self) -> tuple[Reasoned, Number, float] | None:
        """The most frequent reason of rejections, and its share of them; None without any."""
        if not self.kept.rejections:
            return None
        reason, n = max(self.kept.rejections.items(), key=lambda each: (each[1], -each[0].pk))
        return reason, self.number(n, "reason", str(reason.pk)), n / self.kept.rejected

    # Sales to marketing ---------------------------------------------------------------------------------------

    @cached_property
    def answered(self) -> Bullet:
        part = self.number(self.kept.answered.met, "met")
        judged = self.number(self.kept.answered.n, "judged")
        return self.share("answered", "MQLs answered in time", self.kept.answered.share, part, judged, "None was due.")

    @cached_property
    def reasoned(self) -> Bullet:
        part = self.number(self.kept.reasoned, "reasoned")
        rejected = self.number(self.kept.rejected, "rejected")
        why_not = "None was rejected."
        return self.share("reasons", "Rejections with a reason", self.kept.reasoned_share, part, rejected, why_not)

    @property
    def late(self) -> Number:
        return self.number(self.kept.answered.breached, "breached")

    @property
    def overdue(self) -> Number:
        return self.number(self.promises.overdue, "overdue")

    @property
    def untouched(self) -> Number:
        return self.number(self.kept.untouched, "untouched")

    @property
    def weeks_missed(self) -> int:
        """For how many whole weeks in a row, up to the last, fewer were answered in time than promised."""
        target = self.answered.target
        over = (week.kept.answered.share for week in reversed(self.weeks) if week.is_over)
        return len(list(takewhile(lambda share: share is not None and target is not None and share < target, over)))

    # Week by week ---------------------------------------------------------------------------------------------

    @cached_property
    def weeks(self) -> Sequence[Week]:
        return [self._week(period, kept) for period, kept in self.promises.weeks]

    def _week(self, period: Period, kept: Kept) -> Week:
        own = self.filters.with_period(period)
        return Week(
            period=period,
            kept=kept,
            is_over=period.instants(self.filters.calendar.zone)[1] <= self.at,
            delivered=Number.of(kept.delivered, own, "promises.delivered"),
            judged=Number.of(kept.answered.n, own, "promises.judged"),
            decided=Number.of(kept.decided, own, "promises.decided"),
        )

    @property
    def chart(self) -> Mapping[str, Any]:
        """The last weeks, for Plotly."""
        answered = [week.kept.answered.share for week in self.weeks]
        accepted = [week.kept.acceptance for week in self.weeks]
        return charts.weekly(
            [week.period.first for week in self.weeks],
            [
                Line("Answered in time", Side.SALES, answered, self.answered.target),
                Line("Accepted by sales", Side.MARKETING, accepted, self.accepted.target),
            ],
        )
