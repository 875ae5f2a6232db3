"""The promises of the funnel page: what each side promised, what it kept, and how that went week by week."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol, Self

from alignment.lib.periods import Period
from alignment.people.models import Side
from dashboards import charts
from dashboards.charts import Line
from dashboards.filters import Filters
from dashboards.metrics.kept import Kept
from dashboards.metrics.plan import WEEKS_OF_ALL_TIME as WEEKS
from dashboards.metrics.promises import Promises
from dashboards.numbers import ENOUGH, Number
from dashboards.runs import Run

ROOM = 1.2
"""How far beyond value and target the axis of a count goes."""


@dataclass(frozen=True, slots=True)
class Was:
    """The same in the period that this one is compared with: a share of `n`, which opens, or a number a week. `now` is
    the value beside it; None where one of both rests on too few to be compared.
    """

    value: float
    now: float | None
    n: Number | None

    @classmethod
    def share(cls, then: tuple[float | None, Number], now: tuple[float | None, int]) -> Self | None:
        """Shares, each with the number that it is of; None where there was none then."""
        if then[0] is None:
            return None
        return cls(then[0], now[0] if min(then[1].n, now[1]) >= ENOUGH else None, then[1])

    @property
    def text(self) -> str:
        """As people read it."""
        return f"{self.value:.0%}" if self.n else f"{self.value:,.0f}"

    @property
    def unit(self) -> str:
        """What `change` is in."""
        return ("point" if self.change in ("+1", "-1") else "points") if self.n else "a week"

    @property
    def change(self) -> str:
        """How the value changed, with its sign: in points of a share; blank where that is not to be said."""
        if self.now is None:
            return ""
        change = round(self.now * 100) - round(self.value * 100) if self.n else round(self.now) - round(self.value)
        return f"{change:+,}" if change else "±0"


@dataclass(frozen=True, slots=True)
class Bullet:
    """One promise: the `value` that was kept (None: cannot be computed, `why_not` says why) against its `target` (None:
    nothing was promised). A share is `number` ÷ `of`; a count is per week, of `number` in all. `run` says how the last
    weeks went (blank: they could not be judged). `was` is what was kept before; None where nothing is compared.
    """

    title: str
    value: float | None
    target: float | None
    number: Number
    of: Number | None
    why_not: str
    note: str = ""
    note_url: str = ""
    run: str = ""
    was: Was | None = None

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
    def value_text(self) -> str:
        """What was kept, as people read it."""
        return self._text(self.value) or "–"

    @property
    def target_text(self) -> str:
        """What was promised, as people read it; blank where nothing was."""
        return self._text(self.target)

    def _text(self, value: float | None) -> str:
        """Whole, unless value and target would then read the same though one was missed."""
        if value is None:
            return ""
        unit = "%" if self.is_share else "f"
        digits = 1 if self.is_missed and f"{self.value:.0{unit}}" == f"{self.target:.0{unit}}" else 0
        return f"{value:,.{digits}{unit}}"

    @property
    def of_target(self) -> float | None:
        """How much of what was promised was kept; None where that cannot be said."""
        return self.value / self.target if self.value is not None and self.target else None

    def rank(self) -> tuple[bool, bool, float]:
        """How far it is off its target: the furthest is the largest. What rests on few comes behind what does not, and
        what cannot be judged last.
        """
        kept = self.of_target
        return kept is not None, self.of is None or self.of.n >= ENOUGH, -(kept or 0)

    @property
    def is_missed(self) -> bool:
        """Whether less was kept than promised."""
        return self.value is not None and self.target is not None and self.value < self.target


@dataclass(frozen=True, slots=True)
class Week:
    """One week of the chart, with its numbers; `is_over` once nothing more can happen in it."""

    period: Period
    kept: Kept
    answered: float | None
    accepted: float | None
    is_over: bool
    delivered: Number
    judged: Number
    decided: Number


class Measured(Protocol):
    """What was measured of both sides' promises, for what, and when."""

    @property
    def filters(self) -> Filters: ...

    @property
    def at(self) -> datetime: ...

    @property
    def promises(self) -> Promises: ...


class PromiseCard:
    """Read by the templates of the promises."""

    def __init__(self, measured: Measured) -> None:
        self.filters = measured.filters
        self.at = measured.at
        self.promises = measured.promises
        self.kept = measured.promises.kept

    def number(self, n: int, figure: str, argument: str = "") -> Number:
        return Number.of(n, self.filters, f"promises.{figure}", argument)

    # Marketing to sales ---------------------------------------------------------------------------------------

    @cached_property
    def delivered(self) -> Bullet:
        """Of the weeks that have a plan; where none has, of the whole period."""
        plan = self.promises.plan
        title, why_not = "MQLs handed over a week", "Needs a period that has begun."
        if plan.period:
            own = self.filters.with_period(plan.period)
            number = Number.of(plan.delivered, own, "promises.delivered")
            note = f"Kept {plan.kept} of {len(plan.settled)} weeks, four-week mean {plan.lately:,.0f}"
            run = Run.of((float(each.delivered), float(each.planned)) for each in plan.settled[-WEEKS:])
            return Bullet(
                title, plan.per_week, plan.planned_per_week, number, None, why_not, note, number.url, run.text,
                self._delivered_before(plan.per_week),
            )  # fmt: skip
        number = self.number(self.kept.delivered, "delivered")
        return Bullet(
            title, self.promises.per_week, None, number, None, why_not, f"{number.n:,} first passes", number.url,
            was=self._delivered_before(self.promises.per_week),
        )  # fmt: skip

    def _delivered_before(self, now: float | None) -> Was | None:
        before, compared = self.promises.before, self.filters.compared
        if before is None or not before.delivered or compared is None or compared.period is None:
            return None
        return Was(before.delivered * 7 / compared.period.days, now, None)

    def _before(self, share: Callable[[Kept], tuple[float | None, int]], figure: str) -> Was | None:
        """A `share` of so many in the period before, which `figure` opens; None where it cannot be computed."""
        before, compared = self.promises.before, self.filters.compared
        if before is None or compared is None:
            return None
        then, of = share(before)
        return Was.share((then, Number.of(of, compared, f"promises.{figure}")), share(self.kept))

    @property
    def has_plan(self) -> bool:
        """Whether a number of MQLs is agreed for the last week of the period; False for figures of some leads alone."""
        return bool(self.promises.weeks) and self.promises.plan.mqls(self.promises.weeks[-1][0]) is not None

    @cached_property
    def accepted(self) -> Bullet:
        reason = max(self.kept.rejections.items(), key=lambda each: (each[1], -each[0].pk), default=None)
        note, number = "", None
        if reason:
            share = reason[1] / self.kept.rejected
            note = f"Top reject reason: {reason[0].label.lower()}, {share:.0%}"
            number = self.number(reason[1], "reason", str(reason[0].pk))
        return Bullet(
            title="MQLs accepted by sales",
            value=self.kept.acceptance,
            target=self._acceptance,
            number=self.number(self.kept.accepted, "accepted"),
            of=self.number(self.kept.decided, "decided"),
            why_not="Sales has decided about none.",
            note=note,
            note_url=number.url if number else "",
            run=Run.of((week.accepted, self.promises.plan.acceptance(week.period)) for week in self.whole_weeks).text,
            was=self._before(lambda kept: (kept.acceptance, kept.decided), "decided"),
        )

    @property
    def _acceptance(self) -> float | None:
        """What is agreed for the last week of the period that has a plan."""
        plan = self.promises.plan
        agreed = [plan.acceptance(week) for week, _ in self.promises.weeks]
        return next((share for share in reversed(agreed) if share is not None), None)

    # Sales to marketing ---------------------------------------------------------------------------------------

    @cached_property
    def answered(self) -> Bullet:
        run = Run.of((week.answered, self._answered_target) for week in self.whole_weeks)
        return Bullet(
            title="MQLs answered in time",
            value=self.kept.answered.share,
            target=self._answered_target,
            number=self.number(self.kept.answered.met, "met"),
            of=self.number(self.kept.answered.n, "judged"),
            why_not="No answer was due.",
            note=run.text if run.missed > 1 else f"{self.late.n:,} late or overdue",
            note_url="" if run.missed > 1 else self.late.url,
            run=run.text,
        )

    @cached_property
    def reasoned(self) -> Bullet:
        return Bullet(
            title="Rejections with a reason",
            value=self.kept.reasoned_share,
            target=self.promises.target("reasons"),
            number=self.number(self.kept.reasoned, "reasoned"),
            of=self.number(self.kept.rejected, "rejected"),
            why_not="Nothing was rejected.",
            note=f"Of {self.kept.rejected:,} rejections",
            run=Run.of((week.kept.reasoned_share, self.promises.target("reasons")) for week in self.whole_weeks).text,
            was=self._before(lambda kept: (kept.reasoned_share, kept.rejected), "rejected"),
        )

    @property
    def by_side(self) -> Mapping[Side, Sequence[Bullet]]:
        """Marketing's promises to sales, and sales' to marketing."""
        return {Side.MARKETING: [self.delivered, self.accepted], Side.SALES: [self.answered, self.reasoned]}

    @property
    def _answered_target(self) -> float | None:
        return self.promises.target("answered")

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
    def beside(self) -> Mapping[str, Number]:
        """Numbers without a promise, by what they count."""
        return {
            "Answered late, or overdue": self.late,
            "Never answered, overdue now": self.overdue,
            "Accepted, not touched since": self.untouched,
        }

    # Week by week ---------------------------------------------------------------------------------------------

    @cached_property
    def weeks(self) -> Sequence[Week]:
        return [self._week(period, kept) for period, kept in self.promises.weeks]

    @property
    def whole_weeks(self) -> Sequence[Week]:
        """Without the one that is not over: its shares would only tell of its first days."""
        return [week for week in self.weeks if week.is_over]

    def _week(self, period: Period, kept: Kept) -> Week:
        own = self.filters.with_period(period)
        return Week(
            period=period,
            kept=kept,
            answered=kept.answered.share,
            accepted=kept.acceptance,
            is_over=period.instants(self.filters.calendar.zone)[1] <= self.at,
            delivered=Number.of(kept.delivered, own, "promises.delivered"),
            judged=Number.of(kept.answered.n, own, "promises.judged"),
            decided=Number.of(kept.decided, own, "promises.decided"),
        )

    @property
    def has_weeks(self) -> bool:
        """Whether there is anything to draw."""
        return any(week.answered is not None or week.accepted is not None for week in self.whole_weeks)

    @property
    def chart(self) -> Mapping[str, Any]:
        """The last whole weeks, for Plotly."""
        weeks = self.whole_weeks
        return charts.weekly(
            [week.period.first for week in weeks],
            [
                Line("Answered in time", Side.SALES, [week.answered for week in weeks], self.answered.target),
                Line("Accepted by sales", Side.MARKETING, [week.accepted for week in weeks], self.accepted.target),
            ],
        )
