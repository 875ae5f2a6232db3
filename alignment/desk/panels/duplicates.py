"""Who may be the same person."""

from typing import TYPE_CHECKING

from django.db.models import Exists, Q

from alignment.desk.panels.panel import Asked, Panel, Told
from alignment.people.permissions import can
from leads.hygiene import duplicates

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage

MOST = 4


def _asks(page: "LeadPage") -> Asked:
    pairs = duplicates.to_decide().order_by()
    return {"has_suspects": Exists(pairs.filter(Q(first=page.pk) | Q(second=page.pk)))}


def _suspects(page: "LeadPage") -> Told | None:
    """The leads that may be this one, with the evidence; no query where there is none."""
    if not page.beside["has_suspects"]:
        return None
    found = [(other, duplicates.evidence_of(pair).sentence) for other, pair in duplicates.around(page.pk)[:MOST]]
    return {"suspects": found, "may_merge": can(page.user, "lead.merge")}


DUPLICATES = Panel("desk/panels/duplicates.html", _suspects, _asks)
