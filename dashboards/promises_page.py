"""What the promises page shows of a ledger, to somebody: both sides' promises, their weeks, whose they were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse

from alignment.lib.periods import Period
from alignment.people.figures import FiguresOfRep
from alignment.people.models import Role, Side, User
from alignment.people.permissions import can
from dashboards import charts, clock_figures
from dashboards.clock_list import Row, breaches
from dashboards.filters import Filters
from dashboards.ledger import Ledger
from dashboards.metrics.attainment import Line, Owed, Promised
from dashboards.metrics.promises import SHARES
from dashboards.numbers import Number
from dashboards.options import Choice, Facet, Options
from dashboards.promise_card import Bullet, PromiseCard, Was
from dashboards.promise_weeks import Panel, Week
from sla.querysets import Attainment

MOST_BREACHES = 8
MOST_GROUPS = 8
LATELY = 5
"""Weeks whose plan stands beside marketing's promise, the one under way among them."""
OWED: Mapping[str, str] = {"open": "open", "at_risk": "at risk", "paused": "paused", "overdue": "overdue"}


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One promise with clocks: its bullet, and what is owed now (see `OWED`)."""

    bullet: Bullet
    promise: Promised
    excused: Number
    owed: Mapping[str, Number]


@dataclass(frozen=True, slots=True)
class Cell:
    """What was kept of one kind of promise: `broken` of `judged`. `is_low`: below the average beyond chance."""

    share: float | None
    broken: Number
    judged: Number
    is_low: bool


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One value of a facet, with a cell for each kind of promise (None: none was due)."""

    name: str
    cells: Sequence[Cell | None]


@dataclass(frozen=True, slots=True)
class Group:
    """One facet: its rows, those with the most due first."""

    facet: Facet
    title: str
    rows: Sequence[GroupRow]

    @property
    def first(self) -> Sequence[GroupRow]:
        return self.rows[:MOST_GROUPS]

    @property
    def others(self) -> Sequence[GroupRow]:
        return self.rows[MOST_GROUPS:]


@dataclass(frozen=True, slots=True)
class Own:
    """A rep's own figures: what they kept of each kind, and what they owe now."""

    kept: Sequence[tuple[str, Cell]]
    owed: Mapping[str, Number]
    url: str


class BothSides:
    """What both sides promised and what they kept, which everybody may see: on the promises page and on the wall."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.filters = ledger.filters
        self.at = ledger.at
        self.card = PromiseCard(ledger)

    # What it is about -----------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return self.filters.address("promises")

    @property
    def file_address(self) -> str:
        return self.filters.address("promises", "format=csv")

    @property
    def period_text(self) -> str:
        return str(self.filters.period or "All time")

    @property
    def chosen_names(self) -> list[str]:
        return self.filters.chosen_names

    @property
    def is_empty(self) -> bool:
        """Whether neither side has anything to show."""
        kept = self.card.kept
        owes = any(line.owed != Owed() for line in self.ledger.sales.lines)
        return not (owes or kept.delivered or kept.decided or kept.rejected or self.ledger.sales.kinds)

    # The sentence on top --------------------------------------------------------------------------------------

    @property
    def bullets(self) -> Mapping[Side, Sequence[Bullet]]:
        return {
            Side.MARKETING: [self.card.delivered, self.card.accepted, *self._in_force(Side.MARKETING)],
            Side.SALES: [*self._in_force(Side.SALES), self.card.reasoned],
        }

    def _in_force(self, side: Side) -> list[Bullet]:
        return [row.bullet for row in self.rows[side] if row.promise.is_in_force]

    @property
    def verdicts(self) -> list[tuple[Side, int, int]]:
        """For each side with a promise that can be judged: how many of its promises it kept, and of how many."""
        found = []
        for side, bullets in self.bullets.items():
            judged = [bullet for bullet in bullets if bullet.value is not None and bullet.target is not None]
            if judged:
                found.append((side, sum(not bullet.is_missed for bullet in judged), len(judged)))
        return found

    @property
    def furthest(self) -> Bullet | None:
        """The promise that was missed by most, of its target, by more than a few cases if possible; None: none was."""
        missed = [bullet for bullets in self.bullets.values() for bullet in bullets if bullet.is_missed]
        return max(missed, key=Bullet.rank, default=None)

    @property
    def owed(self) -> Mapping[str, Number]:
        """What is owed now, of all promises with clocks."""
        return self._owed(sum((line.owed for line in self.ledger.sales.lines), Owed()), self.filters)

    # Promises with clocks -------------------------------------------------------------------------------------

    @cached_property
    def rows(self) -> Mapping[Side, Sequence[LedgerRow]]:
        """For each side one row for each promise: those in force, then earlier ones."""
        return {side: [self._row(line) for line in self.ledger.sales.of(side)] for side in Side}

    @property
    def sales(self) -> Sequence[LedgerRow]:
        """What sales answers for."""
        return self.rows[Side.SALES]

    @property
    def marketing(self) -> Sequence[LedgerRow]:
        """What marketing answers for, beside its plan."""
        return self.rows[Side.MARKETING]

    def _row(self, line: Line) -> LedgerRow:
        broken = self._clocks(line.kept.breached, "breached", promise=line.promise)
        bullet = Bullet(
            title=line.promise.name,
            value=line.kept.share,
            target=self._target(line.promise.kind) if line.promise.is_in_force else None,
            number=self._clocks(line.kept.met, "met", promise=line.promise),
            of=self._clocks(line.kept.n, "judged", promise=line.promise),
            why_not="Nothing was due.",
            note=f"{broken.n:,} late or overdue",
            note_url=broken.url,
            was=self._was(line),
            run=self._panel(line).run.text,
        )
        excused = self._clocks(line.excused, "excused", promise=line.promise)
        return LedgerRow(bullet, line.promise, excused, self._owed(line.owed, self.filters, promise=line.promise))

    def _was(self, line: Line) -> Was | None:
        """Of the period before, where something was due in it."""
        before = self.filters.compared
        if before is None or line.before is None:
            return None
        number = Number(line.before.n, clock_figures.address(before, "judged", promise=line.promise))
        return Was.share((line.before.share, number), (line.kept.share, line.kept.n))

    @property
    def compared_text(self) -> str:
        """What the values stand beside; blank where they stand alone."""
        return str(self.filters.compared.period) if self.filters.compared else ""

    def _target(self, kind: str) -> float | None:
        return self.card.promises.target(SHARES[kind]) if kind in SHARES else None

    def _owed(
        self, owed: Owed, filters: Filters, *, promise: Promised | None = None, by_holder: bool = False
    ) -> Mapping[str, Number]:
        def address(name: str) -> str:
            return clock_figures.address(filters, name, promise=promise, by_holder=by_holder)

        return {name: Number(getattr(owed, name), address(name), word) for name, word in OWED.items()}

    @property
    def above(self) -> Number:
        """What waits above capacity now."""
        return Number.of(self.ledger.above, self.filters, "promises.above")

    def _clocks(self, n: int, figure: str, *, promise: Promised | None = None, kind: str = "") -> Number:
        return Number(n, clock_figures.address(self.filters, figure, promise=promise, kind=kind))

    # Week by week ---------------------------------------------------------------------------------------------

    @cached_property
    def panels(self) -> list[Panel]:
        """A panel for each promise, marketing's first; those of which nothing can be drawn come last."""
        lines = [line for side in Side for line in self.ledger.sales.of(side)]
        found = [*self._marketing_panels(), *(self._panel(line) for line in lines)]
        return sorted(found, key=lambda panel: panel.is_empty)

    @property
    def drawn(self) -> list[Panel]:
        """Those of which anything can be drawn; the table has all."""
        return [panel for panel in self.panels if not panel.is_empty] or self.panels

    @property
    def lately(self) -> list[Week]:
        """Marketing's last weeks, the newest first; none where the plan is not about these figures."""
        if not self.card.promises.plan.is_of_all:
            return []
        return list(reversed(self.panels[0].weeks[-LATELY:]))

    def _marketing_panels(self) -> list[Panel]:
        weeks, plan = self.card.weeks, self.card.promises.plan
        delivered = [
            Week(
                week.period, week.delivered.n, plan.mqls(week.period), week.delivered, None,
                week.is_over,
            )
            for week in weeks
        ]  # fmt: skip
        accepted = [
            Week(
                week.period, week.accepted, plan.acceptance(week.period),
                Number.of(week.kept.accepted, self.filters.with_period(week.period), "promises.accepted"),
                week.decided, week.is_over,
            )
            for week in weeks
        ]  # fmt: skip
        return [
            Panel("delivered", "MQLs handed over", Side.MARKETING, delivered, is_share=False),
            Panel("accepted", "MQLs accepted by sales", Side.MARKETING, accepted, is_share=True),
        ]

    def _panel(self, line: Line) -> Panel:
        target = self._target(line.promise.kind)
        weeks = [
            self._week(line.promise, period, kept, target)
            for period, kept in zip(self.ledger.sales.weeks, line.weeks, strict=True)
        ]
        return Panel(
            f"promise-{line.promise.pk}-{line.promise.side}", line.promise.name, line.promise.side, weeks, is_share=True
        )

    def _week(self, promise: Promised, period: Period, kept: Attainment, target: float | None) -> Week:
        own = self.filters.with_period(period)
        return Week(
            period=period,
            value=kept.share,
            target=target,
            number=Number(kept.met, clock_figures.address(own, "met", promise=promise)),
            of=Number(kept.n, clock_figures.address(own, "judged", promise=promise)),
            is_over=period.instants(self.filters.calendar.zone)[1] <= self.at,
        )

    @property
    def week_rows(self) -> list[tuple[Week, list[tuple[str, Week]]]]:
        """The same as a table: each week with the value of each panel, the newest first."""
        columns = [[(panel.text(week.value), week) for week in panel.weeks] for panel in self.panels]
        return [(cells[0][1], list(cells)) for cells in reversed(list(zip(*columns, strict=True)))]


class PromisesPage(BothSides):
    """Read by the templates of the promises page. It shows what `viewer` may see."""

    def __init__(self, ledger: Ledger, options: Options, viewer: User) -> None:
        super().__init__(ledger)
        self.options = options
        self.viewer = viewer

    # Whose they were ------------------------------------------------------------------------------------------

    @property
    def kinds(self) -> list[str]:
        """The kinds of promises that were due, as columns are called."""
        return [clock_figures.short(kind) for kind in self.ledger.sales.kinds]

    @cached_property
    def groups(self) -> list[Group]:
        """By rep as far as the viewer may see that, by team, by source."""
        titles = {Facet.OWNER: "By rep", Facet.TEAM: "By team", Facet.SOURCE: "By source"}
        found = [Group(facet, title, self._rows(facet)) for facet, title in titles.items()]
        return [group for group in found if group.rows]

    def _rows(self, facet: Facet) -> list[GroupRow]:
        kept = self.ledger.sales.groups[facet]
        choices = [self.options.of(facet, pk) for pk in kept]
        if facet == Facet.OWNER:
            choices = [choice for choice in choices if self._may_see(choice)]
        choices.sort(key=lambda choice: -sum(each.n for each in kept[choice.pk].values()))
        return [GroupRow(choice.name, self._cells(choice, kept[choice.pk])) for choice in choices]

    def _cells(self, choice: Choice, kept: Mapping[str, Attainment]) -> list[Cell | None]:
        return [self._cell(choice, kind, kept[kind]) if kind in kept else None for kind in self.ledger.sales.kinds]

    def _cell(self, choice: Choice, kind: str, kept: Attainment) -> Cell:
        own = self.filters.with_facet(choice)
        average = sum((line.kept for line in self.ledger.sales.lines if line.promise.kind == kind), Attainment()).share
        return Cell(
            share=kept.share,
            broken=Number(kept.breached, clock_figures.address(own, "breached", kind=kind)),
            judged=Number(kept.n, clock_figures.address(own, "judged", kind=kind)),
            is_low=average is not None and charts.likely_most(kept.met, kept.n) < average,
        )

    def _may_see(self, owner: Choice) -> bool:
        return can(self.viewer, "funnel.of_rep", FiguresOfRep.of(owner))

    @property
    def own(self) -> Own | None:
        """What a rep sees first; None for everybody else, and where the page is about others."""
        chosen = self.filters.facets.get(Facet.OWNER)
        if self.viewer.role != Role.REP or chosen:
            return None
        me = self.options.of(Facet.OWNER, self.viewer.pk)
        kept = self.ledger.sales.groups[Facet.OWNER].get(me.pk, {})
        cells = zip(self.kinds, self._cells(me, kept), strict=True)
        mine = self.filters.with_facet(me)
        return Own(
            kept=[(kind, cell) for kind, cell in cells if cell],
            owed=self._owed(self.ledger.sales.owed_by.get(me.pk, Owed()), mine, by_holder=True),
            url=f"{reverse('promises')}?{mine.query}",
        )

    # Breaches -------------------------------------------------------------------------------------------------

    @property
    def broken(self) -> Number:
        """All that was broken in the period."""
        return self._clocks(sum(line.kept.breached for line in self.ledger.sales.lines), "breached")

    @cached_property
    def breaches(self) -> list[Row]:
        """The newest of these, with their receipts."""
        return breaches(self.viewer, self.filters, self.at, MOST_BREACHES)
