"""Making an accepted lead a sales opportunity: the deal and the move, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from leads import lifecycle
from leads.causes import Cause
from leads.deals import deals
from leads.decisions import Refusal
from leads.drafts import DealDraft
from leads.milestones import Milestone
from leads.models import Lead
from leads.stages.stages import Stages


class NotQualifiedError(Exception):
    """The move was refused; nothing was stored. `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@transaction.atomic
def qualify(
    *, lead_id: int, deal: DealDraft, confirmations: Sequence[str], cause: Cause, override: bool = False, note: str = ""
) -> lifecycle.Moved:
    """Open `deal` for this lead, with its account, and bring it to SQO. Raises NotQualifiedError, keeping nothing, if
    that is refused.
    """
    account_id = deal.account_id or Lead.objects.values_list("account_id", flat=True).get(pk=lead_id)
    [opportunity_id] = deals.open_deals(drafts=[replace(deal, lead_id=lead_id, account_id=account_id)], cause=cause)
    moved = lifecycle.advance(
        lead_ids=[lead_id],
        to=Stages.load().first(Milestone.SQO),
        cause=cause,
        confirmations=confirmations,
        opportunity_id=opportunity_id,
        override=override,
        note=note,
    )
    if moved.refused:
        raise NotQualifiedError(moved.refused[0])
    return moved
