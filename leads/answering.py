"""Sales takes a lead: the answer, and who holds it from then on."""

from collections.abc import Iterable

from django.db import transaction

from alignment.people.models import User
from alignment.people.permissions import can
from leads import lifecycle
from leads.causes import Cause
from leads.holders import Assignment, hold
from leads.milestones import Kind
from leads.models import Lead, LeadTransition

ANSWERS = (Kind.ACCEPT, Kind.REJECT, Kind.RECYCLE)


@transaction.atomic
def accept(*, lead_ids: Iterable[int], cause: Cause, note: str = "") -> lifecycle.Moved:
    """Accept leads; those in no one's hands are held by who accepted them (without an actor, still by nobody)."""
    moved = lifecycle.accept(lead_ids=lead_ids, cause=cause, note=note)
    if cause.actor_id and moved.taken:
        orphans = Lead.objects.filter(pk__in=moved.lead_ids, owner=None).values_list("pk", flat=True)
        hold(assignments=[Assignment(pk, cause.actor_id) for pk in orphans], cause=cause, why="Accepted it")
    return moved


def answered_by_another(lead: Lead, user: User, action: str) -> LeadTransition | None:
    """The answer of whoever was faster with a lead that nobody held; None where that is not what forbids `user` to
    answer (by the policy table's `action`).
    """
    if not can(user, action) or can(user, action, lead):
        return None
    newest = LeadTransition.objects.filter(lead=lead).latest("seq")
    return newest if newest.actor_id and newest.kind in ANSWERS else None
