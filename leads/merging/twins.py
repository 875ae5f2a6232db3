"""The other lead of the same person: what a rep names when a lead is a duplicate, and merging the two."""

from collections.abc import Sequence

from leads import finding
from leads.causes import Cause
from leads.merging import merging
from leads.models import Lead

SUGGESTED = 5


def suggested(lead: Lead) -> Sequence[Lead]:
    """Leads that may be the same person: those whose name, e-mail or company the lead's name finds. Two queries."""
    words = lead.name or lead.email
    keys = [found.pk for found in finding.find_leads(words, limit=SUGGESTED + 1) if found.pk != lead.pk]
    leads = Lead.objects.in_bulk(keys[:SUGGESTED])
    return [leads[key] for key in keys if key in leads]


def named(text: str, *, beside: Lead) -> Lead | None:
    """The lead that a number, an e-mail address or a name means; None unless it means exactly one other lead."""
    found = [each.pk for each in finding.find_leads(text, limit=3) if not each.is_near and each.pk != beside.pk]
    return Lead.objects.standing().filter(pk=found[0]).first() if len(found) == 1 else None


def merge(*, lead: Lead, other: Lead, cause: Cause, note: str = "") -> merging.Merged:
    """Make one lead of the two, keeping the one that loses least (`merging.keeper`); look at `refused`."""
    kept = merging.keeper([lead.pk, other.pk])
    return merging.merge(survivor_id=kept, loser_ids={lead.pk, other.pk} - {kept}, cause=cause, note=note)
