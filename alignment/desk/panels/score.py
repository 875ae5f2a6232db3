"""How ready the lead is, and what made it so."""

from typing import TYPE_CHECKING

from alignment.desk.panels.panel import Panel, Told

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage


def _score(page: "LeadPage") -> Told:
    return {"card": page.score}


SCORE = Panel("desk/panels/score.html", _score)
