"""Who may be the same person, and who was merged into the lead."""

from typing import TYPE_CHECKING

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Q
from django.db.models.functions import JSONObject

from alignment.desk.panels.panel import Asked, Panel, Told
from alignment.people.permissions import can
from leads.hygiene import duplicates
from leads.models import MergedLead

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


def _asks_merges(page: "LeadPage") -> Asked:
    gone = MergedLead.objects.filter(merge__survivor=page.pk, merge__undone_at=None).order_by("-merge", "lead")
    told = gone.values(one=JSONObject(merge="merge_id", lead="lead_id", name="lead__name", email="lead__email"))
    return {"went_into_it": ArraySubquery(told[:MOST])}


def _merges(page: "LeadPage") -> Told | None:
    """The leads that went into this one last, each with the merge that says by whom and takes it back."""
    return {"merged": page.beside["went_into_it"]} if page.beside["went_into_it"] else None


MERGES = Panel("desk/panels/merges.html", _merges, _asks_merges)
DUPLICATES = Panel("desk/panels/duplicates.html", _suspects, _asks)
