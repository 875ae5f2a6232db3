"""What sales owes this lead: the clocks of its pass, each with the receipt behind it, or why nothing is owed."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from alignment.desk.panels.panel import Asked, Panel, Told
from sla.models import AboveCapacity, Clock
from sla.models.policy import span
from sla.subjects import subject
from sla.verdict import is_late

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage


def _asks(page: "LeadPage") -> Asked:
    own = (
        Clock.objects.of_passes().filter(lead=OuterRef("pk"), pass_no=OuterRef("pass_no")).order_by("started_at", "pk")
    )
    told = JSONObject(
        pk="pk", kind="subject_kind", name="policy__name", target="policy__target", unit="policy__unit",
        due_at="due_at", stopped_at="stopped_at", cancelled_at="cancelled_at", paused_until="paused_until",
    )  # fmt: skip
    above = AboveCapacity.objects.filter(lead=OuterRef("pk"), pass_no=OuterRef("pass_no"))
    said = JSONObject(most="most", falls_on="falls_on", holder="holder__name", begins_at="begins_at")
    return {"promised": ArraySubquery(own.values(one=told)), "above": ArraySubquery(above.values(one=said))}


def _clocks(page: "LeadPage") -> Told | None:
    found = [_told(one, page.at) for one in page.beside["promised"]]
    above = next(iter(page.beside["above"]), None)
    if above:
        begins_at = above["begins_at"]
        above = {
            **above, "falls_on": date.fromisoformat(above["falls_on"]),
            "begins_at": datetime.fromisoformat(begins_at) if begins_at else None,
        }  # fmt: skip
    return {"clocks": found, "above": above} if found or above else None


def _told(one: dict[str, str], at: datetime) -> Told:
    due_at, stopped_at = datetime.fromisoformat(one["due_at"]), one["stopped_at"]
    late = not one["cancelled_at"] and is_late(due_at, datetime.fromisoformat(stopped_at) if stopped_at else None, at)
    return {
        **one, "due_at": due_at, "is_late": late, "words": subject(one["kind"]).words,
        "promised": span(int(one["target"]), one["unit"]),
    }  # fmt: skip


CLOCKS = Panel("desk/panels/clocks.html", _clocks, _asks)
