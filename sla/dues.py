"""When clocks are due, and by whose calendar: for one clock and for fifty thousand by the same statements."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import F

from alignment.people import calendars
from alignment.people.calendars import Due
from alignment.people.models import Company, User
from leads.models import Lead
from sla.models import Policy
from sla.models.clock import CalendarOf
from sla.models.policy import TargetUnit
from sla.subjects import Whose
from sla.targets import after_days

HOUR = timedelta(hours=1)


class Choice(NamedTuple):
    """A calendar (None: around the clock), and whose it is."""

    calendar_id: int | None
    of: str


AROUND_THE_CLOCK = Choice(None, CalendarOf.NOBODY.value)


class Asked(NamedTuple):
    """When is a clock of this policy due that started then?"""

    policy_id: int
    calendar_id: int | None
    started_at: datetime


def choices(wanted: Mapping[Whose, Collection[Policy]]) -> dict[tuple[Whose, int], Choice]:
    """The calendar of each subject under each of its policies, by (whose, policy): the policy's own, else that of its
    lead's territory, of its holder, of the company. A floor is in its holder's working hours: there theirs comes first.
    Three queries at most, none where no policy needs a calendar.
    """
    needing = [whose for whose, policies in wanted.items() if any(each.needs_calendar for each in policies)]
    known: dict[Whose, list[Choice]] = {}
    if any(not each.calendar_id for whose in needing for each in wanted[whose] if each.needs_calendar):
        known = _calendars(needing)
    return {(whose, each.pk): _chosen(each, known.get(whose, [])) for whose in wanted for each in wanted[whose]}


def _calendars(needing: Collection[Whose]) -> dict[Whose, list[Choice]]:
    """The calendars that come into question for each, in order."""
    company = Choice(Company.get().calendar_id, CalendarOf.COMPANY.value)
    keys = [whose.lead_id for whose in needing if whose.lead_id]
    rows = Lead.objects.filter(pk__any_of=keys).values_list(
        "pk", F("territory__calendar_id"), F("owner__calendar_id")
    ) if keys else ()  # fmt: skip
    leads = {pk: (territory, owner) for pk, territory, owner in rows}
    people = {whose.holder_id for whose in needing if whose.holder_id}
    holders = dict(User.objects.filter(pk__in=people).values_list("pk", "calendar_id")) if people else {}
    found = {}
    for whose in needing:
        territory, owner = leads.get(whose.lead_id or 0, (None, None))
        holder = holders.get(whose.holder_id) if whose.holder_id else owner
        found[whose] = [
            Choice(territory, CalendarOf.TERRITORY.value), Choice(holder, CalendarOf.OWNER.value), company,
        ]  # fmt: skip
    return found


def _chosen(policy: Policy, known: Iterable[Choice]) -> Choice:
    if not policy.needs_calendar:
        return AROUND_THE_CLOCK
    own = Choice(policy.calendar_id, CalendarOf.POLICY.value)
    if policy.unit == TargetUnit.ELAPSED_HOURS:
        known = sorted(known, key=lambda each: each.of != CalendarOf.OWNER)
    return next((each for each in (own, *known) if each.calendar_id), AROUND_THE_CLOCK)


def due_times(asked: Collection[Asked], policies: Mapping[int, Policy]) -> dict[Asked, datetime]:
    """The due time of each; no query for elapsed hours without a floor."""
    found = {each: _without_calendar(each, policies[each.policy_id]) for each in set(asked)}
    working = {each: hours for each in found if (hours := _working_hours(each, policies[each.policy_id]))}
    moments = calendars.due_at(
        asked=[Due(each.calendar_id or 0, each.started_at, hours * HOUR) for each, hours in working.items()]
    )
    for each, moment in zip(working, moments, strict=True):
        is_floor = policies[each.policy_id].unit == TargetUnit.ELAPSED_HOURS
        found[each] = max(found[each], moment) if is_floor else moment
    by_days = [each for each in found if each.calendar_id and _in_days(policies[each.policy_id])]
    known = calendars.load({each.calendar_id for each in by_days if each.calendar_id}) if by_days else {}
    for each in by_days:
        found[each] = after_days(known[each.calendar_id or 0], each.started_at, policies[each.policy_id].target)
    return found


def _without_calendar(asked: Asked, policy: Policy) -> datetime:
    return asked.started_at + policy.target * (timedelta(days=1) if _in_days(policy) else HOUR)


def _working_hours(asked: Asked, policy: Policy) -> int:
    """How many working hours have to be counted; 0 for none."""
    if asked.calendar_id is None or _in_days(policy):
        return 0
    return policy.target if policy.unit == TargetUnit.WORKING_HOURS else policy.floor_hours


def _in_days(policy: Policy) -> bool:
    return bool(policy.unit == TargetUnit.BUSINESS_DAYS)
