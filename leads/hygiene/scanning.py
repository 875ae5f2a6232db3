"""Looking at leads that are new or changed: their keys, what they lack, who they may be. Cost follows their number."""

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from alignment.lib import batch
from alignment.lib.domains import is_free
from alignment.people.models import Company
from leads.hygiene import duplicates
from leads.hygiene.duplicates import Probe, keys_of
from leads.models import Lead, LeadKeys
from leads.models.hygiene import Lack
from leads.models.lead import Consent

SLICE = 1_000
COMPARED = ("mailbox", "phone", "person", "company", "name_block", "first_block", "last_block")
_COLUMNS = ("name", "email", "email_key", "email_domain", "phone", "company_name", "account_id", "source_id", "consent")


def catch_up(*, within: timedelta = timedelta(seconds=20)) -> int:
    """Look at what is stale, slice by slice, each committed; begins none after `within`. Returns how many leads."""
    stop_at, looked, after = time.monotonic() + within.total_seconds(), 0, 0
    while found := _slice(LeadKeys.objects.filter(lead_id__gt=after), SLICE):
        looked, after = looked + len(found), found[-1]
        if time.monotonic() > stop_at:
            break
    return looked


def scan(*, lead_ids: Collection[int] | None = None, limit: int = SLICE) -> int:
    """Look at the next leads that are stale (of `lead_ids`, if given); returns how many there were."""
    among = LeadKeys.objects.all() if lead_ids is None else LeadKeys.objects.filter(lead_id__any_of=lead_ids)
    return len(_slice(among, limit))


@transaction.atomic
def _slice(among: "QuerySet[LeadKeys]", limit: int) -> list[int]:
    """The leads that were looked at, in ascending order.

    One scan runs at a time, since two would not see each other's leads; another one finds none at once.
    """
    if not _is_alone():
        return []
    stale = among.filter(is_stale=True).order_by("lead_id").select_for_update()
    found = list(stale.values_list("lead_id", flat=True)[:limit])
    if found:
        look_at(found)
    return found


def look_at(lead_ids: Collection[int]) -> None:
    """Bring keys, lacks and pairs of these leads up to date, in the caller's transaction; the same statements for any
    number. Whose keys are what they were is not compared again. Only `scan`, and what is taken back afterwards, may do
    so: two at once do not see each other's leads.
    """
    region = Company.get().phone_region
    leads = Lead.objects.standing().filter(pk__any_of=lead_ids).order_by("pk")
    known = leads.values("pk", *_COLUMNS, *(f"keys__{name}" for name in COMPARED))
    rows = {row["pk"]: row | {"phone_text": row["phone"]} | keys_of(row, region) for row in known}
    batch.update(LeadKeys, [_columns(pk, row) for pk, row in rows.items()], key=("lead_id",))
    # A lead that was merged or taken back since has no keys.
    LeadKeys.objects.filter(lead_id__any_of=[pk for pk in lead_ids if pk not in rows]).delete()
    changed = {pk: row for pk, row in rows.items() if any(row[name] != row[f"keys__{name}"] for name in COMPARED)}
    duplicates.renew([_probe(no, pk, row) for no, (pk, row) in enumerate(changed.items())])


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('accord.hygiene'))")
        return bool(cursor.fetchone()[0])


def _columns(pk: int, row: Mapping[str, Any]) -> batch.Row:
    keys = {name: row[name] for name in COMPARED}
    return {"lead_id": pk, **keys, "lacks": [lack.value for lack in lacks(row)], "is_stale": False}


def _probe(no: int, pk: int, row: Mapping[str, Any]) -> Probe:
    return Probe(no, pk, account_id=row["account_id"], **{name: row[name] for name in COMPARED})


def lacks(row: Mapping[str, Any]) -> Iterable[Lack]:
    """What is missing or wrong in a lead with these columns; `phone` is the normalised key, `phone_text` as given."""
    has_company = bool(row["company_name"] or row["account_id"])
    is_reachable = bool(row["email_key"] or row["phone"])
    said = {
        Lack.NAME: not row["name"],
        Lack.REACH: not is_reachable,
        Lack.COMPANY: not has_company,
        Lack.SOURCE: row["source_id"] is None,
        Lack.CONSENT: is_reachable and row["consent"] == Consent.UNKNOWN,
        Lack.FREE_MAIL: has_company and bool(row["email_key"]) and is_free(row["email_domain"]),
        Lack.BAD_EMAIL: bool(row["email"]) and not row["email_key"],
        Lack.BAD_PHONE: bool(row["phone_text"]) and not row["phone"],
    }
    return [lack for lack, holds in said.items() if holds]
