"""Sales takes a lead: the answer, and who holds it from then on."""

from collections.abc import Iterable

from django.db import transaction

from leads import lifecycle
from leads.causes import Cause
from leads.holders import Assignment, hold
from leads.models import Lead


@transaction.atomic
def accept(*, lead_ids: Iterable[int], cause: Cause, note: str = "") -> lifecycle.Moved:
    """Accept leads; those in no one's hands are held by who accepted them (without an actor, still by nobody)."""
    moved = lifecycle.accept(lead_ids=lead_ids, cause=cause, note=note)
    if cause.actor_id and moved.taken:
        orphans = Lead.objects.filter(pk__in=moved.lead_ids, owner=None).values_list("pk", flat=True)
        hold(assignments=[Assignment(pk, cause.actor_id) for pk in orphans], cause=cause, why="Accepted it")
    return moved
