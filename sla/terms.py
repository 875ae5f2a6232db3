"""What an agreement says, as data: reading what is stored, and refusing what cannot count. Pure.

Amounts and shares are stored as text, so that they stay exact. A share is between 0 and 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Self

from django.core.exceptions import ValidationError

from alignment.lib.periods import Period
from sla.reverse_funnel import Aim, Need, Rates, apportion, need

LONGEST_TEXT = 6000
LONGEST_REASON = 300
MOST_MQLS = 1_000_000
MOST_REVENUE = Decimal("999999999999.99")
MOST_LAG = 730
ONE = Decimal(1)

DEAL, WON, OPPORTUNITY, ACCEPTED, LAG = "deal", "won", "opportunity", "accepted", "lag"
RATES: Mapping[str, str] = {
    DEAL: "Average won deal",
    WON: "Win rate: deals won of those closed",
    OPPORTUNITY: "SQL → SQO: accepted leads that become opportunities",
    ACCEPTED: "MQL → SQL: MQLs that sales accepts",
    LAG: "Days from MQL to won",
}
TEXTS: Mapping[str, str] = {
    "purpose": "What both sides want from each other",
    "penalties": "If a promise is broken",
    "consequences": "If it is broken again, or for a whole quarter",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of the arithmetic and where it comes from: `reason` where it was set by hand, else history: `n` cases
    from `first` to `last`. `value` is None until it is known.
    """

    value: Decimal | None = None
    reason: str = ""
    n: int | None = None
    first: date | None = None
    last: date | None = None

    @property
    def is_by_hand(self) -> bool:
        return self.n is None

    @property
    def period(self) -> Period | None:
        """The stretch of history; None where it was set by hand."""
        return Period(self.first, self.last) if self.first and self.last else None

    @classmethod
    def read(cls, stored: Any) -> Self:
        given = stored if isinstance(stored, dict) else {}
        return cls(
            number(given.get("value")), str(given.get("reason", "")), given.get("n"), day(given.get("first")),
            day(given.get("last")),
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"value": None if self.value is None else str(self.value)}
        if self.is_by_hand:
            return told | {"reason": self.reason}
        return told | {"n": self.n, "first": self.first and str(self.first), "last": self.last and str(self.last)}


def number(given: Any) -> Decimal | None:
    """The decimal that is stored as text; None for anything else."""
    try:
        found = Decimal(given) if isinstance(given, str) else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def day(given: Any) -> date | None:
    """The date that is stored as text; None for anything else."""
    try:
        return date.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class PlanWeek:
    """The first day of a week, and how many MQLs are promised in it."""

    first: date
    mqls: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What both sides promise each other. `target` and `next_target` are bookings of this fiscal quarter and of the
    next (None: as this one), `share` marketing's part of them. `quality` is the promised acceptance rate. `season` are
    weights of the weeks, in order (none: all the same), `season_of` says where they come from. `per_rep` are the leads
    for each rep and working day that sales answers for (None: all). `plan`, the versions of `stages` and those of the
    rules that sales answers by (`policies`) stand once the version is published.
    """

    target: Decimal | None = None
    next_target: Decimal | None = None
    share: Decimal = ONE
    rates: Mapping[str, Rate] = field(default_factory=dict)
    quality: Decimal | None = None
    season: Sequence[Decimal] = ()
    season_of: str = ""
    per_rep: int | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    review_on: date | None = None
    plan: Sequence[PlanWeek] = ()
    stages: Sequence[int] = ()
    policies: Sequence[int] = ()

    @classmethod
    def read(cls, body: Any) -> Self:
        """What a stored body says; what is not known is left out, so that a draft can always be shown."""
        given = body if isinstance(body, dict) else {}
        return cls(
            target=number(given.get("target")),
            next_target=number(given.get("next_target")),
            share=ONE if (share := number(given.get("share"))) is None else share,
            rates={key: Rate.read(given.get("rates", {}).get(key)) for key in RATES},
            quality=number(given.get("quality")),
            season=[number(each) or Decimal(0) for each in given.get("season", [])],
            season_of=str(given.get("season_of", "")),
            per_rep=given.get("per_rep"),
            texts={key: str(given.get("texts", {}).get(key, "")) for key in TEXTS},
            review_on=day(given.get("review_on")),
            plan=[PlanWeek(date.fromisoformat(each["week"]), each["mqls"]) for each in given.get("plan", [])],
            stages=list(given.get("stages", [])),
            policies=list(given.get("policies", [])),
        )

    def as_body(self) -> dict[str, Any]:
        """The stored form."""
        return {
            "target": None if self.target is None else str(self.target),
            "next_target": None if self.next_target is None else str(self.next_target),
            "share": str(self.share),
            "rates": {key: self.rate(key).as_json() for key in RATES},
            "quality": None if self.quality is None else str(self.quality),
            "season": [str(each) for each in self.season],
            "season_of": self.season_of,
            "per_rep": self.per_rep,
            "texts": dict(self.texts),
            "review_on": str(self.review_on) if self.review_on else None,
            "plan": [{"week": str(each.first), "mqls": each.mqls} for each in self.plan],
            "stages": list(self.stages),
            "policies": list(self.policies),
        }

    def rate(self, key: str) -> Rate:
        """A number of the arithmetic; without a value where nobody gave one."""
        return self.rates.get(key, Rate())

    def with_rates(self, rates: Mapping[str, Rate]) -> Self:
        """The same terms, with these numbers instead of their own."""
        return replace(self, rates={**self.rates, **rates})

    def aim(self) -> Aim | None:
        """What the MQLs are to bring; None while the target or the lag is not known."""
        lag = self.rate(LAG).value
        if self.target is None or lag is None:
            return None
        return Aim(self.target, self.target if self.next_target is None else self.next_target, self.share, int(lag))

    def need(self, quarter: Period) -> Need | None:
        """The arithmetic of the reverse funnel; None while one of its numbers is not known."""
        aim, values = self.aim(), [self.rate(key).value for key in (DEAL, WON, OPPORTUNITY, ACCEPTED)]
        if aim is None or any(not value or value <= 0 for value in values):
            return None
        return need(aim.revenue(quarter), Rates(*(value for value in values if value)))

    def planned(self, quarter: Period, weeks: Sequence[Period]) -> list[PlanWeek]:
        """The MQLs of each week, which add up to those of the quarter; none while a number is not known."""
        needed = self.need(quarter)
        if needed is None:
            return []
        weights = self.season if len(self.season) == len(weeks) and any(self.season) else [ONE] * len(weeks)
        parts = apportion(needed.mqls, weights)
        return [PlanWeek(week.first, mqls) for week, mqls in zip(weeks, parts, strict=True)]


# What cannot count --------------------------------------------------------------------------------------------


def checked(body: Any, quarter: Period, weeks: Sequence[Period]) -> dict[str, Any]:
    """The body as it is published, with its plan. Raises ValidationError, a sentence for each thing that is wrong."""
    terms = Terms.read(body)
    wrong = [*_wrong_aim(terms), *_wrong_rates(terms), *_wrong_rest(terms, quarter, weeks)]
    if wrong:
        raise ValidationError(wrong)
    needed = terms.need(quarter)
    if needed is None or needed.exact_mqls > Fraction(MOST_MQLS):
        raise ValidationError(f"That would be more than {MOST_MQLS:,} MQLs: look at the rates.")
    return replace(terms, plan=terms.planned(quarter, weeks)).as_body()


def _wrong_aim(terms: Terms) -> list[str]:
    wrong = []
    if terms.target is None or not 0 < terms.target <= MOST_REVENUE:
        wrong.append("Give the revenue target of the quarter.")
    if terms.next_target is not None and not 0 < terms.next_target <= MOST_REVENUE:
        wrong.append("The target of the next quarter is more than nothing.")
    if not 0 < terms.share <= 1:
        wrong.append("Marketing's part of the target is between 1 and 100 per cent.")
    return wrong


def _wrong_rates(terms: Terms) -> list[str]:
    wrong = []
    for key, label in RATES.items():
        rate = terms.rate(key)
        most = {DEAL: MOST_REVENUE, LAG: Decimal(MOST_LAG)}.get(key, ONE)
        least_ok = rate.value is not None and (rate.value >= 0 if key == LAG else rate.value > 0)
        if not least_ok or rate.value is None or rate.value > most:
            wrong.append(f"“{label}” needs a number that can be.")
        elif rate.is_by_hand and not rate.reason.strip():
            wrong.append(f"“{label}” was set by hand: say why.")
    return wrong


def _wrong_rest(terms: Terms, quarter: Period, weeks: Sequence[Period]) -> list[str]:
    wrong = []
    if terms.quality is None or not 0 < terms.quality <= 1:
        wrong.append("Promise a quality: which part of its MQLs sales accepts.")
    if terms.season and (len(terms.season) != len(weeks) or min(terms.season) < 0 or not any(terms.season)):
        wrong.append(f"The season needs a weight for each of the {len(weeks)} weeks, one above 0 and none below.")
    if terms.per_rep is not None and not 0 < terms.per_rep <= 1000:
        wrong.append("Capacity is between 1 and 1000 leads for each rep and working day.")
    if terms.review_on is None or terms.review_on < quarter.first:
        wrong.append("Say on which day of the quarter, or after it, both sides review the agreement.")
    if any(len(text) > LONGEST_TEXT for text in terms.texts.values()):
        wrong.append(f"A text has at most {LONGEST_TEXT} characters.")
    return wrong
