"""Winning, losing and reopening a deal: through the lead that carries it, or the deal itself where none does."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from leads import lifecycle
from leads.causes import Cause
from leads.deals import deals
from leads.decisions import Code, Refusal
from leads.drafts import Verdict
from leads.models import Journey, Lead, Opportunity, Reason
from leads.models.opportunity import DealState
from leads.models.stage import ReasonKind


class NotClosedError(Exception):
    """The deal stays as it was. `refusal` says why; its lead is 0 where no lead carries the deal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@transaction.atomic
def win(*, opportunity_id: int, cause: Cause, reason_id: int | None = None, note: str = "") -> None:
    """The deal is won, for a reason if one is given. Raises NotClosedError."""
    _close(
        opportunity_id,
        _Closing(DealState.WON, ReasonKind.WIN, reason_id, cause),
        lambda lead_id: lifecycle.win(lead_ids=[lead_id], reason_id=reason_id, cause=cause, note=note),
    )


@transaction.atomic
def lose(*, opportunity_id: int, reason_id: int, cause: Cause, note: str = "") -> None:
    """The deal is lost, for a reason. Raises NotClosedError."""
    _close(
        opportunity_id,
        _Closing(DealState.LOST, ReasonKind.LOSE, reason_id, cause),
        lambda lead_id: lifecycle.lose(lead_ids=[lead_id], reason_id=reason_id, cause=cause, note=note),
    )


@transaction.atomic
def reopen(*, opportunity_id: int, cause: Cause, note: str = "") -> None:
    """Take back the close. Raises NotClosedError."""
    _close(
        opportunity_id,
        _Closing(DealState.OPEN, "", None, cause),
        lambda lead_id: lifecycle.reopen(lead_ids=[lead_id], cause=cause, note=note),
    )


@dataclass(frozen=True, slots=True)
class _Closing:
    state: DealState
    kind: str
    reason_id: int | None
    cause: Cause


def carrier(opportunity_id: int) -> Journey | None:
    """The journey that carries the deal, with its lead and who holds it; the newest, if there were several."""
    carrying = Journey.objects.filter(opportunity=opportunity_id, is_primary=True)
    return carrying.select_related("lead__owner").order_by("-pass_no").first()


def _close(opportunity_id: int, closing: _Closing, move: Callable[[int], lifecycle.Moved]) -> None:
    journey = carrier(opportunity_id)
    if journey is None:
        _settle(opportunity_id, closing)
        return
    lead = Lead.objects.select_for_update(no_key=True).get(pk=journey.lead_id)
    if lead.pass_no != journey.pass_no:
        raise NotClosedError(
            Refusal(lead.pk, Code.CONFLICT, f"{lead.display_name} has come back since, and is on another pass.")
        )
    moved = move(lead.pk)
    if moved.refused:
        raise NotClosedError(moved.refused[0])


def _settle(opportunity_id: int, closing: _Closing) -> None:
    """Of a deal without a lead."""
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    if deal.withdrawn_at:
        raise NotClosedError(Refusal(0, Code.NOT_ALLOWED, "This deal was taken back."))
    if deal.state == closing.state:
        raise NotClosedError(Refusal(0, Code.ALREADY, f"This deal is already {deal.get_state_display().lower()}."))
    if DealState.OPEN not in (deal.state, closing.state):
        raise NotClosedError(Refusal(0, Code.CONFLICT, f"This deal is already {deal.get_state_display().lower()}."))
    explains = Reason.objects.filter(pk=closing.reason_id or 0).values_list("kind", flat=True).first()
    if closing.reason_id and explains != closing.kind:
        raise NotClosedError(Refusal(0, Code.REASON, "That reason explains another kind of move."))
    at = None if closing.state == DealState.OPEN else closing.cause.at or lifecycle.database_now()
    deals.settle(verdicts={deal.pk: Verdict(closing.state, at, closing.reason_id)}, cause=closing.cause)
