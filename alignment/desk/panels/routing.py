"""Why the lead went to whom: the newest decision of routing, with its candidates."""

from typing import TYPE_CHECKING

from django.db.models import Exists

from alignment.desk.panels.panel import Asked, Panel, Told
from leads.models import RoutingDecision
from leads.routing import explaining

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage


def _asks(page: "LeadPage") -> Asked:
    return {"was_routed": Exists(RoutingDecision.objects.filter(lead=page.pk))}


def _routing(page: "LeadPage") -> Told | None:
    """Two queries more for a lead that was routed."""
    if not page.beside["was_routed"]:
        return None
    newest = RoutingDecision.objects.filter(lead=page.pk).order_by("-id")
    [(decision, lines)] = explaining.with_lines(newest.select_related("version", "pool", "user", "opportunity")[:1])
    return {
        "decision": decision,
        "headline": explaining.headline(decision),
        "rule": explaining.rule_name(decision),
        "lines": lines,
    }


ROUTING = Panel("desk/panels/routing.html", _routing, _asks)
