"""The capacity clause: of the leads handed to a rep on one working day, sales answers for as many as was agreed.

A hand-off counts for its day in the company's zone, on a day without working hours for the next one that has some. The
hand-offs of a day are numbered for each rep, by their moments; what comes after the agreed number is above capacity. It
is decided once, at the hand-off, for the rep who holds the lead then, and stays so for the pass.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.timezone import localdate

from alignment.lib import batch
from alignment.lib.business_time import Calendar
from alignment.lib.periods import DAY, Period, this_quarter
from alignment.people import calendars
from alignment.people.models import Company
from sla.models import AboveCapacity, Agreement, SubjectKind
from sla.settlement import Owed
from sla.subjects import SubjectKey
from sla.terms import Terms

FREED = frozenset({SubjectKind.DISPOSITION.value, SubjectKind.FIRST_TOUCH.value})
"""What is not owed to a lead above capacity; whoever accepts one owes it a touch like any other."""
FARTHEST = 14
"""A working day is looked for so many days ahead."""

_RANKED = """
    WITH day AS (
        SELECT * FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(most)s::int[],
            %(agreements)s::int[]) AS day (falls_on, starts_at, ends_at, most, agreement_id)
    ), ranked AS (
        SELECT journey.lead_id, journey.pass_no, journey.owner_id, day.*,
            row_number() OVER (PARTITION BY day.falls_on, journey.owner_id ORDER BY mql_at, lead_id, pass_no) AS place
        FROM day
        JOIN leads_journey journey ON journey.mql_at >= day.starts_at AND journey.mql_at < day.ends_at
        WHERE journey.reached >= 2 AND journey.outcome <> 'merged' AND journey.owner_id IS NOT NULL
    )
    SELECT lead_id, pass_no, owner_id, falls_on, most, agreement_id FROM ranked
    WHERE place > most AND lead_id = ANY(%(leads)s)
"""


def is_above() -> Exists:
    """Whether the pass of a journey is above capacity."""
    return Exists(AboveCapacity.objects.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no")))


@dataclass(frozen=True, slots=True, order=True)
class WorkingDay:
    """A working day and the stretch of hand-offs that count for it, days off before it included."""

    falls_on: date
    first: date


def freed(fresh: Mapping[SubjectKey, Owed], now: datetime) -> set[SubjectKey]:
    """Of the promises that would begin, those that are not owed since their lead is above capacity, which is stored.

    One query without a capacity clause in force; a few more with one, whatever the number of leads.
    """
    handed_over = {key: given.since for key, given in fresh.items() if key.kind in FREED and given.since}
    clauses = _clauses() if handed_over else []
    if not clauses:
        return set()
    company = Company.get()
    zone = ZoneInfo(company.time_zone)
    hours = calendars.load([company.calendar_id]).get(company.calendar_id) if company.calendar_id else None
    days = sorted({working_day(localdate(at, zone), hours) for at in handed_over.values()})
    agreed = [(day, found) for day in days if (found := _of(clauses, day, company))]
    passes = {(key.subject_id, key.number) for key in handed_over}
    above = _above(agreed, passes, zone, now) if agreed else _known(passes)
    return {key for key in handed_over if (key.subject_id, key.number) in above}


def _clauses() -> list[Agreement]:
    """What both heads signed with a limit, the newest first. One query."""
    found = Agreement.objects.signed().filter(body__per_rep__isnull=False).exclude(body__per_rep=None)
    return list(found.order_by("-scope", "-number")[:8])


def _of(clauses: Sequence[Agreement], day: WorkingDay, company: Company) -> Agreement | None:
    quarter = str(this_quarter(day.falls_on, fiscal_start=company.fiscal_year_start_month).first)
    return next((each for each in clauses if each.scope == quarter), None)


def working_day(day: date, hours: Calendar | None) -> WorkingDay:
    """The day itself, or the next that has working hours; without a calendar every day has."""
    if hours is None:
        return WorkingDay(day, day)
    falls_on = next((each for ahead in range(FARTHEST) if hours.hours_on(each := day + ahead * DAY)), day)
    first = falls_on
    while falls_on - first < FARTHEST * DAY and not hours.hours_on(first - DAY):
        first -= DAY
    return WorkingDay(falls_on, first)


def _above(
    agreed: Sequence[tuple[WorkingDay, Agreement]], passes: Collection[tuple[int, int]], zone: ZoneInfo, now: datetime
) -> set[tuple[int, int]]:
    """Rank the hand-offs of these days, and store which of `passes` are above; two queries."""
    stretches = [Period(day.first, day.falls_on).instants(zone) for day, _ in agreed]
    asked: dict[str, Any] = {
        "days": [day.falls_on for day, _ in agreed],
        "starts": [start for start, _ in stretches],
        "ends": [end for _, end in stretches],
        "most": [Terms.read(version.body).per_rep for _, version in agreed],
        "agreements": [version.pk for _, version in agreed],
        "leads": sorted({lead_id for lead_id, _ in passes}),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RANKED, asked)
        names = ("lead_id", "pass_no", "holder_id", "falls_on", "most", "agreement_id")
        rows = [dict(zip(names, row, strict=True), recorded_at=now) for row in cursor.fetchall()]
    rows = [row for row in rows if (row["lead_id"], row["pass_no"]) in passes]
    batch.insert(AboveCapacity, rows, conflict="ON CONFLICT (lead_id, pass_no) DO NOTHING")
    return _known(passes)


def _known(passes: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    leads = sorted({lead_id for lead_id, _ in passes})
    found = AboveCapacity.objects.filter(lead__in=leads).values_list("lead_id", "pass_no")
    return set(found) & set(passes)
