"""Changing what is known about a lead: its facts, never where it stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from alignment.lib import batch
from alignment.lib.emails import domain_of, email_key_or_blank
from leads import lifecycle, matching
from leads.causes import Cause
from leads.drafts import Draft
from leads.hygiene.marking import mark
from leads.models import Lead
from leads.searching import reindex
from leads.signals import leads_edited

FIELDS = (
    "name", "email", "phone", "title", "seniority", "company_name", "product_interest", "consent", "do_not_contact",
    "source_id", "campaign_id", "segment_id", "territory_id",
)  # fmt: skip
"""What can be changed. Source, campaign, segment and territory count from the lead's next pass on."""

CLASSES = ("source_id", "campaign_id", "segment_id", "territory_id")
"""Those of them that group leads."""

Changes = Mapping[str, tuple[int | None, int | None]]
"""Column → (before, after)."""


@dataclass(frozen=True, slots=True)
class Edited:
    """Which leads changed."""

    cause: Cause
    lead_ids: tuple[int, ...]


class EmailTakenError(Exception):
    """Another lead has this address already: `lead`."""

    def __init__(self, lead: Lead) -> None:
        super().__init__(f"{lead.display_name} has this e-mail address already.")
        self.lead = lead


@transaction.atomic
def edit(*, lead_id: int, changes: Mapping[str, Any], cause: Cause) -> Lead:
    """Change `FIELDS` of one lead and what follows from them. Raises EmailTakenError, and Lead.DoesNotExist."""
    lead = Lead.objects.standing().select_for_update(no_key=True).get(pk=lead_id)
    before = {name: getattr(lead, name) for name in FIELDS}
    after = before | {name: changes[name] for name in FIELDS if name in changes}
    if after == before:
        return lead
    key = email_key_or_blank(after["email"])
    _require_free(key, lead_id)
    columns = {**after, "email_key": key, "email_domain": domain_of(key)}
    if (after["email"], after["company_name"]) != (before["email"], before["company_name"]):
        draft = Draft(company_name=after["company_name"])
        [columns["account_id"]] = matching.accounts([draft], [key], lifecycle.database_now())
    try:
        with transaction.atomic():
            batch.update(Lead, [{"id": lead_id, **columns}])
    except IntegrityError:
        # Somebody took the address in this moment.
        _require_free(key, lead_id)
        raise
    reindex([lead_id])
    mark([lead_id])
    leads_edited.send(sender=edit, batch=Edited(cause, (lead_id,)))
    lead.refresh_from_db()
    return lead


@transaction.atomic
def classify(*, lead_ids: Iterable[int], changes: Mapping[str, int | None], cause: Cause) -> dict[int, Changes]:
    """Give leads the same values of `CLASSES`; the same statements for any number.

    Returns lead → column → (before, after), of the leads that changed.
    """
    if unknown := changes.keys() - CLASSES:
        raise LookupError(f"Leads are not classified by {', '.join(sorted(unknown))}.")
    leads = Lead.objects.standing().filter(pk__any_of=list(lead_ids)).order_by("pk").select_for_update(no_key=True)
    changed: dict[int, Changes] = {
        row["pk"]: {name: (row[name], value) for name, value in changes.items() if row[name] != value}
        for row in leads.values("pk", *changes)
    }
    changed = {pk: told for pk, told in changed.items() if told}
    batch.update(Lead, [{"id": pk, **changes} for pk in changed])
    if changed:
        leads_edited.send(sender=classify, batch=Edited(cause, tuple(changed)))
    return changed


def _require_free(key: str, lead_id: int) -> None:
    other = Lead.objects.standing().filter(email_key=key).exclude(pk=lead_id).first() if key else None
    if other:
        raise EmailTakenError(other)
