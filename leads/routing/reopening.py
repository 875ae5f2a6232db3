"""Leads that are open again (reopened, by a verdict say, or their close undone) while whoever held them has left: they
go to somebody who is there, and their open deals go along.
"""

from collections.abc import Collection

from django.db.models import F
from django.urls import reverse

from alignment.ops.notifications import Notice, notify
from alignment.people.models import Company, Side
from leads import holders
from leads.causes import Cause
from leads.deals import deals
from leads.holders import Assignment
from leads.lifecycle import Moved
from leads.milestones import Kind, Milestone
from leads.models import Lead, OpportunityContact
from leads.models.opportunity import DealState
from leads.routing.route import route

WHY = "Open again, and who held it has left"


def follow(*, moved: Moved) -> None:
    """Find a holder for each lead that sales has again by these moves and that somebody holds who has left: by the
    published rules, which join it to no other deal; while none are published, the manager of its team, else the head
    of sales. What nobody held stays so.
    """
    again = _open_again(moved) if moved.cause.routes else set()
    if not again:
        return
    left = _of_who_has_left(again)
    if left:
        at = moved.cause.recorded_at(moved.cause.at, moved.recorded_at)
        routed = route(lead_ids=sorted(left), cause=moved.cause, at=at, whoever_holds=True, why=WHY)
        if not routed:
            _give_to_managers(left, moved)
    _pass_deals_on(again, moved.cause)


def _open_again(moved: Moved) -> set[int]:
    """The leads whose pass had ended and is open now. One that comes back in a new pass qualified anew."""
    newest = {each.lead_id: each for each in moved.taken}
    return {
        each.lead_id
        for each in moved.taken
        if each.before
        and each.before[1]
        and each.kind != Kind.REQUALIFY
        and newest[each.lead_id].after[0] >= Milestone.MQL
        and not newest[each.lead_id].after[1]
    }


def _of_who_has_left(lead_ids: Collection[int]) -> set[int]:
    rows = Lead.objects.filter(pk__any_of=lead_ids, owner__is_active=False)
    return set(rows.values_list("pk", flat=True))


def _give_to_managers(lead_ids: Collection[int], moved: Moved) -> None:
    """A manager and a head cannot leave before somebody else is one. Without either a lead stays where it is."""
    moves = {each.lead_id: each.seq for each in moved.taken}
    head = Company.get().heads.get(Side.SALES)
    rows = Lead.objects.filter(pk__any_of=lead_ids).order_by("pk").values_list("pk", "name", "team__manager")
    given = [(pk, name or f"Lead {pk}", user_id) for pk, name, manager in rows if (user_id := manager or head)]
    assignments = [Assignment(pk, user_id) for pk, _, user_id in given]
    holders.hold(assignments=assignments, cause=moved.cause, why=WHY)
    notify(
        notices=[
            Notice(
                user_id=user_id,
                kind="lead_fell_back",
                title=f"{name} is open again, and who held it has left: it is yours",
                body="No routing rules are published. Answer it, or hand it to somebody who can.",
                url=reverse("lead", args=[pk]),
                dedupe_key=f"open_again:{pk}:{moves[pk]}",
                subject_kind="lead",
                subject_id=pk,
            )
            for pk, name, user_id in given
        ]
    )


def _pass_deals_on(lead_ids: Collection[int], cause: Cause) -> None:
    """Open deals of who has left go to whoever holds the lead that carries them."""
    carried = OpportunityContact.objects.filter(
        lead__any_of=lead_ids,
        is_primary=True,
        lead__owner__is_active=True,
        opportunity__state=DealState.OPEN,
        opportunity__withdrawn_at=None,
        opportunity__owner__is_active=False,
    )
    owners = dict(carried.values_list("opportunity_id", F("lead__owner_id")))
    if owners:
        deals.pass_on(owners=owners, cause=cause)
