"""What waits above capacity, and its turn: the first working day on which whoever holds it has a place free.

On the morning of a working day the places of each rep go to what waits, in the order in which it was handed over; what
is left of them is for the hand-offs of that day. The clock begins with the day, however late somebody looks.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Exists, Max, Min, OuterRef
from django.utils.timezone import localdate

from alignment.lib.periods import DAY
from leads.models import Lead
from leads.querysets import LeadQuerySet
from sla.capacity import TAKEN, WAITING, Clause, WorkingDay
from sla.models import AboveCapacity

_LOCKED = """
    SELECT pg_advisory_xact_lock(hashtext('accord.capacity'), owner_id)
    FROM (SELECT DISTINCT owner_id FROM unnest(%s::int[]) owner (owner_id) ORDER BY 1) held
"""
_BEGUN = f"""
    WITH day AS (
        SELECT %(falls_on)s::date AS falls_on, %(starts_at)s::timestamptz AS starts_at,
            %(ends_at)s::timestamptz AS ends_at
    ), waiting AS (
        SELECT waiting.*, row_number() OVER (
            PARTITION BY waiting.owner_id ORDER BY journey.mql_at, waiting.lead_id, waiting.pass_no
        ) AS place
        FROM ({WAITING} AND above.falls_on < %(falls_on)s AND lead.id = ANY(%(leads)s)) waiting
        JOIN leads_journey journey ON journey.lead_id = waiting.lead_id AND journey.pass_no = waiting.pass_no
    ), taken AS (
        SELECT owner_id, count(*) AS places FROM ({TAKEN}) taken GROUP BY owner_id
    )
    UPDATE sla_abovecapacity above SET begins_on = %(falls_on)s, begins_at = %(opens_at)s
    FROM waiting LEFT JOIN taken USING (owner_id)
    WHERE above.id = waiting.id
        AND (%(most)s::int IS NULL OR waiting.place + coalesce(taken.places, 0) <= %(most)s)
    RETURNING above.lead_id, above.pass_no
"""


class Turn(NamedTuple):
    """A pass whose turn has come."""

    lead_id: int
    pass_no: int


def waiting() -> LeadQuerySet:
    """The leads that wait above capacity, whoever holds them."""
    above = AboveCapacity.objects.filter(lead=OuterRef("pk"), pass_no=OuterRef("pass_no"), begins_on=None)
    return Lead.objects.awaiting_answer().filter(Exists(above))


def take_turns(now: datetime) -> list[Turn]:
    """Give the places of the working days that have opened since the last one to what waits; to be called in a
    transaction. Two queries where nothing waits; else a few for each day, and the leads that wait are locked.
    """
    first = _first_day()
    if first is None:
        return []
    clause = Clause.signed()
    days = list(_opened(clause, first, now))
    if not days:
        return []
    # Leads before reps, as everywhere.
    held = waiting().exclude(owner=None).order_by("pk").select_for_update(no_key=True, of=("self",))
    leads = dict(held.values_list("pk", "owner_id"))
    with connection.cursor() as cursor:
        cursor.execute(_LOCKED, [sorted(set(leads.values()))])
        return [turn for day, opens_at in days for turn in _begin(cursor, clause, day, opens_at, sorted(leads))]


def _first_day() -> date | None:
    """The first day that has not given its places yet; None where nothing waits."""
    above = AboveCapacity.objects.filter(lead__in=waiting().exclude(owner=None).values("pk"), begins_on=None)
    since = above.aggregate(first=Min("falls_on"))["first"]
    if since is None:
        return None
    last: date | None = AboveCapacity.objects.filter(begins_on__isnull=False).aggregate(last=Max("begins_on"))["last"]
    later: date = max(since, last) if last else since
    return later + DAY


def _opened(clause: Clause, first: date, now: datetime) -> Iterable[tuple[WorkingDay, datetime]]:
    day = first
    while day <= localdate(now, clause.zone):
        working = clause.working_day(day)
        opens_at = clause.opens_at(working.falls_on)
        if working.falls_on == day and opens_at and opens_at <= now:
            yield working, opens_at
        day += DAY


def _begin(
    cursor: CursorWrapper, clause: Clause, day: WorkingDay, opens_at: datetime, leads: Sequence[int]
) -> list[Turn]:
    asked = clause.asked([day])
    given = {
        "falls_on": day.falls_on, "starts_at": asked["starts"][0], "ends_at": asked["ends"][0], "opens_at": opens_at,
        "most": asked["most"][0], "leads": leads,
    }  # fmt: skip
    cursor.execute(_BEGUN, given)
    return [Turn(*row) for row in cursor.fetchall()]
