"""The panel that says what comes next with a lead that is under way."""

from typing import TYPE_CHECKING

from django.utils import timezone

from alignment.desk.panels.panel import Panel, Told
from alignment.people.permissions import can
from leads.models import FollowUp, Lead
from leads.views.following import forms_for

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage


def planned(lead: Lead) -> FollowUp | None:
    """The plan for this pass (`follow_up` is loaded); None where there is none."""
    plan = getattr(lead, "follow_up", None)
    return plan if plan and plan.pass_no == lead.pass_no else None


def read(page: "LeadPage") -> Told | None:
    """Also what the preview in the queue shows."""
    lead = page.lead
    if not lead.is_open or lead.merged_into_id or not can(page.user, "lead.follow_up", lead):
        return None
    return forms_for(lead, planned(lead)) | {"today": timezone.localdate(page.at)}


FOLLOW_UP = Panel("desk/panels/follow_up.html", read)
