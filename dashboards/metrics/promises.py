"""What both sides promised, and what they kept: leads handed over and accepted, answers given in time.

Each figure goes by its own date in the period, whichever basis the funnel has: MQLs by when they qualified, answers
by when they were given, clocks by when they were due. Sales owes an answer whatever is being sold, so clocks are not
filtered by kind of deal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from alignment.lib.periods import Period, weeks
from dashboards.filters import Filters
from dashboards.metrics import kept, plan, ranks
from dashboards.metrics.frames import Marks
from dashboards.metrics.funnel import ratio
from dashboards.metrics.journeys import PLACE, Journeys, journeys
from dashboards.metrics.kept import ACCEPTED, MISSED, Kept
from dashboards.metrics.plan import Plan
from dashboards.settled import NOTHING_KEPT, Look
from leads.milestones import Milestone
from leads.models import Journey
from sla.capacity import is_above
from sla.models import Policy, Promise, SubjectKind
from sla.querysets import ClockQuerySet

WEEKS = 13
"""Twelve whole ones, and the one that is under way."""

SHARES: Mapping[str, str] = {
    SubjectKind.DISPOSITION: "answered",
    SubjectKind.FIRST_TOUCH: "first_touch",
    SubjectKind.WORKED: "worked",
}
"""Under which key the share is agreed that sales keeps of each kind of promise."""


@dataclass(frozen=True, slots=True)
class Promises:
    """What was kept in the period and in each of its last weeks, and what was promised. `hours` is the time that sales
    has for an answer today, None where nothing is promised. `overdue` are the MQLs that
    wait for an answer past their due time now, whenever they were due. `answer_time` is the median of the answers
    to clocks due in the period, None without any. `per_week` is MQLs ÷ the weeks of the period that have passed.
    `plan` is what marketing agreed for weeks. `before` is what was kept in the period that this one is compared with,
    where that was asked for.
    """

    kept: Kept
    before: Kept | None
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


def measure(
    filters: Filters,
    at: datetime,
    look: Look = NOTHING_KEPT,
    *,
    compared: Period | None = None,
    has_clocks: bool = True,
) -> Promises:
    """The promises of `filters` as they stand at `at`, beside those of a period `compared`. Unless it `has_clocks`,
    nothing is told of answers: whoever shows what was kept of clocks (`attainment`) needs them no second time.
    Fourteen queries at most.
    """
    shown, settled = weeks_shown(filters, at), plan.weeks_over(filters, at)
    instants = [week.instants(filters.calendar.zone) for week in shown]
    over = [week.instants(filters.calendar.zone) for week in settled]
    before = compared.instants(filters.calendar.zone) if compared else None
    stretches = (*instants, *over, filters.instants or (), before or ())
    marks = Marks(instant for stretch in stretches for instant in stretch)
    asked = [*shown, *settled, *([compared] if compared else [])]
    found = kept.Found.read(filters, marks, asked, at, look, has_clocks=has_clocks)
    pieces = marks.numbers(*filters.instants) if filters.instants else None
    over_all = found.kept(pieces)
    return Promises(
        kept=over_all,
        before=found.kept(marks.numbers(*before)) if before else None,
        weeks=[(week, found.kept(marks.numbers(*stretch))) for week, stretch in zip(shown, instants, strict=True)],
        targets={promise.key: promise for promise in Promise.objects.order_by("version")},
        hours=Policy.objects.hours_to_answer().values_list("target", flat=True).first(),
        overdue=found.overdue,
        answer_time=_median(found.answers_in(pieces)),
        per_week=ratio(over_all.delivered, _weeks_passed(filters, at)),
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


def _median(lists: Sequence[Sequence[int]]) -> timedelta | None:
    seconds = ranks.percentile(lists, 0.5)
    return None if seconds is None else timedelta(seconds=seconds)


def _between(column: str, window: tuple[datetime, datetime]) -> Q:
    return Q(**{f"{column}__gte": window[0], f"{column}__lt": window[1]})


# The journeys behind the numbers ----------------------------------------------------------------------------------


def decided(filters: Filters) -> Journeys:
    """The journeys behind `Kept.decided`."""
    accepted, missed = ACCEPTED, MISSED
    if filters.instants:
        accepted &= _between("accepted_at", filters.instants)
        missed &= _between("closed_at", filters.instants)
    return journeys(filters).filter(accepted | missed)


def above(filters: Filters) -> Journeys:
    """The MQLs that wait above capacity now, whenever they were handed over: charged to neither side."""
    return journeys(filters).filter(is_above(), outcome="", reached=Milestone.MQL)


def behind(rows: ClockQuerySet) -> Journeys:
    """The journeys whose clocks these are: one each."""
    own = rows.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no"))
    return Journey.objects.annotate(**PLACE).filter(Exists(own))
