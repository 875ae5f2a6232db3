"""Who carries a deal: another person of the buying group takes it over, and the figures follow."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from alignment.lib import batch
from leads import journeys, lifecycle
from leads.causes import Cause
from leads.deals import following
from leads.deals.changes import Change, record, tell
from leads.deals.closing import NotClosedError, carrier
from leads.decisions import Code, Refusal
from leads.milestones import Milestone, Outcome
from leads.models import Journey, Lead, LeadTransition, Opportunity, OpportunityContact
from leads.models.opportunity import DealState
from leads.stages.stages import Stages

FIELD = "carrier"


class NotCarriedError(NotClosedError):
    """The deal stays with whom it is. `refusal` says why."""


@transaction.atomic
def carry(*, opportunity_id: int, lead_id: int, cause: Cause, override: bool = False, note: str = "") -> None:
    """Let this lead carry an open deal. Who carried it joins it; what was confirmed with the buyer stays confirmed, and
    the amount goes on being counted once. Each part is a move of its lead, and the change a row of the deal. Raises
    NotCarriedError.
    """
    group = OpportunityContact.objects.filter(opportunity=opportunity_id)
    before_id = group.filter(is_primary=True).values_list("lead", flat=True).first()
    # Leads before the deal, as every move does.
    rows = Lead.objects.filter(pk__in=[pk for pk in (before_id, lead_id) if pk]).order_by("pk")
    leads = {lead.pk: lead for lead in rows.select_for_update(no_key=True)}
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    _require(deal, leads.get(lead_id), lead_id, before_id)
    former = carrier(deal.pk)
    if former and not former.outcome:
        _taken(lifecycle.attach(lead_ids=[former.lead_id], opportunity_id=deal.pk, cause=cause, note=note))
    group.filter(is_primary=True).update(is_primary=False)
    batch.insert(
        OpportunityContact,
        [{"opportunity_id": deal.pk, "lead_id": lead_id, "role": "", "is_primary": True}],
        conflict="ON CONFLICT (opportunity_id, lead_id) DO UPDATE SET is_primary = true",
    )
    _bring(deal, leads[lead_id], former, cause, override=override, note=note)
    journeys.refresh(list(leads))
    following.follow(lead_ids=[lead_id], cause=cause)
    base = deal.base_amount
    change = Change(deal.pk, cause.at, FIELD, before_id, lead_id, deal.currency, deal.rate, base, base)
    record([change], cause, lifecycle.database_now())
    tell([deal.pk], cause)


def _require(deal: Opportunity, lead: Lead | None, lead_id: int, before_id: int | None) -> None:
    if deal.withdrawn_at or deal.state != DealState.OPEN:
        raise _refused(lead_id, "This deal is closed: who carried it then stays. Reopen it first.")
    if lead is None or lead.merged_into_id or lead.withdrawn_at:
        raise _refused(lead_id, "There is no such lead any more.", Code.UNKNOWN_LEAD)
    if lead_id == before_id:
        raise _refused(lead_id, f"{lead.display_name} carries this deal already.", Code.ALREADY)
    in_group = OpportunityContact.objects.filter(opportunity=deal, lead=lead).exists()
    if not in_group and (deal.account_id is None or lead.account_id != deal.account_id):
        raise _refused(lead_id, "Only people of the deal's account carry it.")
    newest = Journey.objects.get(lead=lead, pass_no=lead.pass_no)
    if newest.opportunity_id not in (None, deal.pk):
        raise _refused(lead_id, f"{lead.display_name} belongs to another deal.")
    if newest.outcome not in ("", Outcome.ATTACHED):
        stands = newest.get_outcome_display().lower()
        raise _refused(lead_id, f"{lead.display_name} is {stands}: they come back first, by requalifying.")


def _bring(deal: Opportunity, lead: Lead, former: Journey | None, cause: Cause, *, override: bool, note: str) -> None:
    """Bring the lead to where the deal stands; who had joined it takes up their own pass again."""
    if lead.outcome == Outcome.ATTACHED:
        _taken(lifecycle.reopen(lead_ids=[lead.pk], cause=cause, note=note))
    newest = Journey.objects.get(lead=lead, pass_no=lead.pass_no)
    if newest.opportunity_id == deal.pk and newest.reached >= Milestone.SQO:
        return
    stages = Stages.load()
    standing = stages.by_id.get(deal.stage_id or 0)
    stage = standing if standing and standing.milestone == Milestone.SQO else stages.first(Milestone.SQO)
    moved = lifecycle.advance(
        lead_ids=[lead.pk], to=stage, cause=replace(cause, at=cause.at or _reached_at(newest, former)),
        opportunity_id=deal.pk, confirmations=_confirmed(former), override=override, note=note,
    )  # fmt: skip
    _taken(moved)


def _reached_at(newest: Journey, former: Journey | None) -> datetime | None:
    """The deal became an opportunity when it did, whoever carries it; but nobody's lead was one before sales accepted
    it, and an answer that is still owed is given now (None).
    """
    if former is None or former.sqo_at is None or newest.accepted_at is None:
        return None
    return max(former.sqo_at, newest.accepted_at)


def _confirmed(former: Journey | None) -> list[str]:
    """What was confirmed with the buyer when the deal became an opportunity."""
    if former is None:
        return []
    moves = LeadTransition.objects.filter(lead=former.lead_id, opportunity=former.opportunity_id)
    return moves.exclude(confirmations=[]).order_by("-seq").values_list("confirmations", flat=True).first() or []


def _taken(moved: lifecycle.Moved) -> None:
    if moved.refused:
        raise NotCarriedError(moved.refused[0])


def _refused(lead_id: int, sentence: str, code: Code = Code.NOT_ALLOWED) -> NotCarriedError:
    return NotCarriedError(Refusal(lead_id, code, sentence))
