"""Rates of history: what has ripened, from how many; the season of last year; and how a quarter goes."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from alignment.lib.periods import Period
from alignment.people.models import Company
from leads.milestones import Milestone, Outcome
from leads.models import Opportunity, Reason
from sla import history
from sla.pace import WeekSoFar, pace
from sla.promises import so_far
from sla.quarters import FiscalCalendar
from sla.terms import ACCEPTED, DEAL, LAG, OPPORTUNITY, WON
from tests.factories import make_journey
from tests.sla.agreements import make_agreement, make_heads, quarter_of

AT = datetime(2026, 11, 18, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
CALENDAR = FiscalCalendar(1, 1)


def mqls(count, at, reached=Milestone.MQL, **fields):
    for _ in range(count):
        make_journey(reached, mql_at=at, **fields)


@pytest.mark.django_db
class TestRates:
    def test_too_few_cases_are_no_rate(self):
        mqls(29, AT - 100 * DAY)
        rate = history.rates(at=AT, zone=BERLIN)[ACCEPTED]
        assert (rate.value, rate.n) == (None, 29)

    def test_only_leads_that_had_time_to_ripen_count(self):
        long_ago, lag = AT - 200 * DAY, 20 * DAY
        mqls(20, long_ago, Milestone.SQL, accepted_at=long_ago + lag, sql_at=long_ago + lag)
        mqls(20, long_ago)
        mqls(50, AT - 5 * DAY)  # nobody can know yet whether sales accepts these
        rate = history.rates(at=AT, zone=BERLIN)[ACCEPTED]
        assert (rate.value, rate.n) == (Decimal("0.5"), 40)
        assert rate.period == Period(date(2025, 10, 29), date(2026, 10, 28))

    def test_returning_and_merged_passes_are_no_first_mqls(self):
        mqls(30, AT - 100 * DAY, Milestone.SQL)
        mqls(30, AT - 100 * DAY, outcome=Outcome.MERGED, ended_at=AT)
        mqls(30, AT - 100 * DAY, pass_no=2)
        rate = history.rates(at=AT, zone=BERLIN)[ACCEPTED]
        assert (rate.value, rate.n) == (Decimal(1), 30)

    def test_opportunities_are_counted_once_for_each_deal(self):
        day = AT - 100 * DAY
        mqls(20, day, Milestone.SQL)
        mqls(20, day, Milestone.SQO, sqo_at=day + DAY)
        mqls(10, day, Milestone.SQO, sqo_at=day + DAY, is_primary=False)
        rate = history.rates(at=AT, zone=BERLIN)[OPPORTUNITY]
        assert (rate.value, rate.n) == (Decimal("0.4"), 50)

    def test_deals_give_the_win_rate_the_average_and_nothing_of_other_kinds(self):
        facts = {"currency": "EUR", "created_at": AT, "closed_at": AT - 3 * DAY}
        rows = [Opportunity(name="Won", state="won", amount=Decimal(900 + at), **facts) for at in range(31)]
        rows += [Opportunity(name="Lost", state="lost", amount=Decimal(5), **facts) for _ in range(69)]
        rows += [Opportunity(name="More", state="won", kind="expansion", amount=Decimal(9), **facts)]
        rows += [Opportunity(name="Old", state="won", amount=9, **{**facts, "closed_at": AT - 400 * DAY})]
        rows += [Opportunity(name="Mistake", state="lost", withdrawn_at=AT, **facts)]
        Opportunity.objects.bulk_create(rows)
        found = history.rates(at=AT, zone=BERLIN)
        assert (found[WON].value, found[WON].n) == (Decimal("0.31"), 100)
        assert (found[DEAL].value, found[DEAL].n) == (Decimal("915.00"), 31)

    def test_the_lag_is_the_median_from_mql_to_won(self):
        day = AT - 300 * DAY
        for days in (*range(20, 50), 400):
            won_at = day + days * DAY
            make_journey(Milestone.WON, Outcome.WON, mql_at=day, won_at=won_at, closed_at=won_at, ended_at=won_at)
        rate = history.rates(at=AT, zone=BERLIN)[LAG]
        assert (rate.value, rate.n) == (Decimal(35), 31)


@pytest.mark.django_db
class TestSeason:
    def test_weeks_weigh_as_those_of_last_year(self):
        for week, count in ((date(2025, 9, 29), 10), (date(2025, 10, 6), 30)):
            mqls(count, datetime(week.year, week.month, week.day, 9, tzinfo=BERLIN))
        weights, told = history.season(quarter_of(AT.date()), CALENDAR, BERLIN)
        assert weights == [Decimal(10), Decimal(30), *[Decimal(0)] * 12]
        assert told.n == 40

    def test_last_year_may_not_have_enough(self):
        mqls(29, datetime(2025, 10, 8, tzinfo=UTC))
        assert history.season(quarter_of(AT.date()), CALENDAR, BERLIN)[0] == []


def week(planned, came, elapsed=1.0):
    return WeekSoFar(planned, came, elapsed)


class TestPace:
    def test_the_rest_comes_at_the_pace_so_far(self):
        found = pace([week(10, 8), week(10, 12), week(10, 7), week(20, 3, 0.5), week(10, 0, 0)])
        assert (found.came, found.planned, found.to_date) == (30, 60, 40)
        assert (found.ahead, found.forecast) == (-10, 45)
        # Around a pace of 7.5 a week: 0.5² + 4.5² + 0.5² = 20.75; ÷ 2; root; × 1.28 × √1.5 weeks to come.
        assert found.high - found.forecast == pytest.approx(1.28 * (20.75 / 2) ** 0.5 * 1.5**0.5)
        assert found.low == pytest.approx(45 - (found.high - 45))

    def test_a_quarter_that_is_over_leaves_nothing_to_forecast(self):
        found = pace([week(10, 8), week(10, 12), week(10, 7)])
        assert (found.low, found.forecast, found.high) == (27, 27, 27)

    def test_it_never_forecasts_fewer_than_came(self):
        found = pace([week(10, 60), week(10, 0), week(10, 0), week(10, 0, 0.1)])
        assert found.low == 60

    @pytest.mark.parametrize("weeks", [[], [WeekSoFar(10, 3, 0.0)], [WeekSoFar(0, 3, 1.0)]])
    def test_before_anything_is_due_there_is_no_forecast(self, weeks):
        found = pace(weeks)
        assert (found.forecast, found.low, found.share) == (None, None, None)

    def test_two_weeks_give_no_range(self):
        assert pace([week(10, 5), week(10, 5), week(10, 1, 0.2)]).low is None


@pytest.mark.django_db
class TestSoFar:
    def test_weeks_are_settled_by_month(self):
        Company.objects.update(time_zone="Europe/Berlin")
        make_agreement(AT.date(), *make_heads(), at=datetime(2026, 9, 20, tzinfo=UTC))
        mqls(60, datetime(2026, 9, 28, 0, 30, tzinfo=BERLIN))  # Monday; still Sunday in UTC
        mqls(3, datetime(2026, 9, 27, 23, 30, tzinfo=BERLIN))
        mqls(2, datetime(2026, 10, 7, tzinfo=UTC), pass_no=2)
        kept = so_far(quarter_of(AT.date()), AT)
        october, november, december = kept.months
        assert [len(month.weeks) for month in kept.months] == [5, 4, 5]
        assert (october.came, october.is_settled, october.is_missed) == (60, True, True)
        assert (november.is_settled, november.has_begun, december.has_begun) == (False, True, False)
        assert kept.weeks[0].short == 0
        assert kept.weeks[1].is_short
        assert kept.pace.planned == 667
        assert 0 < kept.weeks[7].elapsed < 1

    def test_quality_is_of_what_was_decided_in_the_quarter(self):
        make_agreement(AT.date(), *make_heads())
        miss = Reason.objects.filter(kind="reject", counts_as_miss=True).first()
        other = Reason.objects.filter(kind="reject", counts_as_miss=False).first()
        day = datetime(2026, 11, 3, tzinfo=UTC)
        mqls(3, day - 90 * DAY, Milestone.SQL, accepted_at=day)
        for reason, closed_at in ((miss, day), (other, day), (miss, day - 90 * DAY)):
            mqls(1, day - 90 * DAY, outcome=Outcome.REJECTED, reason=reason, closed_at=closed_at, ended_at=closed_at)
        kept = so_far(quarter_of(AT.date()), AT)
        assert (kept.quality.accepted, kept.quality.missed, kept.promised) == (3, 1, Decimal("0.75"))
