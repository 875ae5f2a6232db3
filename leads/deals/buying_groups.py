"""The people around a deal: who belongs to its buying group, and in which role."""

from collections.abc import Collection, Iterable, Mapping

from django.db import transaction

from alignment.lib import batch
from leads import lifecycle
from leads.causes import Cause
from leads.deals.changes import Change, record, tell
from leads.models import Journey, Opportunity, OpportunityContact

ROLES = (
    "Decision maker", "Economic buyer", "Champion", "Technical evaluator", "User", "Influencer", "Procurement",
    "Legal", "Blocker",
)  # fmt: skip
"""The roles that a page offers; an import may know others."""

FIELD = "contact"


@transaction.atomic
def introduce(*, contacts: Iterable[OpportunityContact]) -> None:
    """Add leads to buying groups; who belongs to one already stays as it is. One statement."""
    batch.insert(
        OpportunityContact,
        [
            {
                "opportunity_id": each.opportunity_id, "lead_id": each.lead_id, "role": each.role,
                "is_primary": each.is_primary,
            }
            for each in contacts
        ],
        conflict="ON CONFLICT DO NOTHING",
    )  # fmt: skip


@transaction.atomic
def name_roles(*, opportunity_id: int, roles: Mapping[int, str], cause: Cause) -> int:
    """Say in which role leads (by key) belong to a deal; who does not yet belongs to it from now on. Returns how many
    are new or have another role.
    """
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    standing = dict(OpportunityContact.objects.filter(opportunity=deal).values_list("lead_id", "role"))
    changed = {lead_id: role for lead_id, role in roles.items() if standing.get(lead_id) != role}
    batch.insert(
        OpportunityContact,
        [
            {"opportunity_id": deal.pk, "lead_id": lead_id, "role": role, "is_primary": False}
            for lead_id, role in changed.items()
        ],
        conflict="ON CONFLICT (opportunity_id, lead_id) DO UPDATE SET role = excluded.role",
    )
    _record(deal, {lead_id: (standing.get(lead_id), role) for lead_id, role in changed.items()}, cause)
    return len(changed)


@transaction.atomic
def dismiss(*, opportunity_id: int, lead_ids: Collection[int], cause: Cause) -> int:
    """Take leads out of the buying group of a deal. Those whose journey joined it, or carries it, stay. Returns how
    many left.
    """
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    joined = Journey.objects.filter(opportunity=deal, lead__in=lead_ids).values("lead")
    leaving = OpportunityContact.objects.filter(opportunity=deal, lead__in=lead_ids, is_primary=False).exclude(
        lead__in=joined
    )
    roles = dict(leaving.values_list("lead_id", "role"))
    leaving.filter(lead__in=roles).delete()
    _record(deal, {lead_id: (role, None) for lead_id, role in roles.items()}, cause)
    return len(roles)


def _record(deal: Opportunity, changed: Mapping[int, tuple[str | None, str | None]], cause: Cause) -> None:
    """A row for each lead: its key and its role, before and after."""
    base = deal.base_amount
    rows = [
        Change(deal.pk, cause.at, FIELD, _said(pk, old), _said(pk, new), deal.currency, deal.rate, base, base)
        for pk, (old, new) in changed.items()
    ]
    if rows:
        record(rows, cause, lifecycle.database_now())
        tell([deal.pk], cause)


def _said(lead_id: int, role: str | None) -> str:
    return "" if role is None else f"{lead_id} {role}".strip()
