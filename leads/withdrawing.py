"""Taking back leads that should never have come in: their rows stay, and they leave every list and figure.

A withdrawn lead is a tombstone. Its moves and holders stay as they were; its last move says that it was taken back, its
journeys go, its clocks are cancelled, its touches are taken back with it, and its address and external ids, and theirs,
are free for another lead.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction

from alignment.lib import arrays, batch
from leads import lifecycle, matching, touches
from leads.causes import Cause
from leads.editing import Edited
from leads.holders import Assignment, hold
from leads.hygiene.marking import forget, mark
from leads.joining import Changes
from leads.models import ExternalReference, Lead
from leads.searching import reindex
from leads.signals import leads_edited

_FACTS = (
    "name", "email", "phone", "title", "seniority", "company_name", "product_interest", "consent", "do_not_contact",
    "attributes", "source_id", "campaign_id", "segment_id", "territory_id", "account_id", "owner_id",
)  # fmt: skip

_FINGERPRINT = f"""
    SELECT lead.id, md5(ROW(
        {", ".join(f"lead.{name}" for name in _FACTS)},
        (SELECT count(*) FROM leads_touchpoint touch WHERE touch.lead_id = lead.id)
    )::text)
    FROM leads_lead lead WHERE lead.id = ANY(%s::bigint[])
"""

_ADDRESS = ("email", "email_key", "email_domain")


def fingerprints(lead_ids: Collection[int]) -> dict[int, str]:
    """Lead → a digest of its facts, its owner and the number of its touches: it differs once somebody has changed the
    lead or worked on it. One query.
    """
    if not lead_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FINGERPRINT, [arrays.literal(lead_ids)])
        return dict(cursor.fetchall())


@transaction.atomic
def withdraw(*, lead_ids: Collection[int], cause: Cause, note: str) -> lifecycle.Moved:
    """Take leads back; the same statements for any number. Their names in other systems are free for other leads."""
    moved = lifecycle.withdraw(lead_ids=lead_ids, cause=cause, note=note)
    references = ExternalReference.objects.filter(lead__any_of=moved.lead_ids, released_at=None)
    references.update(released_at=moved.recorded_at)
    touches.withdraw_with(lead_ids=moved.lead_ids, cause=cause)
    forget(moved.lead_ids)
    return moved


@transaction.atomic
def restore(*, changes: Mapping[int, Changes], cause: Cause) -> dict[int, list[str]]:
    """Put columns of leads, and who holds them, back to what they were, where they still are what `changes` (column →
    before, after) says; the same statements for any number. Returns lead → columns that were changed since and stay.
    """
    leads = Lead.objects.standing().filter(pk__any_of=changes).order_by("pk").select_for_update(no_key=True)
    names = sorted({name for each in changes.values() for name in each} | {"name"})
    standing = {row["pk"]: row for row in leads.values("pk", *names)}
    old_keys = [each["email_key"][0] for each in changes.values() if each.get("email_key", ("",))[0]]
    taken = matching.known_emails(old_keys)
    kept: dict[int, list[str]] = {}
    restored = []
    for pk, row in standing.items():
        stays = _changed_since(row, changes[pk], is_free=taken.get(changes[pk].get("email_key", ("",))[0], pk) == pk)
        if stays:
            kept[pk] = sorted(stays)
        back = {name: before for name, (before, _) in changes[pk].items() if name not in stays}
        restored.append({"id": pk, **{name: value for name, value in row.items() if name != "pk"}, **back})
    _write(restored, changes, kept, cause)
    return kept


def _changed_since(row: Mapping[str, Any], changes: Changes, *, is_free: bool) -> set[str]:
    """The columns that are not what they were left as; an address goes back as a whole, and only if it is free."""
    stays = {name for name, (_, after) in changes.items() if row[name] != after}
    if not is_free or not stays.isdisjoint(_ADDRESS):
        stays |= set(_ADDRESS) & changes.keys()
    return stays


def _write(
    restored: list[batch.Row], changes: Mapping[int, Changes], kept: Mapping[int, list[str]], cause: Cause
) -> None:
    holders = [
        Assignment(row["id"], row["owner_id"])
        for row in restored
        if "owner_id" in changes[row["id"]] and "owner_id" not in kept.get(row["id"], ())
    ]
    batch.update(Lead, [{name: value for name, value in row.items() if name != "owner_id"} for row in restored])
    reindex([row["id"] for row in restored])
    mark([row["id"] for row in restored])
    if holders:
        hold(assignments=holders, cause=cause)
    if restored:
        leads_edited.send(sender=restore, batch=Edited(cause, tuple(row["id"] for row in restored)))
