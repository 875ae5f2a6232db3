"""The views of the queue, and the headings under which each groups its leads."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Case, CharField, IntegerField, Q, Value, When
from django.utils import timezone

from leads.milestones import Milestone

SOON = timedelta(hours=8)
YOUNG = timedelta(hours=24)


class Tab(StrEnum):
    """The views of the queue, as addresses name them."""

    NEEDS_ANSWER = "needs_answer"
    UNTOUCHED = "untouched"
    ACCEPTED = "accepted"
    RECYCLED = "recycled"
    TEAM = "team"


WAITING = (Tab.NEEDS_ANSWER, Tab.TEAM)
"""The tabs with leads that wait for an answer."""

TAB_NAMES = {
    Tab.NEEDS_ANSWER: "Needs an answer",
    Tab.UNTOUCHED: "Not contacted",
    Tab.ACCEPTED: "Accepted",
    Tab.RECYCLED: "Recycled",
    Tab.TEAM: "Team",
}

# What a row is grouped under: the order of the groups, their state (which colours them) and their heading.
GROUPS: dict[Tab, Sequence[tuple[str, str]]] = {
    Tab.NEEDS_ANSWER: (
        ("over", "Overdue"), ("soon", "Due in the next 8 hours"), ("later", "Due later"),
        ("above", "Above capacity: charged to neither side"), ("none", "Without a promise"),
        ("snoozed", "Snoozed; the promise runs on"),
    ),
    Tab.UNTOUCHED: (("waits", "Accepted more than a day ago"), ("fresh", "Accepted in the last 24 hours")),
    Tab.ACCEPTED: (
        ("over", "Next step overdue"), ("soon", "Next step today"), ("untouched", "Accepted, not contacted yet"),
        ("later", "Next step to come"), ("contact", "In contact, without a next step"),
        ("deal", "Opportunities without a next step"), ("snoozed", "Snoozed"),
    ),
    Tab.RECYCLED: (("look", "Look at again"), ("nurture", "In nurture"), ("none", "In nurture without a date")),
}  # fmt: skip
GROUPS[Tab.TEAM] = GROUPS[Tab.NEEDS_ANSWER]


def state_of(tab: Tab, at: datetime) -> Case:
    """The state of a row's group; of leads with the annotations of `Queue`."""
    *first, (last, _) = GROUPS[tab]
    whens = (When(holds, then=Value(state)) for holds, (state, _) in zip(_conditions(tab, at), first, strict=True))
    return Case(*whens, default=Value(last), output_field=CharField())


def rank_of(tab: Tab, at: datetime) -> Case:
    """The place of a row's group among the groups."""
    conditions = _conditions(tab, at)
    whens = (When(holds, then=Value(place)) for place, holds in enumerate(conditions))
    return Case(*whens, default=Value(len(conditions)), output_field=IntegerField())


def is_awake(at: datetime) -> Q:
    """Of leads with the annotations of `Queue`: not snoozed."""
    return Q(wakes_on=None) | Q(wakes_on__lte=timezone.localdate(at))


def _conditions(tab: Tab, at: datetime) -> Sequence[Q]:
    """What puts a lead into each group but the last; the first that holds counts."""
    today = timezone.localdate(at)
    awake = is_awake(at)
    accepted = Q(milestone=Milestone.SQL)
    match tab:
        case Tab.UNTOUCHED:
            return [Q(accepted_at__lt=at - YOUNG) | Q(accepted_at=None)]
        case Tab.ACCEPTED:
            plans = (
                Q(next_on__lt=today),
                Q(next_on=today),
                accepted & Q(worked_at=None, next_on=None),
                Q(next_on__gt=today),
            )
            return [awake & holds for holds in (*plans, accepted)] + [awake]
        case Tab.RECYCLED:
            return [Q(revisit_on__lte=today), Q(revisit_on__isnull=False)]
    due = (Q(due_at__lt=at), Q(due_at__lt=at + SOON), Q(due_at__isnull=False), Q(is_above=True))
    return [awake & holds for holds in due] + [awake]
