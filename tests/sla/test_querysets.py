"""Questions about clocks, and leads with their clocks."""

from datetime import timedelta

import pytest

from alignment.people.models import Role
from leads import lifecycle
from leads.decisions import Step
from leads.milestones import Kind, Milestone
from leads.models import Journey, Lead, Source
from sla.models import Clock
from sla.querysets import Attainment, attainment_of, due_of_pass, with_clock
from tests.factories import make_user
from tests.sla.stories import HOUR, NOON, arrive, cause, clock_of, reason

pytestmark = pytest.mark.django_db

DUE = NOON + 48 * HOUR


def answered(at):
    [lead] = arrive()
    lifecycle.accept(lead_ids=[lead], cause=cause(at))
    return lead


def cancelled():
    [lead] = arrive()
    lifecycle.move(steps=[Step(lead, Kind.MERGE)], cause=cause())
    return lead


def leads_of(clocks):
    return sorted(clocks.values_list("lead_id", flat=True))


class TestClocks:
    def test_running_ones_await_an_answer_overdue_or_not(self):
        [waiting] = arrive()
        answered(NOON + HOUR)
        cancelled()
        assert leads_of(Clock.objects.dispositions().running()) == [waiting]
        assert leads_of(Clock.objects.dispositions().overdue(DUE)) == []
        assert leads_of(Clock.objects.dispositions().overdue(DUE + HOUR)) == [waiting]

    def test_due_within_leaves_out_what_is_overdue_and_what_is_due_later(self):
        _overdue, soon, _later = (arrive((Milestone.MQL, NOON + hours * HOUR))[0] for hours in (0, 10, 30))
        assert leads_of(Clock.objects.due_within(timedelta(hours=8), DUE + 5 * HOUR)) == [soon]

    def test_met_and_breached_share_the_judged_ones(self):
        met, late = answered(DUE), answered(DUE + HOUR)
        [open_one] = arrive()
        cancelled()
        in_time, after = DUE - HOUR, DUE + HOUR
        assert leads_of(Clock.objects.met(in_time)) == leads_of(Clock.objects.met(after)) == [met]
        assert leads_of(Clock.objects.breached(in_time)) == [late]
        assert leads_of(Clock.objects.breached(after)) == [late, open_one]
        assert leads_of(Clock.objects.judged(after)) == [met, late, open_one]

    def test_rows_and_queries_agree_on_the_verdict(self):
        leads = [answered(DUE), answered(DUE + HOUR), cancelled(), *arrive()]
        for at in (DUE - HOUR, DUE, DUE + timedelta(microseconds=1)):
            by_row = [lead for lead in leads if clock_of(lead).is_breached(at)]
            assert leads_of(Clock.objects.breached(at)) == by_row

    def test_attainment_is_by_due_date_and_leaves_out_what_is_not_decided(self, django_assert_num_queries):
        for hours in (1, 2, 3):
            answered(NOON + hours * HOUR)
        answered(DUE + HOUR)
        cancelled()
        arrive()
        arrive((Milestone.MQL, NOON + 24 * HOUR))
        day = Clock.objects.due_between(DUE, DUE + 24 * HOUR)
        with django_assert_num_queries(1):
            assert day.attainment(DUE - HOUR) == Attainment(met=3, breached=1)
        assert day.attainment(DUE + HOUR) == Attainment(met=3, breached=2)
        assert day.attainment(DUE + HOUR).share == 3 / 5

    def test_the_attainment_of_a_user_is_that_of_the_passes_that_count_for_them(self, django_assert_num_queries):
        rep = make_user(Role.REP)
        met, late = answered(DUE), answered(DUE + HOUR)
        theirs = [met, late, *arrive(), cancelled(), *arrive((Milestone.MQL, NOON + 24 * HOUR))]
        arrive()
        Journey.objects.filter(lead__in=theirs).update(owner=rep)
        for at in (DUE - HOUR, DUE + HOUR):
            day = Clock.objects.dispositions().due_between(DUE, DUE + 24 * HOUR).filter(own_pass__owner=rep)
            with django_assert_num_queries(1):
                found = attainment_of(rep.pk, start=DUE, end=DUE + 24 * HOUR, at=at)
            assert found == day.attainment(at)
            assert found.n

    def test_where_nothing_was_due_there_is_no_share(self):
        arrive()
        assert Clock.objects.attainment(NOON).share is None

    def test_a_clock_knows_the_journey_of_its_pass(self):
        first, second = (Source.objects.create(key=key, name=key) for key in ("events", "search"))
        lead, other = *arrive(), *arrive()
        lifecycle.recycle(lead_ids=[lead], cause=cause(NOON + HOUR))
        for pk, source in ((lead, first), (other, second)):
            Lead.objects.get(pk=pk).journeys.update(source=source)
        lifecycle.requalify(lead_ids=[lead], cause=cause())
        rows = Clock.objects.filter(own_pass__source=first)
        assert "leads_lead" not in str(rows.query)
        assert list(rows.values_list("lead_id", "pass_no")) == [(lead, 1)]
        again = Clock.objects.exclude(own_pass__pass_no=1)
        assert list(again.values_list("lead_id", "pass_no")) == [(lead, 2)]


class TestLeads:
    def test_each_lead_comes_with_the_clock_of_its_current_pass(self, django_assert_num_queries):
        [waiting] = arrive()
        done = answered(NOON + HOUR)
        [raw] = arrive((Milestone.MGL, NOON))
        gone = cancelled()
        again = answered(NOON + HOUR)
        lifecycle.lose(lead_ids=[again], reason_id=reason("lose"), cause=cause(NOON + 2 * HOUR))
        lifecycle.requalify(lead_ids=[again], cause=cause(NOON + 100 * HOUR))
        with django_assert_num_queries(1):
            rows = {
                lead.pk: (lead.promised_at, lead.due_at, lead.answered_at) for lead in with_clock(Lead.objects.all())
            }
        assert rows == {
            waiting: (NOON, DUE, None),
            done: (NOON, DUE, NOON + HOUR),
            raw: (None, None, None),
            gone: (None, None, None),
            again: (NOON + 100 * HOUR, DUE + 100 * HOUR, None),
        }

    def test_when_a_pass_is_due_can_be_looked_up_lead_by_lead(self):
        met, again, gone = answered(NOON + HOUR), answered(NOON + HOUR), cancelled()
        lifecycle.reject(lead_ids=[again], reason_id=reason(), cause=cause(DUE))
        lifecycle.requalify(lead_ids=[again], cause=cause(DUE))
        [waiting], without = arrive(), arrive((Milestone.MGL, NOON))[0]
        leads = Lead.objects.annotate(due=due_of_pass(), owed=due_of_pass(running=True)).order_by("pk")
        assert list(leads.values_list("pk", "due", "owed")) == [
            (met, DUE, None), (again, DUE + 48 * HOUR, DUE + 48 * HOUR), (gone, None, None), (waiting, DUE, DUE),
            (without, None, None),
        ]  # fmt: skip
        assert list(with_clock(Lead.objects.order_by("pk")).values_list("due_at", flat=True)) == [
            each.due for each in leads
        ]

    def test_the_queue_is_filtered_and_ordered_by_what_is_due(self):
        first, second, third = (arrive((Milestone.MQL, NOON + hours * HOUR))[0] for hours in (9, 1, 5))
        rows = with_clock(Lead.objects.awaiting_answer()).order_by("due_at")
        assert [lead.pk for lead in rows] == [second, third, first]
        overdue = rows.filter(due_at__lt=DUE + 2 * HOUR)
        assert [lead.pk for lead in overdue] == [second]
