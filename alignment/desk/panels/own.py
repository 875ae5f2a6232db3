"""The panels that say what the lead's own rows say: decision, deal, facts, web forms, passes, other systems."""

from typing import TYPE_CHECKING

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Q
from django.db.models.functions import JSONObject

from alignment.desk.panels.panel import Asked, Panel, Told
from alignment.integrations.web_forms.models import Submission
from alignment.people.permissions import can
from leads.models import ExternalReference

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage

SUBMISSIONS = 5


def _always(page: "LeadPage") -> Told:
    return {}


def _decision(page: "LeadPage") -> Told | None:
    """Nothing where no answer is owed or given and nothing is to be decided: the lead joined a deal, say."""
    is_said = page.lead.due_at or page.panel["options"] or page.panel["hint"]
    return {} if is_said else None


def _activity(page: "LeadPage") -> Told | None:
    return {} if can(page.user, "lead.touch") else None


def _deal(page: "LeadPage") -> Told | None:
    return {"deal": page.journey.opportunity} if page.journey.opportunity else None


def _forms(page: "LeadPage") -> Told | None:
    """The newest web forms that the person sent, each with what was agreed to; no query where there is none."""
    if not page.beside["has_submissions"]:
        return None
    sent = Submission.objects.filter(lead__in=page.lead_ids).select_related("form").order_by("-id")
    return {"submissions": sent.prefetch_related("consents__text")[:SUBMISSIONS]}


def _passes(page: "LeadPage") -> Told | None:
    return {"earlier": page.journeys[1:]} if len(page.journeys) > 1 else None


def _references(page: "LeadPage") -> Told | None:
    named = page.beside["names"]
    return {"references": named} if named else None


def _asks_forms(page: "LeadPage") -> Asked:
    return {"has_submissions": Exists(Submission.objects.filter(lead__in=page.lead_ids))}


def _asks_references(page: "LeadPage") -> Asked:
    """What other systems call the lead, its account and its deal."""
    named = Q(lead=page.pk)
    if page.lead.account_id:
        named |= Q(account=page.lead.account_id)
    if page.journey.opportunity_id:
        named |= Q(opportunity=page.journey.opportunity_id)
    found = ExternalReference.objects.filter(named, released_at=None).order_by("system", "external_id")
    return {"names": ArraySubquery(found.values(one=JSONObject(system="system", external_id="external_id", url="url")))}


DECISION = Panel("desk/panels/decision.html", _decision)
ACTIVITY = Panel("desk/panels/activity.html", _activity)
DEAL = Panel("desk/panels/deal.html", _deal)
FACTS = Panel("desk/panels/facts.html", _always)
FORMS = Panel("desk/panels/forms.html", _forms, _asks_forms)
PASSES = Panel("desk/panels/passes.html", _passes)
REFERENCES = Panel("desk/panels/references.html", _references, _asks_references)
