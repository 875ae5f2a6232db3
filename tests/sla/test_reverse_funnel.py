"""From a revenue target to MQLs by week: the arithmetic against an independent oracle, and the fiscal calendar."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.lib.periods import Period
from sla.quarters import FiscalCalendar
from sla.reverse_funnel import Aim, Rates, apportion, need

WEIGHTS = st.lists(st.decimals(0, 1000, places=3), min_size=1, max_size=14).filter(any)
SHARES = st.decimals("0.01", 1, places=4)
DAYS = st.dates(date(1991, 1, 1), date(2099, 12, 1))
FISCAL = st.builds(FiscalCalendar, st.integers(1, 7), st.integers(1, 12))
Q4 = Period(date(2026, 10, 1), date(2026, 12, 31))


def seats(total, weights):
    """The oracle: hand out one by one, always to whoever lacks most; the earlier one where they lack the same."""
    whole = sum(Fraction(weight) for weight in weights)
    parts = [total * Fraction(weight) // whole for weight in weights]
    while sum(parts) < total:
        lacks = [total * Fraction(weight) / whole - part for weight, part in zip(weights, parts, strict=True)]
        parts[lacks.index(max(lacks))] += 1
    return parts


class TestApportion:
    @given(st.integers(0, 100_000), WEIGHTS)
    def test_parts_add_up_and_are_those_of_the_oracle(self, total, weights):
        parts = apportion(total, weights)
        assert sum(parts) == total
        assert parts == seats(total, weights)

    @given(st.integers(0, 10_000), WEIGHTS)
    def test_each_part_is_its_share_rounded_up_or_down(self, total, weights):
        whole = sum(map(Fraction, weights))
        for part, weight in zip(apportion(total, weights), weights, strict=True):
            assert abs(part - total * Fraction(weight) / whole) < 1

    def test_equal_remainders_go_to_the_earlier_weeks(self):
        assert apportion(5, [Decimal(1)] * 3) == [2, 2, 1]

    @pytest.mark.parametrize("weights", [[], [Decimal(0)], [Decimal(3), Decimal(-1)]])
    def test_weights_that_share_nothing_out_are_refused(self, weights):
        with pytest.raises(ValueError, match=r"weight|empty"):
            apportion(3, weights)


class TestNeed:
    def test_each_step_divides_the_one_before(self):
        found = need(Fraction(600_000), Rates(Decimal(12_000), Decimal("0.25"), Decimal("0.5"), Decimal("0.6")))
        assert (found.deals, found.sqos, found.sqls) == (50, 200, 400)
        assert found.exact_mqls == Fraction(2000, 3)
        assert found.mqls == 667

    @given(st.integers(1, 10**9), st.decimals(1, 10**6, places=2), SHARES, SHARES, SHARES)
    def test_the_mqls_bring_the_revenue_and_one_fewer_would_not(self, revenue, deal, won, opportunity, accepted):
        mqls = need(Fraction(revenue), Rates(deal, won, opportunity, accepted)).mqls
        each = Fraction(deal) * Fraction(won) * Fraction(opportunity) * Fraction(accepted)
        assert mqls * each >= revenue > (mqls - 1) * each


class TestAim:
    def test_what_is_won_after_the_quarter_counts_towards_the_next_target(self):
        aim = Aim(Decimal(920), Decimal(1840), Decimal("0.5"), 23)
        assert aim.in_time(Q4) == Fraction(69, 92)
        assert aim.revenue(Q4) == (690 + 460) / Fraction(2)

    def test_a_lag_beyond_the_quarter_leaves_the_next_target_alone(self):
        assert Aim(Decimal(1), Decimal(700), Decimal(1), 400).revenue(Q4) == 700


class TestFiscalCalendar:
    @given(FISCAL, DAYS)
    def test_each_week_belongs_to_one_quarter_and_one_month(self, fiscal, day):
        quarter = fiscal.quarter(day)
        weeks = fiscal.weeks(quarter)
        assert fiscal.week(day) in weeks
        assert 12 <= len(weeks) <= 14
        assert all(week.first.isoweekday() == fiscal.week_starts_on for week in weeks)
        assert [week for month in fiscal.months(quarter) for week in month.weeks] == weeks

    @given(FISCAL, DAYS)
    def test_quarters_follow_each_other_without_gap_or_overlap(self, fiscal, day):
        quarter = fiscal.quarter(day)
        following = fiscal.next_quarter(quarter)
        assert fiscal.weeks(following)[0].first == fiscal.weeks(quarter)[-1].first + timedelta(days=7)
        assert (quarter.first.month - fiscal.year_starts_in) % 3 == 0

    def test_a_week_goes_where_most_of_its_days_are(self):
        fiscal = FiscalCalendar(1, 1)
        assert fiscal.quarter(date(2026, 9, 30)).first == date(2026, 10, 1)  # Mon 28 Sep to Sun 4 Oct
        assert fiscal.weeks(Q4)[0].first == date(2026, 9, 28)

    @pytest.mark.parametrize(
        ("starts_in", "first", "name"),
        [
            (1, date(2026, 10, 1), "Q4 2026"),
            (7, date(2026, 10, 1), "Q2 of 2026/27"),
            (2, date(2027, 1, 1), "Q4 of 2026/27"),
            (12, date(2099, 12, 1), "Q1 of 2099/00"),
        ],
    )
    def test_quarters_are_named_by_the_fiscal_year(self, starts_in, first, name):
        fiscal = FiscalCalendar(1, starts_in)
        quarter = fiscal.quarter(first + timedelta(days=10))
        assert fiscal.name(quarter) == name
