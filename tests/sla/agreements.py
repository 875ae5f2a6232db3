"""Agreements for tests: terms that can count, heads, and signed versions."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from alignment.lib.periods import Period, this_quarter
from alignment.people.models import Company, Side, User
from sla import agreements
from sla.models import Agreement
from sla.quarters import FiscalCalendar
from sla.terms import ACCEPTED, DEAL, LAG, OPPORTUNITY, WON, Rate, Terms
from tests.factories import make_team, make_user


def by_hand(value: str) -> Rate:
    return Rate(Decimal(value), reason="As last year")


TERMS = Terms(
    target=Decimal(600_000),
    rates={
        DEAL: by_hand("12000"), WON: by_hand("0.25"), OPPORTUNITY: by_hand("0.5"), ACCEPTED: by_hand("0.6"),
        LAG: by_hand("0"),
    },
    quality=Decimal("0.75"),
    texts={"penalties": "The steering committee hears of it."},
    review_on=date(2100, 12, 1),
)  # fmt: skip
"""600,000 ÷ 12,000 ÷ 0.25 ÷ 0.5 ÷ 0.6 = 666⅔ MQLs."""


def quarter_of(day: date) -> Period:
    company = Company.get()
    return this_quarter(day, fiscal_start=FiscalCalendar.of(company).year_starts_in)


def make_heads() -> tuple[User, User]:
    """The heads of marketing and of sales."""
    marketing = make_user(role="manager", team=make_team(Side.MARKETING))
    sales = make_user(role="manager", team=make_team(Side.SALES))
    Company.objects.update(marketing_head=marketing, sales_head=sales)
    return marketing, sales


def make_agreement(
    day: date, *signers: User, by: User | None = None, at: datetime | None = None, **changes: Any
) -> Agreement:
    """A published version for the fiscal quarter of `day`, signed by these (`at`, else now)."""
    draft = agreements.begin(quarter=quarter_of(day), by=by)
    draft = agreements.change(draft=draft, terms=replace(TERMS, **changes), by=by)
    version = agreements.publish(draft=draft, by=by)
    for signer in signers:
        agreements.sign(version_id=version.pk, by=signer, at=at)
    return version
