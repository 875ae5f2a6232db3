"""Leads that change hands by somebody's decision: routed anew, or all of somebody who leaves."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import OuterRef, Subquery

from alignment.people import accounts
from alignment.people.models import User
from leads import holders
from leads.causes import Cause
from leads.deals import deals
from leads.holders import Assignment
from leads.models import Lead, Opportunity, OpportunityContact
from leads.models.opportunity import DealState
from leads.models.route import Pool, RoutingVersion
from leads.querysets import LeadQuerySet
from leads.routing.route import Decision, route

NO_RULES = "No routing rules are published yet."
CLOSED = "This lead is closed: there is nothing to hand over."


@transaction.atomic
def route_again(*, lead_ids: Sequence[int], cause: Cause, why: str) -> list[Decision]:
    """Let the published rules find a holder for these leads, whoever holds them; those that are closed are left alone.
    Raises ValidationError where no rules are published.
    """
    refused = refusals(lead_ids)
    if NO_RULES in refused.values():
        raise ValidationError(NO_RULES)
    return route(lead_ids=sorted(set(lead_ids) - refused.keys()), cause=cause, whoever_holds=True, why=why)


@transaction.atomic
def route_away(*, lead_ids: Sequence[int], cause: Cause, why: str) -> list[Decision]:
    """Let the published rules find a holder for these leads among all but those who hold them. Raises ValidationError
    where no rules are published, or one of the leads is closed.
    """
    if refused := refusals(lead_ids):
        raise ValidationError(sorted(set(refused.values())))
    holding = Lead.objects.filter(pk__any_of=lead_ids, owner__isnull=False).values_list("owner_id", flat=True)
    return route(lead_ids=sorted(lead_ids), cause=cause, whoever_holds=True, why=why, without=set(holding))


def refusals(lead_ids: Sequence[int]) -> dict[int, str]:
    """Those of these leads that cannot be routed anew, and why; two queries."""
    if RoutingVersion.published() is None:
        return dict.fromkeys(lead_ids, NO_RULES)
    closed = Lead.objects.filter(pk__any_of=lead_ids).exclude(outcome="")
    return dict.fromkeys(closed.values_list("pk", flat=True), CLOSED)


@transaction.atomic
def leave(*, user_id: int, to: User | None, cause: Cause, by: User, why: str) -> int:
    """Somebody leaves: all their open leads go to `to` (None: wherever the published rules send them), their open deals
    go along, and they cannot sign in any more; all of it or nothing. Returns how many leads it were. Raises
    ValidationError where something forbids it.
    """
    # First, so that the rules do not choose them.
    accounts.deactivate_person(user_id=user_id, by=by)
    lead_ids = list(open_leads(user_id).order_by("pk").values_list("pk", flat=True))
    if to is not None:
        holders.hold(assignments=[Assignment(pk, to.pk) for pk in lead_ids], cause=cause, why=why)
    elif lead_ids:
        route_again(lead_ids=lead_ids, cause=cause, why=why)
    _pass_deals_on(user_id, to, cause)
    return len(lead_ids)


def _pass_deals_on(user_id: int, to: User | None, cause: Cause) -> None:
    """Open deals go to `to`, else to whoever holds their first lead, else to the fallback of what no rule is about."""
    deals_of = Opportunity.objects.filter(owner=user_id, state=DealState.OPEN, withdrawn_at=None)
    holder = OpportunityContact.objects.filter(
        opportunity=OuterRef("pk"), is_primary=True, lead__owner__is_active=True
    ).values("lead__owner")
    held = dict(deals_of.annotate(holder=Subquery(holder[:1])).values_list("pk", "holder"))
    if not held:
        return
    heir = to.pk if to else None
    if heir is None and None in held.values():
        heir = _fallback()
    owners = {pk: heir if to else owner_id or heir for pk, owner_id in held.items()}
    deals.pass_on(owners={pk: owner_id for pk, owner_id in owners.items() if owner_id}, cause=cause)


def _fallback() -> int:
    """Raises ValidationError where no rules are published."""
    version = RoutingVersion.published()
    if version is None:
        raise ValidationError("They have open deals, and no routing rules are published: choose who gets them.")
    return Pool.objects.get(pk=version.body["otherwise"]).fallback_id


def open_leads(user_id: int) -> LeadQuerySet:
    """The leads that somebody holds and works: those whose pass is open."""
    return Lead.objects.standing().filter(owner=user_id, outcome="")
