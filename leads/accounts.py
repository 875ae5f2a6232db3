"""Facts of accounts that people change; what an account is found again by stays as it is."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from alignment.ops import audit
from leads.causes import Cause
from leads.models import Account

EDITABLE = ("name", "industry", "employees", "annual_revenue", "country", "owner")


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
    return account


def _said(value: Any) -> str:
    return "" if value is None else str(value)
