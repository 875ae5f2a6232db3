"""Leads that change hands by somebody's decision: routed anew, or all of somebody who leaves."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction

from alignment.people import accounts
from alignment.people.models import User
from leads import holders
from leads.causes import Cause
from leads.holders import Assignment
from leads.models import Lead
from leads.models.route import RoutingVersion
from leads.querysets import LeadQuerySet
from leads.routing.route import Decision, route


@transaction.atomic
def route_again(*, lead_ids: Sequence[int], cause: Cause, why: str) -> list[Decision]:
    """Let the published rules find a holder for these leads, whoever holds them. Raises ValidationError without."""
    if RoutingVersion.published() is None:
        raise ValidationError("No routing rules are published yet.")
    return route(lead_ids=sorted(set(lead_ids)), cause=cause, whoever_holds=True, why=why)


@transaction.atomic
def leave(*, user_id: int, to: User | None, cause: Cause, by: User, why: str) -> int:
    """Somebody leaves: all their open leads go to `to` (None: wherever the published rules send them), and they cannot
    sign in any more; all of it or nothing. Returns how many leads it were. Raises ValidationError where something
    forbids it.
    """
    # First, so that the rules do not choose them.
    accounts.deactivate_person(user_id=user_id, by=by)
    lead_ids = list(open_leads(user_id).order_by("pk").values_list("pk", flat=True))
    if not lead_ids:
        return 0
    if to is None:
        route_again(lead_ids=lead_ids, cause=cause, why=why)
    else:
        holders.hold(assignments=[Assignment(pk, to.pk) for pk in lead_ids], cause=cause, why=why)
    return len(lead_ids)


def open_leads(user_id: int) -> LeadQuerySet:
    """The leads that somebody holds and works: those whose pass is open."""
    return Lead.objects.standing().filter(owner=user_id, outcome="")
