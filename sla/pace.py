"""How a quarter goes against its plan, and where it leads: stated, simple arithmetic. Pure.

Pace is what came ÷ what was planned to date. The forecast lets the rest of the plan come at that pace. Its range is
1.28 standard deviations of the weeks so far around their pace, grown with the root of the weeks to come (eight of ten).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

LEAST_WEEKS = 3
"""So many weeks must be over before there is a range."""
EIGHT_OF_TEN = 1.28


@dataclass(frozen=True, slots=True)
class WeekSoFar:
    """One week: what was planned and what came. `elapsed` is the share of its working time that has passed, 0 to 1."""

    planned: int
    came: int
    elapsed: float

    @property
    def to_date(self) -> float:
        """The part of its plan that is due by now."""
        return self.planned * self.elapsed


@dataclass(frozen=True, slots=True)
class Pace:
    """`came` against the plan `to_date`, and the `forecast` for the end of the quarter, with its range; None while
    nothing was due yet, the range also while fewer than three weeks are over.
    """

    came: int
    planned: int
    to_date: float
    forecast: float | None
    low: float | None
    high: float | None

    @property
    def ahead(self) -> float:
        """How many more came than were due; negative: fewer."""
        return self.came - self.to_date

    @property
    def behind(self) -> float:
        """How many fewer came than were due."""
        return -self.ahead

    @property
    def share(self) -> float | None:
        """Came ÷ due by now; None while nothing was."""
        return self.came / self.to_date if self.to_date else None


def pace(weeks: Sequence[WeekSoFar]) -> Pace:
    """Of the weeks of a quarter, in order."""
    came, planned = sum(week.came for week in weeks), sum(week.planned for week in weeks)
    to_date = sum(week.to_date for week in weeks)
    if not to_date:
        return Pace(came, planned, to_date, None, None, None)
    ratio = came / to_date
    forecast = came + ratio * (planned - to_date)
    spread = _spread([week for week in weeks if week.elapsed == 1], ratio)
    if spread is None:
        return Pace(came, planned, to_date, forecast, None, None)
    ahead = spread * sqrt(sum(1 - week.elapsed for week in weeks))
    return Pace(came, planned, to_date, forecast, max(float(came), forecast - ahead), forecast + ahead)


def _spread(over: Sequence[WeekSoFar], ratio: float) -> float | None:
    if len(over) < LEAST_WEEKS:
        return None
    squares = sum((week.came - ratio * week.planned) ** 2 for week in over)
    return EIGHT_OF_TEN * sqrt(squares / (len(over) - 1))
