"""From a revenue target back to MQLs a week, each step of the arithmetic kept to be shown. Pure and exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from alignment.lib.periods import Period


@dataclass(frozen=True, slots=True)
class Aim:
    """What the MQLs of a quarter are to bring: bookings in the company's currency.

    They are won `lag_days` later: the part of them that this quarter still sees counts towards its `target`, the rest
    towards `next_target`. `share` is marketing's, 0 to 1.
    """

    target: Decimal
    next_target: Decimal
    share: Decimal
    lag_days: int

    def in_time(self, quarter: Period) -> Fraction:
        """Which part of the MQLs of `quarter` is won while it lasts, where they come evenly; 0 to 1."""
        return Fraction(max(0, quarter.days - self.lag_days), quarter.days)

    def revenue(self, quarter: Period) -> Fraction:
        """What marketing's MQLs of `quarter` are to bring."""
        now = self.in_time(quarter)
        return (Fraction(self.target) * now + Fraction(self.next_target) * (1 - now)) * Fraction(self.share)


@dataclass(frozen=True, slots=True)
class Rates:
    """The average deal in the company's currency, and shares between 0 and 1: won of SQOs, SQOs of SQLs, SQLs of MQLs.
    All of them are above 0.
    """

    deal: Decimal
    won: Decimal
    opportunity: Decimal
    accepted: Decimal


@dataclass(frozen=True, slots=True)
class Need:
    """How many of each the revenue asks for, not rounded; `mqls` is what is promised: no fewer would do."""

    revenue: Fraction
    deals: Fraction
    sqos: Fraction
    sqls: Fraction
    exact_mqls: Fraction

    @property
    def mqls(self) -> int:
        return ceil(self.exact_mqls)


def need(revenue: Fraction, rates: Rates) -> Need:
    """Revenue ÷ average deal ÷ win rate ÷ SQO rate ÷ acceptance."""
    deals = revenue / Fraction(rates.deal)
    sqos = deals / Fraction(rates.won)
    sqls = sqos / Fraction(rates.opportunity)
    return Need(revenue, deals, sqos, sqls, sqls / Fraction(rates.accepted))


def apportion(total: int, weights: Sequence[Decimal]) -> list[int]:
    """`total` in whole parts that add up to it, by largest remainder: each is its exact share rounded up or down. Where
    remainders are equal, the earlier part gets the one. Raises ValueError without a weight above 0.
    """
    whole = sum(map(Fraction, weights), Fraction(0))
    if whole <= 0 or min(weights) < 0:
        raise ValueError("At least one week needs a weight above 0, and none below.")
    exact = [total * Fraction(weight) / whole for weight in weights]
    parts = [int(each) for each in exact]
    by_remainder = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts
