"""The list of target accounts: the only writer of it, beside the rule of `leads.profiles.matching`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from alignment.lib.company_names import company_key
from alignment.lib.domains import registrable
from alignment.ops import audit
from leads import lifecycle
from leads.accounts import AccountsChanged
from leads.causes import Cause
from leads.models import Account, TargetAccount
from leads.models.target import TargetOrigin
from leads.signals import targets_changed

MOST_LINES = 5000


@dataclass(frozen=True, slots=True)
class Added:
    """What came of an addition: the accounts that are new on the list, how many stood on it, and lines nobody knows."""

    account_ids: tuple[int, ...]
    known: int
    unknown: tuple[str, ...] = ()


@transaction.atomic
def add(
    *,
    account_ids: Iterable[int],
    cause: Cause,
    origin: str = TargetOrigin.MANUAL,
    note: str = "",
    leads_locked: bool = False,
) -> Added:
    """Put accounts on the list; those that stand on it stay as they are. The same statements for any number.

    `leads_locked`, here and below, as `leads.accounts.AccountsChanged` has it.
    """
    wanted = list(dict.fromkeys(account_ids))
    standing = set(
        TargetAccount.objects.filter(account__any_of=wanted, removed_at=None).values_list("account_id", flat=True)
    )
    fresh = [account_id for account_id in wanted if account_id not in standing]
    now = lifecycle.database_now()
    TargetAccount.objects.bulk_create(
        [
            TargetAccount(account_id=account_id, origin=origin, note=note, added_by_id=cause.actor_id, added_at=now)
            for account_id in fresh
        ],
        ignore_conflicts=True,
    )
    if fresh:
        audit.record(
            action="targets_added", actor_id=cause.actor_id, subject_kind="account", subject_ids=fresh,
            detail={"origin": origin},
        )  # fmt: skip
        targets_changed.send(sender=add, batch=AccountsChanged(cause, tuple(fresh), leads_locked))
    return Added(tuple(fresh), len(standing))


@transaction.atomic
def bring(*, lines: Sequence[str], cause: Cause, note: str = "") -> Added:
    """Put the accounts that these lines name on the list: each a domain, or the name of a company that is known.

    Lines that name nobody are returned; they make no accounts.
    """
    named = [line.strip() for line in lines if line.strip()][:MOST_LINES]
    domains = {line: _domain(line) for line in named}
    keys = {line: company_key(line) for line in named}
    by_domain = dict(Account.objects.filter(domain__any_of=set(domains.values()) - {""}).values_list("domain", "pk"))
    by_name: dict[str, int] = {}
    for key, pk in Account.objects.filter(name_key__any_of=set(keys.values()) - {""}).values_list("name_key", "pk"):
        by_name.setdefault(key, pk)
    found = {line: by_domain.get(domains[line]) or by_name.get(keys[line]) for line in named}
    added = add(
        account_ids=[pk for pk in found.values() if pk], cause=cause, origin=TargetOrigin.IMPORT, note=note
    )  # fmt: skip
    return Added(added.account_ids, added.known, tuple(line for line, pk in found.items() if pk is None))


@transaction.atomic
def remove(*, account_ids: Iterable[int], cause: Cause, leads_locked: bool = False) -> int:
    """Take accounts off the list; returns how many stood on it. The rule does not bring them back."""
    rows = TargetAccount.objects.filter(account__any_of=list(account_ids), removed_at=None)
    taken = list(rows.values_list("account_id", flat=True))
    rows.update(removed_at=lifecycle.database_now(), removed_by=cause.actor_id)
    if taken:
        audit.record(
            action="targets_removed", actor_id=cause.actor_id, subject_kind="account", subject_ids=taken
        )  # fmt: skip
        targets_changed.send(sender=remove, batch=AccountsChanged(cause, tuple(taken), leads_locked))
    return len(taken)


def _domain(line: str) -> str:
    """The domain in “www.acme.com”, “https://acme.com/en” or “ana@acme.com”; blank for a name."""
    text = line.lower().rpartition("//")[2].partition("/")[0].rpartition("@")[2].removeprefix("www.")
    return registrable(text) if "." in text and " " not in text else ""
