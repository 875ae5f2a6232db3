"""A lead that a person types in: it is received like any other, and asking for sales counts for a known lead too."""

from django.db import transaction

from leads import lifecycle
from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft
from leads.intake import Received, receive
from leads.milestones import Kind, Milestone, Outcome, QualifiedBy
from leads.models import Lead
from leads.stages import Stages


@transaction.atomic
def add(*, draft: Draft, cause: Cause) -> Received:
    """Receive one lead. A known one that raises its hand goes on to MQL, or comes back if its last pass is closed."""
    received = receive(drafts=[draft], cause=cause)
    raised = any(touch.is_hand_raise for touch in draft.touches)
    if raised and not received.created:
        [lead_id] = received.lead_ids
        if step := _hand_raise(Lead.objects.get(pk=lead_id)):
            lifecycle.move(steps=[step], cause=cause)
    return received


def _hand_raise(lead: Lead) -> Step | None:
    if lead.is_open and lead.milestone < Milestone.MQL:
        stage = Stages.load().first(Milestone.MQL)
        return Step(lead.pk, Kind.ADVANCE, stage_id=stage.pk, qualified_by=QualifiedBy.HAND_RAISE)
    if lead.outcome in (Outcome.REJECTED, Outcome.RECYCLED, Outcome.LOST):
        return Step(lead.pk, Kind.REQUALIFY, qualified_by=QualifiedBy.HAND_RAISE)
    return None
