"""Leads that come one by one or in a set from people and programs: received like any other, and asking for sales counts
for a known lead too.
"""

from collections.abc import Iterable, Sequence

from django.db import transaction

from leads import lifecycle
from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft
from leads.intake import Received, receive
from leads.milestones import Kind, Milestone, Outcome, QualifiedBy
from leads.models import Lead
from leads.stages.stages import Stages


@transaction.atomic
def add(*, draft: Draft, cause: Cause) -> Received:
    """Receive one lead. A known one that raises its hand goes on to MQL, or comes back if its last pass is closed."""
    return add_all(drafts=[draft], cause=cause)


@transaction.atomic
def add_all(*, drafts: Sequence[Draft], cause: Cause, keep_holders: bool = False) -> Received:
    """The same for any number, by the same statements. With `keep_holders` known leads stay with who holds them."""
    received = receive(drafts=drafts, cause=cause, keep_holders=keep_holders)
    raised = {
        lead_id
        for lead_id, draft in zip(received.lead_ids, drafts, strict=True)
        if any(touch.is_hand_raise for touch in draft.touches)
    }
    raise_hands(lead_ids=raised - received.created, cause=cause)
    return received


@transaction.atomic
def raise_hands(*, lead_ids: Iterable[int], cause: Cause) -> None:
    """Leads asked to talk to sales: they go on to MQL, or come back if their last pass is closed."""
    leads = list(Lead.objects.filter(pk__any_of=set(lead_ids)).order_by("pk"))
    if leads:
        first = Stages.load().first(Milestone.MQL).pk
        steps = [step for lead in leads if (step := _hand_raise(lead, first))]
        lifecycle.move(steps=steps, cause=cause)


def _hand_raise(lead: Lead, mql_stage_id: int) -> Step | None:
    if lead.is_open and lead.milestone < Milestone.MQL:
        return Step(lead.pk, Kind.ADVANCE, stage_id=mql_stage_id, qualified_by=QualifiedBy.HAND_RAISE)
    if lead.outcome in (Outcome.REJECTED, Outcome.RECYCLED, Outcome.LOST):
        return Step(lead.pk, Kind.REQUALIFY, qualified_by=QualifiedBy.HAND_RAISE)
    return None
