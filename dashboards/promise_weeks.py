"""Twelve weeks of one promise: a small chart, and the same numbers as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor

from alignment.lib.periods import Period
from alignment.people.models import Side
from dashboards import charts
from dashboards.numbers import Number
from dashboards.runs import Run

HEADROOM = 1.08
"""How far beyond the highest value the axis of a count goes."""


@dataclass(frozen=True, slots=True)
class Week:
    """One week: what was kept (None: nothing to judge) against what was promised (None: nothing). A share is that of
    `of`; a count is `number` itself. `is_over` once nothing more can happen in it.
    """

    period: Period
    value: float | None
    target: float | None
    number: Number
    of: Number | None
    is_over: bool

    @property
    def is_missed(self) -> bool | None:
        """Whether less was kept than promised; None while that is not known, or where there is no promise."""
        if not self.is_over or self.value is None or self.target is None:
            return None
        return self.value < self.target


@dataclass(frozen=True, slots=True)
class Mark:
    """A week in the chart; lengths and places are SVG attributes. `x` is its middle, `left` its left edge."""

    week: Week
    x: str
    left: str
    width: str
    y: str
    height: str
    target_y: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One promise week by week, the week that is not over last. `is_share`: percentages in a line; else bars."""

    key: str
    title: str
    side: Side
    weeks: Sequence[Week]
    is_share: bool

    @property
    def whole(self) -> list[Week]:
        """Without the week that is not over."""
        return [week for week in self.weeks if week.is_over]

    @property
    def is_empty(self) -> bool:
        return all(week.value is None for week in self.whole)

    @property
    def last(self) -> Week | None:
        """The last whole week with a value."""
        return next((week for week in reversed(self.whole) if week.value is not None), None)

    @property
    def run(self) -> Run:
        """How these weeks went."""
        return Run.of((week.value, week.target) for week in self.whole)

    def text(self, value: float | None) -> str:
        """A value as people read it."""
        if value is None:
            return "–"
        return f"{value:.0%}" if self.is_share else f"{value:,.0f}"

    @property
    def last_text(self) -> str:
        return self.text(self.last.value) if self.last else "–"

    @property
    def low(self) -> float:
        """Where the axis begins: bars at nothing, lines at a whole tenth below all."""
        shown = self._shown
        return max(0, floor(min(shown, default=0) * 10) / 10 - 0.1) if self.is_share else 0

    @property
    def high(self) -> float:
        """Where the axis ends."""
        return 1 if self.is_share else max(self._shown, default=0) * HEADROOM

    @property
    def low_text(self) -> str:
        return self.text(self.low)

    @property
    def high_text(self) -> str:
        return self.text(1) if self.is_share else self.text(max(self._shown, default=0))

    @property
    def _shown(self) -> list[float]:
        return [each for week in self.whole for each in (week.value, week.target) if each is not None]

    @property
    def marks(self) -> list[Mark]:
        """The whole weeks, from left to right."""
        return [self._mark(place, week) for place, week in enumerate(self.whole)]

    @property
    def segments(self) -> list[tuple[Mark, Mark]]:
        """The line, from mark to mark; it has a gap where nothing is known."""
        return [pair for pair in pairwise(self.marks) if all(mark.week.value is not None for mark in pair)]

    @property
    def targets(self) -> list[tuple[Mark, Mark]]:
        """The dotted line of the promise, from mark to mark where both have one."""
        return [pair for pair in pairwise(self.marks) if all(mark.target_y is not None for mark in pair)]

    @property
    def summary(self) -> str:
        """What the chart shows, for those who do not see it."""
        values = ", ".join(f"{week.period.first:%-d %b} {self.text(week.value)}" for week in self.whole)
        return f"{self.title}, by week: {values}"

    def _mark(self, place: int, week: Week) -> Mark:
        step = 100 / len(self.whole)
        height = self._up(week.value or 0)
        return Mark(
            week=week,
            x=f"{(place + 0.5) * step:.2f}%",
            left=f"{(place + 0.14) * step:.2f}%",
            width=f"{step * 0.72:.2f}%",
            y=f"{100 - height:.2f}%",
            height=f"{height:.2f}%",
            target_y=None if week.target is None else f"{100 - self._up(week.target):.2f}%",
            text=self.text(week.value),
        )

    def _up(self, value: float) -> float:
        """How high on the axis a value lies, in per cent."""
        return float(charts.length(value - self.low, self.high - self.low).rstrip("%"))
