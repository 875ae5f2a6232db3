"""Finding the profile of each account, and the target accounts that the rule names: two statements for all accounts."""

from collections.abc import Collection
from typing import Any

from django.db import connection, transaction

from alignment.lib import arrays
from alignment.ops import versions
from alignment.people.models import User
from leads.accounts import AccountsChanged
from leads.causes import Cause
from leads.conditions import compiled
from leads.milestones import CauseSource
from leads.models import ProfileVersion
from leads.profiles import rules
from leads.profiles.rules import Profiles, read
from leads.signals import profiles_changed


@transaction.atomic
def publish(*, draft: ProfileVersion, by: User, note: str = "") -> ProfileVersion:
    """Let the draft count, and find the profile of every account by it.

    Raises ProfileError where it cannot count, and StaleDraftError where the draft moved on.
    """
    published = versions.publish(draft, by=by, check=rules.checked, note=note)
    refresh(cause=Cause(CauseSource.PAGE, by.pk))
    return published


@transaction.atomic
def refresh(*, cause: Cause) -> tuple[int, ...]:
    """Let profiles and rule-made targets follow the facts of all accounts, and `profiles_changed` say of which they are
    others now. Returns those.

    Publishing calls it; a task does every few minutes, for the accounts that came in meanwhile.
    """
    changed = follow(account_ids=None)
    if changed:
        profiles_changed.send(sender=refresh, batch=AccountsChanged(cause, changed))
    return changed


@transaction.atomic
def follow(*, account_ids: Collection[int] | None) -> tuple[int, ...]:
    """The same of these accounts (None: all) for whoever changed their facts, and tells of them already."""
    version = ProfileVersion.published()
    if version is None:
        return ()
    profiles = read(version.body)
    chosen = None if account_ids is None else arrays.literal(account_ids)
    return tuple(sorted({*_profile(profiles, chosen), *_target(profiles, chosen)}))


# Of all accounts, or of those in an array.
_AMONG = "(%s::bigint[] IS NULL OR account.id = ANY(%s::bigint[]))"


def _profile(profiles: Profiles, chosen: str | None) -> list[int]:
    """The first profile that an account meets, best tier first; written only where it is another one than before."""
    keys, tiers, params = [], [], []
    for profile in profiles.profiles:
        test = compiled(profile.condition)
        keys.append(f"WHEN {test.text} THEN %s::int")
        params += [*test.params, len(keys) - 1]
        tiers.append((profile.key, profile.tier))
    place = f"CASE {' '.join(keys)} END" if keys else "NULL::int"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH met AS MATERIALIZED (SELECT account.id, {place} AS place FROM leads_account account WHERE {_AMONG}),"
            " found AS (SELECT met.id, named.key, named.tier FROM met"
            " JOIN unnest(%s::text[], %s::int[]) WITH ORDINALITY named(key, tier, at) ON named.at = met.place + 1),"
            " gone AS (DELETE FROM leads_accountprofile old USING met WHERE met.id = old.account_id AND NOT EXISTS"
            " (SELECT 1 FROM found WHERE found.id = old.account_id) RETURNING old.account_id),"
            " stored AS (INSERT INTO leads_accountprofile (account_id, profile, tier, found_at)"
            " SELECT id, key, tier, clock_timestamp() FROM found ORDER BY id ON CONFLICT (account_id) DO UPDATE"
            " SET profile = excluded.profile, tier = excluded.tier, found_at = excluded.found_at"
            " WHERE (leads_accountprofile.profile, leads_accountprofile.tier) <> (excluded.profile, excluded.tier)"
            " RETURNING account_id)"
            " SELECT account_id FROM gone UNION ALL SELECT account_id FROM stored",
            [*params, chosen, chosen, [key for key, _ in tiers], [tier for _, tier in tiers]],
        )
        return _keys(cursor)


def _keys(cursor: Any) -> list[int]:
    return [account_id for (account_id,) in cursor.fetchall()]


def _target(profiles: Profiles, chosen: str | None) -> list[int]:
    """Accounts that meet the rule join the list; those that the rule brought and that meet it no longer leave it.

    Who was taken off by hand is not brought back by the rule.
    """
    test = compiled(profiles.targets) if profiles.targets else None
    meets = test.text if test else "FALSE"
    params = [*(test.params if test else ()), chosen, chosen]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE leads_targetaccount target SET removed_at = clock_timestamp() FROM leads_account account"
            " WHERE account.id = target.account_id AND target.origin = 'rule' AND target.removed_at IS NULL"
            f" AND NOT ({meets}) AND {_AMONG} RETURNING target.account_id",
            params,
        )
        left = _keys(cursor)
        cursor.execute(
            "INSERT INTO leads_targetaccount (account_id, origin, note, added_at)"
            " SELECT account.id, 'rule', '', clock_timestamp() FROM leads_account account"
            f" WHERE {meets} AND {_AMONG} AND NOT EXISTS (SELECT 1 FROM leads_targetaccount target"
            " WHERE target.account_id = account.id"
            " AND (target.removed_at IS NULL OR target.removed_by_id IS NOT NULL)) ORDER BY account.id"
            " ON CONFLICT DO NOTHING RETURNING account_id",
            params,
        )
        return left + _keys(cursor)
