"""Where one side tells the other what it thinks of the lead."""

from typing import TYPE_CHECKING

from alignment.desk.panels.panel import Panel, Told
from alignment.people.models import Side
from alignment.people.permissions import can

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage


def _told(page: "LeadPage") -> Told | None:
    """Whom it reaches, as far as the lead says; None where the visitor has nothing to say."""
    lead = page.lead
    if not can(page.user, "lead.feedback") or lead.merged_into_id:
        return None
    if page.user.side == Side.MARKETING:
        return {"to": "sales", "reader": lead.owner}
    return {"to": "marketing", "reader": lead.campaign.owner if lead.campaign else None}


FEEDBACK = Panel("desk/panels/feedback.html", _told)
