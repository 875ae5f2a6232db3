"""Nurture as an inventory: recycled leads wait there until their next pass begins."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, Value

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
    return _recycled(filters).filter(~Exists(_next_pass()))


def due(filters: Filters, at: datetime) -> Journeys:
    """Of these, the ones whose next look is due by today."""
    return in_nurture(filters).filter(revisit_on__lte=filters.calendar.today(at))


def held(filters: Filters) -> Journeys:
    """What nurture held at the end of the period; what it holds now where none is set."""
    if filters.instants is None:
        return in_nurture(filters)
    _, end = filters.instants
    came_back = _next_pass().filter(Q(entered_at__lt=end) | Q(entered_at=None))
    return _recycled(filters).filter(Q(closed_at__lt=end) | Q(closed_at=None)).filter(~Exists(came_back))


def _next_pass() -> Journeys:
    # That it is no first pass goes without saying, but the planner does not know: few journeys are not.
    return Journey.objects.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no") + 1, pass_no__gt=1)


def _recycled(filters: Filters) -> Journeys:
    merged = Lead.objects.filter(merged_into__isnull=False).values("pk")
    return Journey.objects.filter(filters.whose(), outcome=Outcome.RECYCLED).exclude(lead__in=merged)


def measure(filters: Filters, frame: Frame, at: datetime) -> Nurture:
    """The inventory of `filters`. Three queries: what it holds now, and what came and went since the first part ended.

    Balances are counted back from now, so that the cost follows the frame and not all the years before it.
    """
    ends = [part.instants(filters.calendar.zone)[1] for part in frame.parts]
    is_due = Q(revisit_on__lte=filters.calendar.today(at))
    held_now = in_nurture(filters).aggregate(now=Count("*"), due=Count(Value(1), filter=is_due))
    balances = _balances(filters, ends, held_now["now"]) if ends else []
    return Nurture(now=held_now["now"], due=held_now["due"], balances=balances)


def _balances(filters: Filters, ends: Sequence[datetime], now: int) -> list[int]:
    """What nurture held at each of `ends`: now, minus who came after it, plus who came back after it."""
    marks = Marks(ends)
    before = _recycled(filters).filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no") - 1)
    came = _by_piece(_recycled(filters).filter(closed_at__gte=ends[0]), "closed_at", marks)
    came.subtract(
        _by_piece(Journey.objects.filter(Exists(before), pass_no__gt=1, entered_at__gte=ends[0]), "entered_at", marks)
    )
    return [now - sum(n for piece, n in came.items() if piece > number) for number in range(len(ends))]


def _by_piece(rows: Journeys, column: str, marks: Marks) -> Counter[int]:
    """How many of these lie in each piece of time."""
    grouped = rows.annotate(piece=marks.number(F(column))).values_list("piece").annotate(n=Count("*")).order_by()
    return Counter(dict(grouped))
