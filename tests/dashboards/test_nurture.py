"""Nurture is an inventory: what comes and goes reconciles with what it holds."""

from datetime import UTC, date, datetime

import pytest

from alignment.lib.periods import Period
from dashboards.filters import Filters, Span
from dashboards.metrics import nurture
from dashboards.metrics.frames import Frame
from leads.milestones import Milestone, Outcome
from tests.factories import make_journey

pytestmark = pytest.mark.django_db

AT = datetime(2026, 4, 15, 12, tzinfo=UTC)
SPRING = Filters(span=Span.DATES, period=Period(date(2026, 1, 1), date(2026, 3, 31)))


def recycled(closed_at=None, *, back_at=None, **fields):
    """A recycled pass; with `back_at` the lead came back then."""
    journey = make_journey(Milestone.MQL, Outcome.RECYCLED, closed_at=closed_at, **fields)
    if back_at:
        make_journey(lead=journey.lead, pass_no=2, mgl_at=back_at, mql_at=back_at)
    return journey


def day(month, day_of_month):
    return datetime(2026, month, day_of_month, 9, tzinfo=UTC)


def measured():
    return nurture.measure(SPRING, Frame.cut(SPRING.period, SPRING.calendar), AT)


def test_what_comes_and_goes():
    recycled(day(1, 10))
    recycled(day(1, 20), back_at=day(2, 5))
    recycled(day(2, 20), back_at=day(4, 1))
    recycled(day(4, 10))
    recycled(None)

    found = measured()

    assert (found.now, found.balances) == (3, [3, 3, 3])
    assert nurture.in_nurture(SPRING).count() == found.now


def test_each_balance_opens():
    recycled(day(1, 10), back_at=day(3, 1))
    recycled(day(2, 10))

    found = measured()
    ends = [SPRING.with_period(part) for part in Frame.cut(SPRING.period, SPRING.calendar).parts]

    assert found.balances == [1, 2, 1]
    assert [nurture.held(filters).count() for filters in ends] == found.balances


def test_another_look_is_due_on_its_day():
    recycled(day(1, 10), revisit_on=date(2026, 4, 15))
    recycled(day(1, 10), revisit_on=date(2026, 4, 16))
    recycled(day(1, 10), revisit_on=date(2026, 4, 1), back_at=day(3, 1))

    assert measured().due == 1


def test_merged_leads_wait_for_nothing():
    survivor = recycled(day(1, 10))
    loser = recycled(day(1, 11))
    loser.lead.merged_into = survivor.lead
    loser.lead.save()

    assert measured().now == 1
