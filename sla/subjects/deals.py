"""Deals that have to be kept up to date: an open one is owed a change, or a human touch of its buying group, again and
again. Each update meets the clock that ran and begins the next one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from django.db.models import BooleanField, Expression, ExpressionWrapper, F, Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse

from alignment.people.models import Side, User
from leads.lifecycle import Taken
from leads.milestones import Milestone, Outcome
from leads.models import Opportunity, OpportunityChange, OpportunityContact, Touchpoint
from leads.models.opportunity import DealState
from leads.models.touchpoint import Direction
from sla.models import CancelReason, Clock
from sla.settlement import Owed
from sla.subjects.registry import Holding, Standing, SubjectKey, Whose

KIND = "deal_update"
NOT_UPDATES = ("rate", "withdrawn")
"""Changes of a deal that nobody made for its sake."""


class Update(NamedTuple):
    """Something was done for a deal; `closes`: it was won or lost by it."""

    at: datetime
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A clock that a deal has: when it began, when it stopped, and why it was cancelled; it runs without either."""

    number: int
    started_at: datetime
    stopped_at: datetime | None = None
    cancelled_why: str = ""

    @property
    def is_running(self) -> bool:
        """Whether an update is still owed."""
        return self.stopped_at is None and not self.cancelled_why


def owed(kept: Sequence[Kept], updates: Iterable[Update], *, is_open: bool, is_void: bool = False) -> dict[int, Owed]:
    """What each clock of one deal was owed, by number, with the ones that should begin. Pure.

    A clock is met by the first update after its start. Where the last one is met, the next begins with that update, and
    so on; a deal that has none begins with its newest update. `is_void`: the deal should never have been opened.
    """
    ordered = sorted(updates)
    found = {each.number: _of(each, ordered, is_open=is_open, is_void=is_void) for each in kept}
    if is_void:
        return found
    last = max((each.number for each in kept), default=0)
    fresh = _stretches(_fresh(kept, found, ordered), is_open=is_open)
    return found | dict(enumerate(fresh, start=last + 1))


def _fresh(kept: Sequence[Kept], found: Mapping[int, Owed], ordered: Sequence[Update]) -> list[Update]:
    """The updates that clocks begin with: from the one that meets the running clock on, else the newest alone."""
    running = next((each for each in kept if each.is_running), None)
    if running:
        met_at = found[running.number].answered_at
        return [each for each in ordered if met_at and each.at >= met_at]
    last = max((moment for each in kept for moment in (each.started_at, each.stopped_at) if moment), default=None)
    return [each for each in ordered[-1:] if last is None or each.at > last]


def _stretches(updates: Sequence[Update], *, is_open: bool) -> Iterable[Owed]:
    """What was owed between these updates, and since the last of them: nothing while the deal was closed."""
    for update, following in pairwise([*_distinct(updates), None]):
        if update and not update.closes and (following or is_open):
            yield Owed(update.at, following is not None, following.at if following else None)


def _of(kept: Kept, ordered: Sequence[Update], *, is_open: bool, is_void: bool) -> Owed:
    if kept.cancelled_why:
        return Owed(kept.started_at, False, None, CancelReason(kept.cancelled_why))
    answered_at = next((each.at for each in ordered if each.at > kept.started_at), kept.stopped_at)
    void = None
    if answered_at is None and (is_void or not is_open):
        void = CancelReason.UNDONE if is_void else CancelReason.CLOSED
    return Owed(kept.started_at, answered_at is not None, answered_at, void)


def _distinct(updates: Iterable[Update]) -> list[Update]:
    """One for each moment: what closes it, if anything did."""
    return list({each.at: each for each in sorted(updates)}.values())


class Deals:
    """Reads deals for their clocks."""

    def owed(self, kind: str, keys: Collection[int]) -> Mapping[SubjectKey, Owed]:
        """Four queries."""
        states = _states(keys)
        kept = _kept(keys)
        updates = _updates(keys, since={pk: min(each.started_at for each in own) for pk, own in kept.items()})
        return {
            SubjectKey(kind, pk, number): each
            for pk, (is_open, is_void) in states.items()
            for number, each in owed(kept.get(pk, ()), updates.get(pk, ()), is_open=is_open, is_void=is_void).items()
        }

    def whose(self, keys: Collection[int]) -> Mapping[int, Whose]:
        """The lead that carries each deal, and its owner; two queries."""
        carried = OpportunityContact.objects.filter(opportunity__any_of=set(keys), is_primary=True)
        leads = dict(carried.values_list("opportunity_id", "lead_id"))
        owners = Opportunity.objects.filter(pk__any_of=set(keys)).values_list("pk", "owner_id")
        return {pk: Whose(leads.get(pk), owner_id) for pk, owner_id in owners}

    def standings(self, keys: Collection[int]) -> Mapping[int, Standing]:
        """One query."""
        rows = Opportunity.objects.filter(pk__any_of=set(keys)).select_related("owner__team__manager")
        return {
            each.pk: Standing(
                title=each.name, url=reverse("deal", args=[each.pk]), holder=each.owner,
                team=each.owner.team if each.owner else None, table="opportunity", key=each.pk,
                hand_over=reverse("deal_edit", args=[each.pk]),
            )
            for each in rows
        }  # fmt: skip

    def holdings(self, keys: Collection[int]) -> Mapping[int, Sequence[Holding]]:
        """The owners of each deal; two queries."""
        rows = OpportunityChange.objects.filter(opportunity__any_of=set(keys), field="owner_id").order_by("id")
        turns: defaultdict[int, list[tuple[datetime, str]]] = defaultdict(list)
        for pk, at, new in rows.values_list("opportunity_id", Coalesce("at", "recorded_at"), "new"):
            turns[pk].append((at, new))
        people = User.objects.select_related("team__manager").in_bulk(
            {int(new) for own in turns.values() for _, new in own if new.isdecimal()}
        )
        return {
            pk: [
                Holding(people[int(new)], people[int(new)].team, at, until)
                for (at, new), until in zip(own, [at for at, _ in own[1:]] + [None], strict=True)
                if new.isdecimal() and (until is None or until > at)
            ]
            for pk, own in turns.items()
        }

    def awaited(self) -> Mapping[int, int]:
        """Open deals without a running clock; two queries."""
        running = Clock.objects.filter(subject_kind=KIND).running().values("subject_id")
        waiting = Opportunity.objects.filter(state=DealState.OPEN, withdrawn_at=None).exclude(pk__in=running)
        numbers = Clock.objects.filter(subject_kind=KIND).values("subject_id").annotate(last=Max("pass_no"))
        last = dict(numbers.values_list("subject_id", "last"))
        return {pk: last.get(pk, 0) + 1 for pk in waiting.order_by("pk").values_list("pk", flat=True)}

    def owed_by(self, side: Side) -> QuerySet[Opportunity, Any]:
        """Sales owes all of them."""
        return Opportunity.objects.all() if side == Side.SALES else Opportunity.objects.none()

    def since(self, kind: str, start: datetime, end: datetime, most: int) -> Mapping[SubjectKey, Owed]:
        """The stretches between updates of the deals that were updated last."""
        changed = OpportunityChange.objects.filter(recorded_at__gte=start, recorded_at__lt=end)
        keys = sorted(set(changed.order_by("-recorded_at").values_list("opportunity_id", flat=True)[:most]))
        states, updates = _states(keys), _updates(keys, since=dict.fromkeys(keys, start))
        found = {}
        for pk, (is_open, is_void) in states.items():
            own = [each for each in _distinct(updates.get(pk, ())) if each.at < end]
            for number, given in enumerate(_stretches(() if is_void else own, is_open=is_open), start=1):
                found[SubjectKey(kind, pk, number)] = given
        newest = sorted(found.items(), key=lambda item: item[1].since or start, reverse=True)
        return dict(newest[:most])


def may_concern(taken: Taken) -> bool:
    """Whether a move may be one of a lead that has a deal; no query."""
    return _has_deal(taken.after) or (taken.before is not None and _has_deal(taken.before))


def _has_deal(place: tuple[Milestone, str]) -> bool:
    return place[0] >= Milestone.SQO or place[1] == Outcome.ATTACHED


def concerned(lead_ids: Collection[int]) -> list[int]:
    """The deals whose buying groups these leads belong to; one query."""
    rows = OpportunityContact.objects.filter(lead__any_of=set(lead_ids)).values_list("opportunity_id", flat=True)
    return sorted(set(rows))


def _states(keys: Collection[int]) -> dict[int, tuple[bool, bool]]:
    rows = Opportunity.objects.filter(pk__any_of=set(keys)).values_list("pk", "state", "withdrawn_at")
    return {pk: (state == DealState.OPEN and gone is None, gone is not None) for pk, state, gone in rows}


def _kept(keys: Collection[int]) -> dict[int, list[Kept]]:
    rows = Clock.objects.filter(subject_kind=KIND, subject_id__any_of=set(keys))
    found: defaultdict[int, list[Kept]] = defaultdict(list)
    columns = rows.values_list("subject_id", "pass_no", "started_at", "stopped_at", "cancelled_why")
    for pk, number, started_at, stopped_at, cancelled_why in columns:
        found[pk].append(Kept(number, started_at, stopped_at, cancelled_why))
    return found


def _updates(keys: Collection[int], *, since: Mapping[int, datetime]) -> dict[int, list[Update]]:
    """What was done for these deals, from the start of the first clock of each; two queries."""
    found: defaultdict[int, list[Update]] = defaultdict(list)
    changes = OpportunityChange.objects.filter(opportunity__any_of=set(keys)).exclude(field__in=NOT_UPDATES)
    moment = Coalesce("at", "recorded_at")
    closes = Q(field="state", new__in=[DealState.WON, DealState.LOST])
    for pk, at, is_close in changes.values_list("opportunity_id", moment, _flag(closes)):
        found[pk].append(Update(at, is_close))
    touches = Touchpoint.objects.filter(
        lead__contact_roles__opportunity__any_of=set(keys), direction=Direction.OUTBOUND, is_human=True
    )
    for pk, at in touches.values_list(F("lead__contact_roles__opportunity"), "at"):
        found[pk].append(Update(at))
    return {
        pk: [each for each in own if pk not in since or each.at >= since[pk]] for pk, own in found.items()
    }  # fmt: skip


def _flag(condition: Q) -> Expression:
    return ExpressionWrapper(condition, output_field=BooleanField())
