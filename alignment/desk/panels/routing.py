"""Why the lead went to whom: the newest decision of routing, with its candidates."""

from typing import TYPE_CHECKING

from alignment.desk.panels.panel import Panel, Told
from leads.models import RoutingDecision
from leads.routing import explaining

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage


def _routing(page: "LeadPage") -> Told | None:
    """Two queries more for a lead that was routed."""
    if not page.routed:
        return None
    newest = RoutingDecision.objects.filter(lead=page.pk).order_by("-id")
    [(decision, lines)] = explaining.with_lines(newest.select_related("version", "pool", "user", "opportunity")[:1])
    return {
        "decision": decision,
        "headline": page.routed,
        "rule": explaining.rule_name(decision),
        "lines": lines,
    }


ROUTING = Panel("desk/panels/routing.html", _routing)
