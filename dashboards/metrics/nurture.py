"""Nurture as an inventory: recycled leads wait there until their next pass begins."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from django.db.models import Count, Exists, F, OuterRef, Q

from dashboards.filters import Filters
from dashboards.metrics.frames import Frame, Marks
from dashboards.metrics.journeys import Journeys
from leads.milestones import Outcome
from leads.models import Journey, Lead


@dataclass(frozen=True, slots=True)
class Nurture:
    """`now` leads wait in nurture, `due` of them for another look by today. `balances` are what it held at the end of
    each part of a frame: the balance before, plus recycled, minus come back.
    """

    now: int
    due: int
    balances: Sequence[int]


def in_nurture(filters: Filters) -> Journeys:
    """The recycled passes of leads that have not come back, whatever the period and what is being sold."""
    later = Journey.objects.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no") + 1)
    return _recycled(filters).filter(~Exists(later))


def due(filters: Filters, at: datetime) -> Journeys:
    """Of these, the ones whose next look is due by today."""
    return in_nurture(filters).filter(revisit_on__lte=filters.calendar.today(at))


def held(filters: Filters) -> Journeys:
    """What nurture held at the end of the period; what it holds now where none is set."""
    if filters.instants is None:
        return in_nurture(filters)
    _, end = filters.instants
    later = Journey.objects.filter(
        Q(entered_at__lt=end) | Q(entered_at=None), lead=OuterRef("lead"), pass_no=OuterRef("pass_no") + 1
    )
    return _recycled(filters).filter(Q(closed_at__lt=end) | Q(closed_at=None)).filter(~Exists(later))


def _recycled(filters: Filters) -> Journeys:
    merged = Lead.objects.filter(merged_into__isnull=False).values("pk")
    return Journey.objects.filter(filters.whose(), outcome=Outcome.RECYCLED).exclude(lead__in=merged)


def measure(filters: Filters, frame: Frame, at: datetime) -> Nurture:
    """The inventory of `filters`. Three queries: what came, what went back, and what is due."""
    marks = Marks(part.instants(filters.calendar.zone)[1] for part in frame.parts)
    came = _by_piece(_recycled(filters), "closed_at", marks)
    before = _recycled(filters).filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no") - 1)
    came_back = Journey.objects.filter(Exists(before), pass_no__gt=1)
    came.subtract(_by_piece(came_back, "entered_at", marks))
    return Nurture(
        now=came.total(),
        due=due(filters, at).count(),
        balances=list(accumulate(came[piece] for piece in range(len(frame.parts)))),
    )


def _by_piece(rows: Journeys, column: str, marks: Marks) -> Counter[int]:
    """How many of these fall before each mark, and after the last; without a date before all of them."""
    grouped = rows.annotate(piece=marks.number(F(column))).values_list("piece").annotate(n=Count("*")).order_by()
    counts: Counter[int] = Counter()
    for piece, n in grouped:
        counts[piece or 0] += n
    return counts
