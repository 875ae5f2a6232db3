"""Who else is known at the lead's company."""

from typing import TYPE_CHECKING

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models.functions import JSONObject

from alignment.desk.panels.panel import Asked, Panel, Told
from leads.milestones import Outcome
from leads.models import Lead

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage

MOST_PEOPLE = 5


def _asks(page: "LeadPage") -> Asked:
    others = Lead.objects.standing().filter(account=page.lead.account_id).exclude(pk=page.pk).newest_first()
    told = others.values(
        one=JSONObject(
            pk="pk", name="name", email="email", title="title", owner="owner__name", stage="stage__name",
            side="stage__owning_side", outcome="outcome",
        )
    )  # fmt: skip
    return {"colleagues": ArraySubquery(told[: MOST_PEOPLE + 1])} if page.lead.account_id else {}


def _people(page: "LeadPage") -> Told | None:
    """The colleagues who moved last, and whether there are more than these."""
    found = [_told(one) for one in page.beside.get("colleagues", [])]
    if not found:
        return None
    return {"account": page.lead.account, "people": found[:MOST_PEOPLE], "more": len(found) > MOST_PEOPLE}


def _told(one: dict[str, str]) -> Told:
    name = one["name"] or one["email"] or f"Lead {one['pk']}"
    return {**one, "display_name": name, "outcome": Outcome(one["outcome"]).label if one["outcome"] else ""}


PEOPLE = Panel("desk/panels/people.html", _people, _asks)
