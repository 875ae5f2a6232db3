"""The capacity clause: of the leads handed to a rep on one working day, sales answers for as many as was agreed.

A hand-off counts for its day in the company's zone, on a day without working hours for the next one that has some. What
comes to a rep whose places of the day are taken, or in front of whom others wait already, is above capacity. It is
decided once, at the hand-off, for the rep who holds the lead then; `sla.backlog` gives it its turn.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.timezone import localdate

from alignment.lib import batch
from alignment.lib.business_time import Calendar
from alignment.lib.periods import DAY, Period, midnight, this_quarter
from alignment.people import calendars
from alignment.people.models import Company
from sla.models import AboveCapacity, Agreement, SubjectKind
from sla.settlement import Owed
from sla.subjects import SubjectKey

FREED = frozenset({SubjectKind.DISPOSITION.value, SubjectKind.FIRST_TOUCH.value})
"""What is not owed to a lead above capacity; whoever accepts one owes it a touch like any other."""
FARTHEST = 14
"""A working day is looked for so many days ahead."""
VERSIONS = 40
"""So many agreements are looked at, those of the newest quarters first."""

TAKEN = """
    SELECT day.falls_on, journey.owner_id, journey.lead_id, journey.pass_no, journey.mql_at
    FROM day JOIN leads_journey journey ON journey.mql_at >= day.starts_at AND journey.mql_at < day.ends_at
    WHERE journey.reached >= 2 AND journey.outcome <> 'merged' AND NOT EXISTS (
        SELECT FROM sla_abovecapacity above WHERE above.lead_id = journey.lead_id AND above.pass_no = journey.pass_no
    )
    UNION ALL
    SELECT day.falls_on, journey.owner_id, journey.lead_id, journey.pass_no, journey.mql_at
    FROM day JOIN sla_abovecapacity above ON above.begins_on = day.falls_on
    JOIN leads_journey journey ON journey.lead_id = above.lead_id AND journey.pass_no = above.pass_no
    WHERE journey.outcome <> 'merged'
"""
"""The passes that have, or ask for, a place of a `day`: hand-offs that are not above, and those whose turn it was."""

WAITING = """
    SELECT above.id, above.lead_id, above.pass_no, above.falls_on, lead.owner_id
    FROM leads_lead lead JOIN sla_abovecapacity above ON above.lead_id = lead.id AND above.pass_no = lead.pass_no
    WHERE lead.merged_into_id IS NULL AND lead.withdrawn_at IS NULL AND lead.milestone = 2 AND lead.outcome = ''
        AND above.begins_on IS NULL AND lead.owner_id IS NOT NULL
"""
"""What still waits for an answer, and for its turn, in somebody's hands."""

_DAYS = """
    SELECT * FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(most)s::int[],
        %(agreements)s::int[]) AS day (falls_on, starts_at, ends_at, most, agreement_id)
"""
_LOCKED = f"""
    WITH day AS ({_DAYS})
    SELECT pg_advisory_xact_lock(hashtext('accord.capacity'), owner_id) FROM (
        SELECT DISTINCT journey.owner_id FROM day
        JOIN leads_journey journey ON journey.mql_at >= day.starts_at AND journey.mql_at < day.ends_at
        WHERE journey.lead_id = ANY(%(leads)s) AND journey.owner_id IS NOT NULL ORDER BY 1
    ) held
"""
# A place is taken by what was decided, not by what came first: a hand-off that is recorded later takes none away.
_ABOVE = f"""
    WITH day AS ({_DAYS}), taken AS ({TAKEN}), arriving AS (
        SELECT taken.*, row_number() OVER (PARTITION BY falls_on, owner_id ORDER BY mql_at, lead_id, pass_no) AS place
        FROM taken JOIN unnest(%(leads)s::bigint[], %(passes)s::int[]) asked (lead_id, pass_no) USING (lead_id, pass_no)
        WHERE owner_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM sla_clock clock WHERE clock.lead_id = taken.lead_id AND clock.pass_no = taken.pass_no
                AND clock.subject_kind = ANY(%(freed)s)
        )
    ), decided AS (
        SELECT falls_on, owner_id, count(*) AS places FROM taken
        WHERE owner_id IN (SELECT owner_id FROM arriving)
            AND (lead_id, pass_no) NOT IN (SELECT lead_id, pass_no FROM arriving)
        GROUP BY falls_on, owner_id
    ), waiting AS MATERIALIZED (
        {WAITING} AND lead.owner_id = ANY(ARRAY(SELECT owner_id FROM arriving))
    )
    SELECT arriving.lead_id, arriving.pass_no, arriving.owner_id, falls_on, day.most, day.agreement_id
    FROM arriving JOIN day USING (falls_on) LEFT JOIN decided USING (falls_on, owner_id)
    WHERE arriving.place + coalesce(decided.places, 0) + (
        SELECT count(*) FROM waiting WHERE waiting.owner_id = arriving.owner_id AND waiting.falls_on < arriving.falls_on
    ) > day.most
"""


def is_above(lead: str = "lead") -> Exists:
    """Whether the pass of a row is above capacity, and its turn has not come; `lead` is its column of the lead."""
    waits = AboveCapacity.objects.filter(begins_at=None)
    return Exists(waits.filter(lead=OuterRef(lead), pass_no=OuterRef("pass_no")))


@dataclass(frozen=True, slots=True, order=True)
class WorkingDay:
    """A working day and the stretch of hand-offs that count for it, days off before it included."""

    falls_on: date
    first: date


class Limit(NamedTuple):
    """So many places a rep and working day, by an agreement that both heads signed."""

    agreement_id: int
    per_rep: int


@dataclass(frozen=True, slots=True)
class Clause:
    """What both heads signed about capacity, by the first day of the quarter, and the days that it counts by."""

    limits: Mapping[str, Limit | None]
    zone: ZoneInfo
    hours: Calendar | None
    fiscal_start: int

    @classmethod
    def signed(cls) -> Self:
        """Three queries at most."""
        company = Company.get()
        newest = Agreement.objects.signed().order_by("-scope", "-number").values_list("scope", "pk", "body__per_rep")
        hours = calendars.load([company.calendar_id]).get(company.calendar_id) if company.calendar_id else None
        limits: dict[str, Limit | None] = {}
        for scope, pk, per_rep in newest[:VERSIONS]:
            limits.setdefault(scope, Limit(pk, per_rep) if per_rep else None)
        return cls(limits, ZoneInfo(company.time_zone), hours, company.fiscal_year_start_month)

    def of(self, day: date) -> Limit | None:
        """What is in force on a day; None where no limit was agreed."""
        return self.limits.get(str(this_quarter(day, fiscal_start=self.fiscal_start).first))

    def working_day(self, day: date) -> WorkingDay:
        """The day itself, or the next that has working hours; without a calendar every day has."""
        if self.hours is None:
            return WorkingDay(day, day)
        hours = self.hours
        falls_on = next((each for ahead in range(FARTHEST) if hours.hours_on(each := day + ahead * DAY)), day)
        first = falls_on
        while falls_on - first < FARTHEST * DAY and not hours.hours_on(first - DAY):
            first -= DAY
        return WorkingDay(falls_on, first)

    def opens_at(self, day: date) -> datetime | None:
        """When work begins on a day; None where it does not."""
        start, end = Period(day, day).instants(self.zone)
        if self.hours is None:
            return start
        return next((opens for opens, _ in self.hours.spans(start, end)), None)

    def asked(self, days: Sequence[WorkingDay]) -> dict[str, Any]:
        """These days as parameters of the statements here; `most` None: no limit."""
        agreed = [self.of(day.falls_on) for day in days]
        return {
            "days": [day.falls_on for day in days],
            "starts": [midnight(day.first, self.zone) for day in days],
            "ends": [midnight(day.falls_on + DAY, self.zone) for day in days],
            "most": [limit and limit.per_rep for limit in agreed],
            "agreements": [limit and limit.agreement_id for limit in agreed],
        }


def freed(fresh: Mapping[SubjectKey, Owed], now: datetime) -> set[SubjectKey]:
    """Of the promises that would begin, those that are not owed yet: their lead is above capacity, which is stored.

    A few queries, whatever the number of leads.
    """
    handed_over = {key: given.since for key, given in fresh.items() if key.kind in FREED and given.since}
    clause = Clause.signed() if handed_over else None
    if clause is None or not any(clause.limits.values()):
        return set()
    days = sorted({clause.working_day(localdate(at, clause.zone)) for at in handed_over.values()})
    limited = [day for day in days if clause.of(day.falls_on)]
    passes = sorted({(key.subject_id, key.number) for key in handed_over})
    if limited:
        _decide(clause.asked(limited), passes, now)
    above = _known(passes)
    return {key for key in handed_over if (key.subject_id, key.number) in above}


def _decide(asked: Mapping[str, Any], passes: Sequence[tuple[int, int]], now: datetime) -> None:
    """Store which of `passes` are above; three statements. Hand-offs to one rep wait for each other."""
    given = {
        **asked, "leads": [lead_id for lead_id, _ in passes], "passes": [number for _, number in passes],
        "freed": sorted(FREED),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LOCKED, given)
        cursor.execute(_ABOVE, given)
        names = ("lead_id", "pass_no", "holder_id", "falls_on", "most", "agreement_id")
        rows = [dict(zip(names, row, strict=True), recorded_at=now) for row in cursor.fetchall()]
    batch.insert(AboveCapacity, rows, conflict="ON CONFLICT (lead_id, pass_no) DO NOTHING")


def _known(passes: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    leads = {lead_id for lead_id, _ in passes}
    found = AboveCapacity.objects.filter(lead_id__any_of=leads, begins_at=None).values_list("lead_id", "pass_no")
    return set(found) & set(passes)
