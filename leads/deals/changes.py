"""The rows that say what changed about a deal: append-only, and summing up to its amount."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from alignment.lib import batch
from leads.causes import Cause
from leads.models import OpportunityChange
from leads.signals import deals_changed

CENT = Decimal("0.01")
LONGEST = 200

KEPT = (
    "name", "account_id", "kind", "currency", "rate", "amount", "expected_close_on", "probability", "stage_id",
    "owner_id", "product",
)  # fmt: skip
"""The columns whose changes are rows, in the order in which those of one moment follow one another: a rate comes before
the amount that it converts."""

TOLD_AT_OPENING = ("amount", "expected_close_on", "probability", "stage_id", "owner_id")
"""What a deal has from the beginning that later changes are measured by."""


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field of one deal; `at` None means when it was recorded. See `OpportunityChange` for the amounts."""

    opportunity_id: int
    at: datetime | None
    field: str
    old: Any
    new: Any
    currency: str
    rate: Decimal
    base_before: Decimal | None = None
    base_after: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """Deals that were written, in ascending order."""

    cause: Cause
    opportunity_ids: tuple[int, ...]


def tell(opportunity_ids: Iterable[int], cause: Cause) -> None:
    """Send `deals_changed`, unless there are none."""
    if keys := tuple(sorted(opportunity_ids)):
        deals_changed.send(sender=tell, batch=Changed(cause, keys))


def differences(pk: int, before: Mapping[str, Any], after: Mapping[str, Any], *, at: datetime | None) -> list[Change]:
    """What `after` (columns of `KEPT`) says otherwise than `before`, which has currency, rate and amount besides."""
    standing = dict(before)
    found = []
    for name in KEPT:
        if name in after and after[name] != standing[name]:
            old, base = standing[name], base_amount(standing)
            standing[name] = after[name]
            found.append(
                Change(
                    pk, at, name, old, after[name], standing["currency"], standing["rate"], base, base_amount(standing)
                )
            )
    return found


def base_amount(deal: Mapping[str, Any]) -> Decimal | None:
    """The amount in the company's currency, as the database rounds it; None without one."""
    if deal["amount"] is None:
        return None
    return Decimal(deal["amount"] * deal["rate"]).quantize(CENT, ROUND_HALF_UP)


def record(changes: Iterable[Change], cause: Cause, now: datetime) -> None:
    """Write these rows, in their order; one statement."""
    batch.insert(
        OpportunityChange,
        [
            {
                "opportunity_id": each.opportunity_id, "at": each.at or now, "recorded_at": now,
                "actor_id": cause.actor_id, "field": each.field, "old": _text(each.old), "new": _text(each.new),
                "currency": each.currency, "rate": each.rate, "base_before": each.base_before,
                "base_after": each.base_after,
            }
            for each in changes
        ],
    )  # fmt: skip


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:LONGEST]
