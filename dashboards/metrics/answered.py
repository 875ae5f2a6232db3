"""Clocks of passes that were answered, counted so that one count answers many questions: it says whose they were.

So what is kept of everybody's (`dashboards.settled`) tells of each rep, team and source, and of first passes, too.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from django.db.models import Count, F, Q, QuerySet, Value
from django.utils.timezone import now

from alignment.lib.periods import Period
from dashboards.filters import Filters, Passes
from dashboards.metrics import stretches
from dashboards.metrics.frames import Marks
from dashboards.metrics.journeys import flag
from dashboards.metrics.stretches import Number, Window
from dashboards.options import Facet
from dashboards.settled import Look, Row
from leads.models.changed_days import Dated
from sla.models import Clock
from sla.querysets import ClockQuerySet, counting
from sla.verdict import late

BY = (Facet.OWNER, Facet.TEAM, Facet.SOURCE)
"""Whose clocks are told apart."""


class Judged(NamedTuple):
    """So many clocks of a policy: whose they were is by the facets of `BY`, None for nobody's. `side` is blank where
    one alone owes it; `is_counted` is False for breaches that a verdict let pass.
    """

    policy_id: int
    side: str
    is_late: bool
    is_counted: bool
    owner_id: int | None
    team_id: int | None
    source_id: int | None
    n: int


COLUMNS = ("policy_id", "side", "is_late", "is_counted", *BY)


def broad(filters: Filters) -> Filters:
    """The question whose answer holds the one to `filters`."""
    others = {facet: choice for facet, choice in filters.facets.items() if facet not in BY}
    return Filters(calendar=filters.calendar, accounts=filters.accounts, facets=others)


def clocks(filters: Filters) -> ClockQuerySet:
    """The clocks about the passes that `filters` mean, with whose they were."""
    rows = Clock.objects.of_passes().filter(filters.whose("own_pass__"))
    return rows.annotate(side=Value(""), **{facet: F(f"own_pass__{facet}") for facet in BY})


class Answers:
    """The answered clocks of `filters`: by stretches that are kept, where `look` (of the `broad` question) keeps any;
    else those between `marks` in one statement.
    """

    def __init__(self, filters: Filters, marks: Marks, look: Look) -> None:
        self.filters, self.marks, self.look = filters, marks, look
        self._chosen = [(COLUMNS.index(facet), each.pk) for facet, each in filters.facets.items() if facet in BY]

    def due_in(self, period: Period | None) -> list[Judged]:
        """Those that were due in a period; None for all time. Two queries at most."""
        parts = self._parts(period) if self.look.keeps else None
        if parts is None:
            pieces = self._pieces(period) if period else None
            return [Judged(*row) for piece, *row in self._whole if pieces is None or piece in pieces]
        return self._meant(row for rows in self._kept(parts).values() for row in rows)

    def due_in_each(self, weeks: Sequence[Period]) -> list[list[Judged]]:
        """Those that were due in each of these weeks, which follow each other. One query at most."""
        if not self.look.keeps:
            return [self.due_in(week) for week in weeks]
        kept = self._kept(weeks)
        return [self._meant(kept[week]) for week in weeks]

    def _parts(self, period: Period | None) -> Sequence[Period] | None:
        if period:
            return stretches.cut(period)
        return stretches.of_all(Dated.DUE, self.filters.calendar)

    def _kept(self, parts: Sequence[Period]) -> dict[Period, Sequence[Row]]:
        meant = broad(self.filters)
        return stretches.by_stretch(
            self.look, ("answered by whom", meant.meant), Dated.DUE, parts, meant.calendar,
            lambda window, number: _counted(meant, window, number),
        )  # fmt: skip

    def _meant(self, rows: Iterable[Row]) -> list[Judged]:
        """Of what is kept of everybody's, what the filters mean; like ones of different stretches are one."""
        counts: Counter[Row] = Counter()
        for row in rows:
            counts[row[:-1]] += row[-1]
        found = [(is_first, Judged._make((*columns, n))) for (is_first, *columns), n in counts.items()]
        return [each for is_first, each in found if self._is_meant(bool(is_first), each)]

    def _is_meant(self, is_first: bool, judged: Judged) -> bool:
        passes = self.filters.passes
        if passes != Passes.ALL and is_first != (passes == Passes.FIRST):
            return False
        return all(judged[place] == pk for place, pk in self._chosen)

    @cached_property
    def _whole(self) -> list[Row]:
        instants = self.marks.instants
        window = (instants[0], instants[-1]) if self.filters.period else None
        return [(piece, *row) for piece, _, *row in _counted(self.filters, window, self.marks.number)]

    def _pieces(self, period: Period) -> range:
        return self.marks.numbers(*period.instants(self.filters.calendar.zone))


def _counted(filters: Filters, window: Window | None, number: Number) -> QuerySet[Clock, Row]:
    """(the number of the piece of time, whether it is of a first pass, then as in `Judged`)."""
    rows = clocks(filters).filter(stopped_at__isnull=False, cancelled_at=None)
    rows = rows.due_between(*window) if window else rows
    at = now()  # of what is answered it decides nothing
    keys = {
        "piece": number(F("due_at")),
        "is_first": flag(Q(own_pass__pass_no=1)),
        "is_late": flag(late(at)),
        "is_counted": flag(counting(at)),
    }
    counted = rows.annotate(**keys).values_list("piece", "is_first", *COLUMNS).annotate(n=Count("*"))
    return counted.order_by()
