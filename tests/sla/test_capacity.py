"""The capacity clause: what comes above it starts no clock, is seen, and is charged to neither side."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignment.desk.queue import Queue
from alignment.lib.business_time import Hours
from alignment.lib.periods import Period
from alignment.people.models import Company, Role, Side
from dashboards.filters import Filters, Span
from dashboards.metrics import promises
from leads import lifecycle
from leads.causes import Promise
from leads.milestones import Milestone
from leads.models import Journey, Reason
from sla import history
from sla.models import AboveCapacity, Clock
from tests.factories import make_calendar, make_team, make_user
from tests.sla.agreements import make_agreement, make_heads
from tests.sla.stories import NOON, arrive, cause, touch

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def rep():
    return make_user(Role.REP, team=make_team(Side.SALES))


DAY = NOON.date()


def agree(day=DAY, per_rep=2):
    return make_agreement(day, *make_heads(), per_rep=per_rep)


def handed_over(rep, count, at=NOON, **more):
    return arrive((Milestone.MQL, at), leads=count, owner_id=rep.pk, **more)


def above(leads):
    return sorted(AboveCapacity.objects.filter(lead__in=leads).values_list("lead_id", flat=True))


def owed(leads):
    return sorted(Clock.objects.dispositions().filter(lead__in=leads).values_list("lead_id", flat=True))


class TestHandOver:
    def test_what_comes_above_starts_no_clock(self, rep):
        version = agree()
        leads = [*handed_over(rep, 1), *handed_over(rep, 2, NOON + HOUR), *handed_over(rep, 1, NOON + 2 * HOUR)]
        assert owed(leads) == leads[:2]
        assert above(leads) == leads[2:]
        row = AboveCapacity.objects.get(lead=leads[3])
        assert (row.holder, row.most, row.falls_on, row.agreement) == (rep, 2, NOON.date(), version)

    def test_each_rep_and_each_day_count_by_themselves(self, rep):
        agree()
        other = make_user(Role.REP, team=rep.team)
        leads = [*handed_over(rep, 2), *handed_over(other, 2), *handed_over(rep, 2, NOON + 24 * HOUR)]
        assert above(leads) == []
        assert len(owed(leads)) == 6

    def test_days_are_those_of_the_company(self, rep):
        Company.objects.update(time_zone="Asia/Tokyo")
        agree()
        before = datetime(2026, 3, 3, 23, 50, tzinfo=ZoneInfo("Asia/Tokyo"))
        leads = [*handed_over(rep, 2, before), *handed_over(rep, 2, before + HOUR)]  # one day in UTC
        assert above(leads) == []

    def test_a_weekend_counts_for_monday(self, rep):
        week = {day: [Hours(9 * 60, 17 * 60)] for day in range(1, 6)}
        Company.objects.update(calendar=make_calendar(week=week))
        agree()
        saturday = datetime(2026, 3, 7, 12, tzinfo=UTC)
        leads = [*handed_over(rep, 1, saturday), *handed_over(rep, 2, saturday + timedelta(days=2))]
        assert above(leads) == leads[2:]
        assert AboveCapacity.objects.get().falls_on == date(2026, 3, 9)

    def test_without_a_clause_in_force_everything_is_owed(self, rep):
        make_agreement(NOON.date(), per_rep=1)  # nobody signed
        make_agreement(date(2026, 11, 18), *make_heads(), per_rep=1)  # another quarter
        leads = handed_over(rep, 5)
        assert (above(leads), owed(leads)) == ([], leads)
        agree(per_rep=None)
        assert above(handed_over(rep, 5)) == []

    def test_leads_in_no_ones_hands_and_history_are_never_above(self, rep):
        agree(per_rep=1)
        assert above(arrive(leads=3)) == []
        assert above(handed_over(rep, 3, promise=Promise.HISTORY)) == []

    def test_it_stays_so_for_the_pass(self, rep):
        agree(per_rep=1)
        first, second = handed_over(rep, 2)
        lifecycle.reject(lead_ids=[first], reason_id=Reason.objects.offered("reject").first().pk, cause=cause())
        touch(second, NOON + HOUR)
        assert (above([first, second]), owed([first, second])) == ([second], [first])
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            AboveCapacity.objects.all().delete()

    def test_who_accepts_one_owes_it_a_touch(self, rep):
        agree(per_rep=1)
        _, second = handed_over(rep, 2)
        lifecycle.accept(lead_ids=[second], cause=cause(NOON + HOUR))
        assert list(Clock.objects.filter(lead=second).values_list("subject_kind", flat=True)) == ["worked"]

    def test_the_statements_do_not_grow_with_the_leads(self, rep):
        agree(per_rep=1)
        handed_over(rep, 1)
        counts = []
        for leads in (1, 40):
            with CaptureQueriesContext(connection) as queries:
                handed_over(rep, leads)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_nothing_is_wrong_with_the_data(self, rep, capsys):
        now = lifecycle.database_now()
        agree(now.date(), per_rep=1)
        assert len(above(handed_over(rep, 3, now))) == 2
        call_command("verify")


class TestSeen:
    def test_the_queue_has_a_group_of_its_own(self, rep):
        agree(per_rep=1)
        leads = handed_over(rep, 2, lifecycle.database_now())
        agree(lifecycle.database_now().date(), per_rep=1)
        leads = handed_over(rep, 2, lifecycle.database_now())
        groups = {group.state: [lead.pk for lead in group.leads] for group in Queue(rep, {}, at=NOON).groups}
        assert groups["above"] == above(leads)
        client = Client()
        client.force_login(rep)
        page = client.get("/queue/").content.decode()
        assert "Waits for its turn" in page
        assert "No promise runs" not in page

    def test_the_page_of_the_lead_says_why(self, rep):
        agree(per_rep=1)
        _, second = handed_over(rep, 2)
        client = Client()
        client.force_login(rep)
        page = client.get(f"/leads/{second}/").content.decode()
        assert "Above capacity" in page
        assert "has 1 place for 2 March, and all were taken" in page


class TestChargedToNeither:
    def test_its_rejection_is_no_miss_of_marketing_and_its_silence_no_breach_of_sales(self, rep):
        agree(per_rep=1)
        leads = handed_over(rep, 3)
        miss = Reason.objects.filter(kind="reject", counts_as_miss=True, is_offered=True).first()
        at = NOON + HOUR
        lifecycle.reject(lead_ids=leads[:2], reason_id=miss.pk, cause=cause(at))
        day = Period(NOON.date(), NOON.date())
        assert history.decided(day, ZoneInfo("UTC")).missed == 1
        filters = Filters(span=Span.DATES, period=day)
        kept = promises.measure(filters, NOON + 100 * HOUR).kept
        assert (kept.rejected, kept.missed) == (2, 1)
        assert promises.decided(filters).count() == kept.decided == 1
        assert Clock.objects.dispositions().breached(NOON + 100 * HOUR).count() == 0
        assert Journey.objects.filter(lead__in=leads, pass_no=1).count() == 3
