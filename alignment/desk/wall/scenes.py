"""What the scenes of the wall say: one question each, answered by what the dashboards measured. No names, no links."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

from alignment.desk.models import SceneKey
from alignment.people.models import Side
from dashboards import charts, ledger, report
from dashboards.filters import Deals, Filters, Passes
from dashboards.numbers import Number
from dashboards.options import Options
from dashboards.page import FunnelPage, Row
from dashboards.promise_card import Bullet
from dashboards.promises_page import BothSides
from leads.milestones import Milestone

SHORT = {"still open": "open"}
WORDS = ("none", "one", "two", "three", "four")


class SceneContent(Protocol):
    """What the template of each scene reads: what its figures are of, what changes are measured against (blank: nothing
    changed), and whether there is anything to show.
    """

    @property
    def about(self) -> str: ...

    @property
    def against(self) -> str: ...

    @property
    def is_empty(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: what fills it from the figures that a dashboard measured, and its template."""

    label: str
    template: str
    fill: Callable[["Asked"], SceneContent]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a screen shows figures of, as of when; `is_tight`: in little room."""

    filters: Filters
    options: Options
    at: datetime
    is_tight: bool


@dataclass(frozen=True, slots=True)
class Part:
    """How many of those that are hatched became what."""

    n: int
    label: str


@dataclass(frozen=True, slots=True)
class WallRow:
    """One milestone. `outer` is the length of the bar with its hatched end, `inner` how much of that got here.

    `is_leak`: most are lost, by rate, on the way here.
    """

    row: Row
    outer: str
    inner: str
    parts: Sequence[Part]
    is_leak: bool

    @property
    def name(self) -> str:
        """The milestone, in short."""
        return "Won" if self.row.milestone == Milestone.WON else self.row.milestone.name


class FunnelScene:
    """Where are leads lost?"""

    def __init__(self, asked: Asked) -> None:
        page = FunnelPage(report.current(asked.filters, asked.at), asked.options)
        self.page = page
        self.most_parts = 2 if asked.is_tight else 3
        self.against = page.before_text if page.report.before else ""
        self.is_empty = page.is_empty

    @property
    def about(self) -> str:
        """What is counted: `Leads of Jun 2017 – May 2018, Enterprise`."""
        of = "Leads" if self.page.is_cohort else "Moves"
        period = self.page.filters.period
        return ", ".join([f"{of} of {period}" if period else f"All {of.lower()}", *narrowing(self.page.filters)])

    @cached_property
    def rows(self) -> list[WallRow]:
        most = max(row.reached.n for row in self.page.rows)
        return [self._row(row, most) for row in self.page.rows]

    def _row(self, row: Row, most: int) -> WallRow:
        before = row.step.entered if row.step and self.page.is_cohort else 0
        whole = max(row.reached.n, before)
        return WallRow(
            row=row,
            outer=charts.length(whole, most),
            inner=charts.length(row.reached.n, whole),
            parts=few(row.losses, self.most_parts),
            is_leak=self._leads_to(row.milestone),
        )

    def _leads_to(self, milestone: Milestone) -> bool:
        return self.page.leak is not None and self.page.leak.step.end == milestone


@dataclass(frozen=True, slots=True)
class SideShown:
    """Some of one side's promises; `judged` are all that could be judged."""

    side: Side
    bullets: Sequence[Bullet]
    judged: int


class PromisesScene:
    """Did both sides keep what they promised? The answer of the promises page."""

    against = ""

    def __init__(self, asked: Asked) -> None:
        self.page = BothSides(ledger.current(asked.filters, asked.at))
        self.is_empty = all(bullet.value is None for bullets in self.page.bullets.values() for bullet in bullets)

    @property
    def about(self) -> str:
        return ", ".join([f"Promises, {self.page.period_text}", *narrowing(self.page.filters)])

    @cached_property
    def sides(self) -> list[SideShown]:
        """What fits on a screen of each side, of how many promises that could be judged."""
        judged = {side: of for side, _, of in self.page.verdicts}
        return [SideShown(side, most_off(bullets), judged.get(side, 0)) for side, bullets in self.page.bullets.items()]

    @property
    def answer(self) -> list[tuple[str, bool]]:
        """The sentence on top, in pieces; a piece is bad where it tells of a promise that was missed."""
        counts = {side: (kept, of - kept) for side, kept, of in self.page.verdicts}
        return sentence(*(counts.get(side, (0, 0)) for side in (Side.MARKETING, Side.SALES)))


def most_off(bullets: Sequence[Bullet], most: int = 2) -> list[Bullet]:
    """The promises furthest off their target, in their order; what cannot be judged only where room is left."""
    ranked = sorted(bullets, key=Bullet.rank, reverse=True)[:most]
    return [bullet for bullet in bullets if bullet in ranked]


def sentence(marketing: tuple[int, int], sales: tuple[int, int]) -> list[tuple[str, bool]]:
    """How many promises each side kept and missed, in pieces; a piece that tells of missed ones is bad."""
    if marketing == sales == (1, 1):
        return [("Each side kept one promise and ", False), ("missed one.", True)]
    if not marketing[1] and not sales[1] and marketing[0] and sales[0]:
        return [("Both sides kept their promises.", False)]
    return [("Marketing ", False), *_said(*marketing), (", sales ", False), *_said(*sales), (".", False)]


def narrowing(filters: Filters) -> list[str]:
    """What the figures are restricted to, beside the period."""
    passes = [filters.passes_text] if filters.passes != Passes.ALL else []
    return [*filters.chosen_names, *passes, *(["all deals"] if filters.deals == Deals.ALL else [])]


def few(numbers: Sequence[Number], most: int) -> list[Part]:
    """These losses in their order; of more than `most` the largest, and what the others sum up to."""
    parts = [Part(number.n, SHORT.get(number.label, number.label)) for number in numbers]
    if len(parts) <= most:
        return parts
    largest = sorted(parts, key=lambda part: -part.n)[: most - 1]
    others = sum(part.n for part in parts) - sum(part.n for part in largest)
    return [*(part for part in parts if part in largest), Part(others, "other")]


def _said(kept: int, missed: int) -> list[tuple[str, bool]]:
    judged = kept + missed
    if not judged:
        return [("has nothing to show yet", False)]
    if not missed:
        return [("kept its promise" if judged == 1 else f"kept {_all(judged)} promises", False)]
    if not kept:
        return [("missed its promise" if judged == 1 else f"missed {_all(judged)} promises", True)]
    return [(f"kept {_word(kept)} and ", False), (f"missed {_word(missed)}", True)]


def _word(count: int) -> str:
    return WORDS[count] if count < len(WORDS) else f"{count}"


def _all(count: int) -> str:
    return "both" if count == 2 else f"all {count}"


SCENES: Mapping[SceneKey, Scene] = {
    SceneKey.FUNNEL: Scene(SceneKey.FUNNEL.label, "desk/_wall_funnel.html", FunnelScene),
    SceneKey.PROMISES: Scene(SceneKey.PROMISES.label, "desk/_wall_promises.html", PromisesScene),
}
