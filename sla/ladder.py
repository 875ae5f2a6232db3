"""The steps that a running clock takes by itself: reminders, the breach, and who hears of it after that. Pure.

A step is known by its rung. Reminders have the percentage of the time after which they are due, 1 to 99; the breach and
what follows come after them. Each rung is taken once in the life of a clock, so that its ladder ends.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from alignment.lib.business_time import Calendar
from sla.models.policy import Policy
from sla.targets import add, after_days, opening

BREACH = 100
PROPOSAL = 101
HEADS = 102
HANDED_OVER = 103
"""No step that comes by itself: the proposal was carried out."""

HOUR = timedelta(hours=1)


class Step(NamedTuple):
    """A rung, and when it is due."""

    rung: int
    at: datetime


def reminders(policy: Policy, started_at: datetime, due_at: datetime) -> Iterator[Step]:
    """The reminders, by how much of the time from the start to the due time has passed."""
    for percentage in sorted(policy.reminders):
        yield Step(percentage, started_at + (due_at - started_at) * percentage / 100)


def after_breach(policy: Policy, due_at: datetime, calendar: Calendar | None) -> Iterator[Step]:
    """What follows a breach that stays unanswered, by the calendar of those who work on it."""
    if policy.propose_after:
        yield Step(PROPOSAL, add(calendar, due_at, policy.propose_after * HOUR))
    if policy.heads_after:
        yield Step(HEADS, after_days(calendar, due_at, policy.heads_after))


def first_look(policy: Policy, started_at: datetime, due_at: datetime, *, rung: int, is_silent: bool) -> datetime:
    """When the sweep looks at a running clock next, if the last step that it took was `rung`."""
    if not is_silent and rung < BREACH:
        for step in reminders(policy, started_at, due_at):
            if step.rung > rung:
                return step.at
    return due_at


def reminder_due(
    policy: Policy, started_at: datetime, due_at: datetime, *, rung: int, now: datetime, calendar: Calendar | None
) -> Step | None:
    """The reminder to give now, the latest of those that have come: None where none has, or at night.

    `calendar` is the holder's, who is not reminded outside working hours.
    """
    come = [step for step in reminders(policy, started_at, due_at) if step.rung > rung and step.at <= now]
    return come[-1] if come and opening(calendar, now) == now else None


def next_look(
    policy: Policy, started_at: datetime, due_at: datetime, *, rung: int, now: datetime, calendar: Calendar | None
) -> datetime:
    """When a clock that is not overdue is looked at next: at its next reminder, in working hours, else when due."""
    for step in reminders(policy, started_at, due_at):
        if step.rung > rung:
            return min(opening(calendar, max(step.at, now)), due_at)
    return due_at
