"""Both heads hear once that marketing's plan will be missed at its pace."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alignment.ops.models import Notification, OutboxMessage
from leads.milestones import Milestone
from sla.behind import tell_of_plans_behind
from tests.factories import make_channel, make_journey
from tests.sla.agreements import make_agreement, make_heads

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 18, 12, tzinfo=UTC)
SIGNED = datetime(2026, 9, 20, tzinfo=UTC)


@pytest.fixture
def heads():
    return make_heads()


def mqls(count, at=AT - timedelta(days=20)):
    for _ in range(count):
        make_journey(Milestone.MQL, mql_at=at)


def test_both_heads_hear_once_for_each_version(heads):
    version = make_agreement(AT.date(), *heads, at=SIGNED)
    mqls(60)
    make_channel(occasions=["plan_behind"])
    hours = [AT + timedelta(hours=hour) for hour in range(3)]
    assert [tell_of_plans_behind(at=at) for at in hours] == [2, 0, 0]
    told = Notification.objects.get(user=heads[0], kind="plan_behind")
    assert "Q4 2026" in told.title
    assert "of 667 promised MQLs" in told.title
    assert "60 came where" in told.body
    assert told.url == f"/agreement/{version.scope}/{version.number}/"
    assert OutboxMessage.objects.filter(recipient__in=heads, subject__contains="At its pace").count() == 2
    assert OutboxMessage.objects.exclude(destination=None).count() == 1, "a channel hears of it once"

    make_agreement(AT.date(), *heads, at=AT, target=Decimal(1_200_000))
    assert tell_of_plans_behind(at=AT + timedelta(hours=4)) == 2


@pytest.mark.parametrize("first", [datetime(2026, 9, 29, 9, tzinfo=UTC), datetime(2026, 10, 14, 9, tzinfo=UTC)])
def test_nobody_is_alarmed_before_three_weeks_are_over(heads, first):
    make_agreement(AT.date(), *heads, at=SIGNED)
    assert tell_of_plans_behind(at=first) == 0
    assert tell_of_plans_behind(at=datetime(2026, 10, 20, 9, tzinfo=UTC)) == 2


def test_a_plan_that_is_kept_is_no_news(heads):
    make_agreement(AT.date(), *heads, at=SIGNED)
    mqls(500)
    assert tell_of_plans_behind(at=AT) == 0


def test_only_what_both_signed_is_a_promise(heads):
    make_agreement(AT.date(), heads[1])
    assert tell_of_plans_behind(at=AT) == 0


def test_it_costs_few_queries_once_all_is_told(heads, django_assert_max_num_queries):
    make_agreement(AT.date(), *heads, at=SIGNED)
    tell_of_plans_behind(at=AT)
    with django_assert_max_num_queries(5):  # with the savepoint
        assert tell_of_plans_behind(at=AT) == 0
