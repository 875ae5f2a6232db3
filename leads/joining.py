"""What a lead that stands already takes from drafts that turn out to be it."""

from collections.abc import Sequence
from typing import Any

from alignment.lib import batch
from leads import matching
from leads.hygiene.marking import mark
from leads.models import Lead
from leads.models.lead import Consent
from leads.searching import reindex

TEXTS = ("name", "email", "phone", "title", "seniority", "company_name", "product_interest")
KEYS = ("source_id", "campaign_id", "segment_id", "territory_id", "account_id")

Changes = dict[str, tuple[Any, Any]]
"""Column → (before, after)."""


def join(
    lead_ids: Sequence[int], created: set[int], incoming: Sequence[dict[str, Any]], overwrite: bool
) -> dict[int, Changes]:
    """Fill in (or, with `overwrite`, replace) what leads that stand already were told; returns what changed."""
    told: dict[int, list[dict[str, Any]]] = {}
    fresh = set(created)
    for lead_id, columns in zip(lead_ids, incoming, strict=True):
        if lead_id in fresh:
            fresh.discard(lead_id)  # the draft that made it
        else:
            told.setdefault(lead_id, []).append(columns)
    if not told:
        return {}
    names = [*TEXTS, "email_key", "email_domain", *KEYS, "consent", "do_not_contact", "attributes"]
    leads = Lead.objects.filter(pk__any_of=told).order_by("pk").select_for_update(no_key=True)
    standing = {row["pk"]: row for row in leads.values("pk", *names)}
    taken = matching.known_emails([row["email_key"] for rows in told.values() for row in rows if row["email_key"]])
    changed = []
    for pk, before in standing.items():
        after = dict(before)
        for columns in told[pk]:
            _fill(after, columns, overwrite, email_is_free=taken.get(columns["email_key"], pk) == pk)
        if after != before:
            after["id"] = after.pop("pk")
            changed.append(after)
    batch.update(Lead, changed)
    reindex([row["id"] for row in changed])
    mark([row["id"] for row in changed])
    return {
        row["id"]: {
            name: (standing[row["id"]][name], row[name]) for name in names if row[name] != standing[row["id"]][name]
        }
        for row in changed
    }


def _fill(lead: dict[str, Any], told: dict[str, Any], overwrite: bool, *, email_is_free: bool) -> None:
    for name in (*TEXTS, *KEYS):
        if told[name] and (overwrite or not lead[name]) and name != "email":
            lead[name] = told[name]
    if told["email_key"] and email_is_free and (overwrite or not lead["email_key"]):
        lead |= {name: told[name] for name in ("email", "email_key", "email_domain")}
    if told["consent"] != Consent.UNKNOWN:
        lead["consent"] = told["consent"]
    lead["do_not_contact"] = lead["do_not_contact"] or told["do_not_contact"]
    given, kept = told["attributes"], lead["attributes"]
    lead["attributes"] = {**kept, **given} if overwrite else {**given, **kept}
