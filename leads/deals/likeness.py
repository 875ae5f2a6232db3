"""Deals that may be the same one twice: open, of one account, and alike in name, or in amount and date."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from alignment.lib import batch
from leads import lifecycle
from leads.causes import Cause
from leads.models import DistinctDeals

ALIKE = 0.6
"""From this similarity of the trigrams on (0 to 1), names are alike; the name of the account itself does not count."""
NEAR_AMOUNT = Decimal("0.1")
NEAR_DAYS = 31


@dataclass(frozen=True, slots=True)
class Likeness:
    """Another open deal of the account, and what speaks for its being the same one."""

    pk: int
    name: str
    owner: str
    amount: Decimal | None
    currency: str
    expected_close_on: date | None
    alike: float
    is_near: bool

    @property
    def evidence(self) -> str:
        """What speaks for it, as a sentence."""
        parts = []
        if self.alike >= ALIKE:
            parts.append("the same name" if self.alike == 1 else f"a name that is {self.alike:.0%} alike")
        if self.is_near:
            parts.append(f"an amount within {NEAR_AMOUNT:.0%} and a close within {NEAR_DAYS} days")
        return f"Open, of the same account, with {' and '.join(parts)}."


_GIVEN = """
    SELECT id, account_id, name, base_amount, expected_close_on FROM leads_opportunity
    WHERE id = ANY(%(deals)s) AND state = 'open' AND withdrawn_at IS NULL AND account_id IS NOT NULL
"""
_DRAFT = """
    SELECT 0::bigint AS id, %(account)s::bigint AS account_id, %(name)s::text AS name, %(base)s::numeric AS base_amount,
        %(on)s::date AS expected_close_on
"""
_LOOK = """
    WITH given AS ({given}), compared AS (
        SELECT given.id AS given_id, other.id, other.name, owner.name AS owner, other.amount, other.currency,
            other.expected_close_on,
            CASE
                WHEN upper(given.name) = upper(other.name) THEN 1
                ELSE similarity(
                    replace(upper(given.name), upper(account.name), ''),
                    replace(upper(other.name), upper(account.name), '')
                )
            END AS alike,
            coalesce(
                abs(given.base_amount - other.base_amount) <= %(near)s * greatest(given.base_amount, other.base_amount)
                AND abs(given.expected_close_on - other.expected_close_on) <= %(days)s,
                false
            ) AS is_near
        FROM given
        JOIN leads_opportunity other ON other.account_id = given.account_id AND other.id <> given.id
        JOIN leads_account account ON account.id = given.account_id
        LEFT JOIN people_user owner ON owner.id = other.owner_id
        WHERE other.state = 'open' AND other.withdrawn_at IS NULL AND NOT EXISTS (
            SELECT FROM leads_distinctdeals apart
            WHERE apart.first_id = least(given.id, other.id) AND apart.second_id = greatest(given.id, other.id)
        )
    )
    SELECT given_id, id, name, coalesce(owner, '') AS owner, amount, currency, expected_close_on, alike, is_near
    FROM compared WHERE alike >= %(alike)s OR is_near
    ORDER BY given_id, alike DESC, id DESC
"""


def look(opportunity_ids: Collection[int]) -> dict[int, list[Likeness]]:
    """Each of these deals that may be there twice → the others, the most alike first; one query."""
    found: dict[int, list[Likeness]] = {}
    if opportunity_ids:
        for given_id, likeness in _read(_GIVEN, {"deals": list(opportunity_ids)}):
            found.setdefault(given_id, []).append(likeness)
    return found


def look_for(
    *, account_id: int | None, name: str, base_amount: Decimal | None, expected_close_on: date | None
) -> list[Likeness]:
    """Open deals that one which is about to be opened may be; one query, none without an account."""
    if account_id is None:
        return []
    params = {"account": account_id, "name": name, "base": base_amount, "on": expected_close_on}
    return [likeness for _, likeness in _read(_DRAFT, params)]


def _read(given: str, params: dict[str, Any]) -> Iterable[tuple[int, Likeness]]:
    with connection.cursor() as cursor:
        cursor.execute(_LOOK.format(given=given), params | {"near": NEAR_AMOUNT, "days": NEAR_DAYS, "alike": ALIKE})
        return [(given_id, Likeness(*rest)) for given_id, *rest in cursor.fetchall()]


@transaction.atomic
def tell_apart(*, opportunity_id: int, others: Collection[int], cause: Cause) -> None:
    """Somebody knows that these deals are not the same one; one statement."""
    now = lifecycle.database_now()
    batch.insert(
        DistinctDeals,
        [
            {
                "first_id": min(opportunity_id, other), "second_id": max(opportunity_id, other),
                "said_by_id": cause.actor_id, "said_at": now,
            }
            for other in set(others) - {opportunity_id}
        ],
        conflict="ON CONFLICT DO NOTHING",
    )  # fmt: skip
