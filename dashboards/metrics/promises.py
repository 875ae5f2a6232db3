"""What both sides promised, and what they kept: leads handed over and accepted, answers given in time.

Each figure goes by its own date in the period, whichever basis the funnel has: MQLs by when they qualified, answers
by when they were given, clocks by when they were due. Sales owes an answer whatever is being sold, so clocks are not
filtered by kind of deal.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from django.db.models import Count, Exists, Expression, F, OuterRef, Q, Value

from alignment.lib.periods import Period, weeks
from dashboards.filters import Filters
from dashboards.metrics import plan
from dashboards.metrics.frames import Marks
from dashboards.metrics.funnel import ratio
from dashboards.metrics.journeys import PLACE, Journeys, dated, flag, journeys, reached
from dashboards.metrics.plan import Plan
from dashboards.metrics.speed import Percentiles, Seconds
from leads.milestones import Milestone, Outcome
from leads.models import Journey
from sla.capacity import is_above
from sla.models import Clock, Policy, Promise, SubjectKind
from sla.querysets import Attainment, ClockQuerySet
from sla.verdict import late

WEEKS = 13
"""Twelve whole ones, and the one that is under way."""

SHARES: Mapping[str, str] = {
    SubjectKind.DISPOSITION: "answered",
    SubjectKind.FIRST_TOUCH: "first_touch",
    SubjectKind.WORKED: "worked",
}
"""Under which key the share is agreed that sales keeps of each kind of promise."""

DELIVERED = reached(Milestone.MQL) & Q(pass_no=1)
ACCEPTED = Q(accepted_at__isnull=False) | reached(Milestone.SQL)
UNTOUCHED = Q(accepted_at__isnull=False, worked_at=None)
"""Accepted, and no human outbound touch since."""
REFUSED = Q(outcome=Outcome.REJECTED, reached=Milestone.MQL, accepted_at=None)
"""Rejected instead of accepted."""
MISSED = REFUSED & Q(reason__counts_as_miss=True) & ~Q(is_above())
"""Rejected as marketing's miss; of what came above capacity nothing is."""


@dataclass(frozen=True, slots=True)
class Reasoned:
    """Why leads were rejected. `is_miss`: it counts as marketing's miss. `is_agreed`: it is one of the agreed list, not
    “not recorded”.
    """

    pk: int
    label: str
    is_miss: bool
    is_agreed: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept in one stretch of time."""

    delivered: int
    accepted: int
    untouched: int
    rejections: Mapping[Reasoned, int]
    answered: Attainment

    @property
    def rejected(self) -> int:
        """All rejections."""
        return sum(self.rejections.values())

    @property
    def missed(self) -> int:
        """Rejections that count as marketing's miss."""
        return sum(n for reason, n in self.rejections.items() if reason.is_miss)

    @property
    def reasoned(self) -> int:
        """Rejections with a reason from the agreed list."""
        return sum(n for reason, n in self.rejections.items() if reason.is_agreed)

    @property
    def decided(self) -> int:
        """Accepted, or rejected as marketing's miss: the denominator of acceptance."""
        return self.accepted + self.missed

    @property
    def acceptance(self) -> float | None:
        """Accepted ÷ decided; None before anything was."""
        return ratio(self.accepted, self.decided)

    @property
    def untouched_share(self) -> float | None:
        """Accepted and never touched ÷ accepted; None where nothing was accepted."""
        return ratio(self.untouched, self.accepted)

    @property
    def reasoned_share(self) -> float | None:
        """Rejections with a reason ÷ rejections; None where nothing was rejected."""
        return ratio(self.reasoned, self.rejected)


@dataclass(frozen=True, slots=True)
class Promises:
    """What was kept in the period and in each of its last weeks, and what was promised. `hours` is the time that sales
    has for an answer today, None where nothing is promised. `overdue` are the MQLs that
    wait for an answer past their due time now, whenever they were due. `answer_time` is the median of the answers
    to clocks due in the period, None without any. `per_week` is MQLs ÷ the weeks of the period that have passed.
    `plan` is what marketing agreed for weeks.
    """

    kept: Kept
    weeks: Sequence[tuple[Period, Kept]]
    targets: Mapping[str, Promise]
    hours: int | None
    overdue: int
    answer_time: timedelta | None
    per_week: float | None
    plan: Plan

    def target(self, key: str) -> float | None:
        """What was promised under `key`; a share of 1 where it is a percentage. None if nothing was."""
        promise = self.targets.get(key)
        if promise is None:
            return None
        return float(promise.target) / (100 if promise.unit == "percent" else 1)


def measure(filters: Filters, at: datetime) -> Promises:
    """The promises of `filters` as they stand at `at`. Ten queries."""
    shown, settled = weeks_shown(filters, at), plan.weeks_over(filters, at)
    stretches = [week.instants(filters.calendar.zone) for week in shown]
    over = [week.instants(filters.calendar.zone) for week in settled]
    marks = Marks(instant for stretch in (*stretches, *over, filters.instants or ()) for instant in stretch)
    found = _Found.read(filters, marks, at)
    kept = found.kept(marks.numbers(*filters.instants) if filters.instants else None)
    return Promises(
        kept=kept,
        weeks=[(week, found.kept(marks.numbers(*stretch))) for week, stretch in zip(shown, stretches, strict=True)],
        targets={promise.key: promise for promise in Promise.objects.order_by("version")},
        hours=Policy.objects.hours_to_answer().values_list("target", flat=True).first(),
        overdue=clocks(filters).overdue(at).count(),
        answer_time=_answer_time(filters),
        per_week=ratio(kept.delivered, _weeks_passed(filters, at)),
        plan=plan.measure(
            filters,
            shown,
            [(week, found.delivered(marks.numbers(*stretch))) for week, stretch in zip(settled, over, strict=True)],
        ),
    )


def weeks_shown(filters: Filters, at: datetime) -> list[Period]:
    """The last `WEEKS` weeks of the period that have begun."""
    today = filters.calendar.today(at)
    last = min(filters.period.last, today) if filters.period else today
    return weeks(last, WEEKS, starts_on=filters.calendar.week_starts_on)


def _weeks_passed(filters: Filters, at: datetime) -> float:
    """How many weeks of the period have passed; 0 before it began, or where there is no period."""
    if filters.instants is None:
        return 0
    start, end = filters.instants
    return max(timedelta(0), min(end, at) - start) / timedelta(days=7)


# What the period and its weeks are summed from ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """Counts by name, and of rejections by reason, each by numbered piece of time."""

    counts: Mapping[tuple[str, int | None], int]
    rejections: Mapping[tuple[Reasoned, int | None], int]

    @classmethod
    def read(cls, filters: Filters, marks: Marks, at: datetime) -> Self:
        """Four queries."""
        window = (marks.instants[0], marks.instants[-1]) if filters.instants else None
        return cls(
            _moves(filters, marks, window) + _verdicts(filters, marks, window, at), _refused(filters, marks, window)
        )

    def delivered(self, pieces: range) -> int:
        """First-pass MQLs of `pieces`."""
        return sum(self.counts.get(("delivered", piece), 0) for piece in pieces)

    def kept(self, pieces: range | None) -> Kept:
        """The sums over `pieces`; None for all time, undated ones included."""
        sums: Counter[str] = Counter()
        for (name, piece), n in self.counts.items():
            if pieces is None or piece in pieces:
                sums[name] += n
        rejections: Counter[Reasoned] = Counter()
        for (reason, piece), n in self.rejections.items():
            if pieces is None or piece in pieces:
                rejections[reason] += n
        return Kept(
            delivered=sums["delivered"],
            accepted=sums["accepted"],
            untouched=sums["untouched"],
            rejections=rejections,
            answered=Attainment(met=sums["met"], breached=sums["breached"]),
        )


Window = tuple[datetime, datetime] | None


def _moves(filters: Filters, marks: Marks, window: Window) -> Counter[tuple[str, int | None]]:
    delivered = _by_piece(journeys(filters).filter(DELIVERED), "mql_at", marks, window)
    accepted = _by_piece(journeys(filters).filter(ACCEPTED), "accepted_at", marks, window, is_untouched=flag(UNTOUCHED))
    counts: Counter[tuple[str, int | None]] = Counter()
    for piece, n in delivered:
        counts["delivered", piece] += n
    for piece, is_untouched, n in accepted:
        counts["accepted", piece] += n
        counts["untouched", piece] += n * is_untouched
    return counts


def _by_piece(rows: Journeys, column: str, marks: Marks, window: Window, **flags: Expression) -> Journeys:
    """(piece of time, each of the flags, how many) of the rows whose date `column` lies in the window."""
    found: Journeys = dated(rows, F(column), window).annotate(piece=marks.number(F(column)), **flags)
    return found.values_list("piece", *flags).annotate(n=Count("*")).order_by()  # type: ignore[no-any-return]


def _refused(filters: Filters, marks: Marks, window: Window) -> Mapping[tuple[Reasoned, int | None], int]:
    """What came above capacity is no miss of marketing: those few are counted by themselves, and moved over."""
    rows = dated(journeys(filters).filter(REFUSED), F("closed_at"), window)
    above = rows.filter(reason__counts_as_miss=True, lead__above_capacity__pass_no=F("pass_no"))
    counts: Counter[tuple[Reasoned, int | None]] = Counter()
    for moves_over, piece, *reason, n in _by_reason(rows, marks, is_above=False).union(
        _by_reason(above, marks, is_above=True), all=True
    ):
        told = Reasoned(*reason)
        counts[told, piece] += -n if moves_over else n
        if moves_over:
            counts[replace(told, is_miss=False), piece] += n
    return counts


def _by_reason(rows: Journeys, marks: Marks, *, is_above: bool) -> Journeys:
    found: Journeys = rows.annotate(piece=marks.number(F("closed_at")), is_above=Value(is_above))
    reason = ("reason", "reason__label", "reason__counts_as_miss", "reason__is_offered")
    return found.values_list("is_above", "piece", *reason).annotate(n=Count("*")).order_by()  # type: ignore[no-any-return]


def _verdicts(filters: Filters, marks: Marks, window: Window, at: datetime) -> Counter[tuple[str, int | None]]:
    rows = clocks(filters).judged(at)
    if window:
        rows = rows.due_between(*window)
    grouped = (
        rows.annotate(piece=marks.number(F("due_at")), is_late=flag(late(at)))
        .values_list("piece", "is_late")
        .annotate(n=Count("*"))
        .order_by()
    )
    return Counter({("breached" if is_late else "met", piece): n for piece, is_late, n in grouped})


def _answer_time(filters: Filters) -> timedelta | None:
    rows = clocks(filters).filter(stopped_at__isnull=False, cancelled_at=None)
    if filters.instants:
        rows = rows.due_between(*filters.instants)
    row = rows.aggregate(length=Percentiles(Seconds(F("stopped_at"), F("started_at"))))
    return timedelta(seconds=row["length"][0]) if row["length"] else None


def _between(column: str, window: tuple[datetime, datetime]) -> Q:
    return Q(**{f"{column}__gte": window[0], f"{column}__lt": window[1]})


# Clocks, and the journeys behind them ---------------------------------------------------------------------------


def clocks(filters: Filters) -> ClockQuerySet:
    """The disposition clocks of the journeys that `filters` mean; joined with them only where that narrows."""
    rows = Clock.objects.dispositions()
    whose = filters.whose("journey__")
    return rows.with_journey().filter(whose) if whose else rows


def decided(filters: Filters) -> Journeys:
    """The journeys behind `Kept.decided`."""
    accepted, missed = ACCEPTED, MISSED
    if filters.instants:
        accepted &= _between("accepted_at", filters.instants)
        missed &= _between("closed_at", filters.instants)
    return journeys(filters).filter(accepted | missed)


def behind(rows: ClockQuerySet) -> Journeys:
    """The journeys whose clocks these are: one each."""
    own = rows.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no"))
    return Journey.objects.annotate(**PLACE).filter(Exists(own))
