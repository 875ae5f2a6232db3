"""Facts of accounts that people change; what an account is found again by stays as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from alignment.ops import audit
from leads.causes import Cause
from leads.models import Account
from leads.signals import accounts_changed

EDITABLE = ("name", "industry", "employees", "annual_revenue", "country", "owner")


@dataclass(frozen=True, slots=True)
class AccountsChanged:
    """Which accounts are others than before, to whoever sells to their people. `leads_locked`: this transaction has
    locked leads already, so that it locks no others: those are locked in ascending order.
    """

    cause: Cause
    account_ids: tuple[int, ...]
    leads_locked: bool = False


@transaction.atomic
def change(*, account_id: int, changes: Mapping[str, Any], cause: Cause) -> Account:
    """Change facts of one account (any of `EDITABLE`); the audit log says what they were."""
    account = Account.objects.select_for_update(no_key=True, of=("self",)).get(pk=account_id)
    told = {}
    for name in EDITABLE:
        if name in changes and changes[name] != getattr(account, name):
            told[name] = [_said(getattr(account, name)), _said(changes[name])]
            setattr(account, name, changes[name])
    if told:
        account.save(update_fields=list(told))
        audit.record(
            action="account_changed", actor_id=cause.actor_id, subject_kind="account", subject_ids=[account_id],
            detail=told,
        )  # fmt: skip
        accounts_changed.send(sender=change, batch=AccountsChanged(cause, (account_id,)))
    return account


def _said(value: Any) -> str:
    return "" if value is None else str(value)
