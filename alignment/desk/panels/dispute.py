"""The panel that says whether a lead is disputed, and leads to contesting what may be."""

from typing import TYPE_CHECKING

from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from alignment.desk.panels.panel import Asked, Panel, Told
from alignment.people.permissions import can
from sla.contesting import contested_by
from sla.models import Dispute

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage


def _asks(page: "LeadPage") -> Asked:
    newest = Dispute.objects.filter(lead=OuterRef("pk"), transition__pass_no=OuterRef("pass_no")).order_by("-id")
    told = JSONObject(id="id", kind="kind", verdict="verdict", by="raised_by__name")
    return {"dispute": Subquery(newest.values(told=told)[:1])}


def _read(page: "LeadPage") -> Told | None:
    dispute, lead = page.beside["dispute"], page.lead
    if dispute and not dispute["verdict"]:
        return {"dispute": dispute}
    kind = contested_by(lead, page.user) if can(page.user, "dispute.raise") and not lead.merged_into_id else None
    if kind and not (dispute and dispute["kind"] == kind):
        return {"dispute": None, "kind": kind}
    return {"dispute": dispute} if dispute else None


DISPUTE = Panel("desk/panels/dispute.html", _read, _asks)
