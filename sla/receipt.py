"""The receipt of a clock: who held the lead for how long of the time that was promised, and who is charged.

What counts is the time from the start to the due time, or to the answer if it came before, without pauses; by the
clock's calendar, else the company's, else around the clock. A breach is charged to the largest share. Time in no one's
hands is charged to whom routing names, and the time of somebody who was away to the manager of their team.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Self
from zoneinfo import ZoneInfo

from alignment.lib.business_time import Calendar
from alignment.people import calendars
from alignment.people.models import Absence, Company, User
from leads.models.route import Pool, RoutingVersion
from sla.models import Clock, ClockPause
from sla.subjects import Holding, passes, reader_of, subject
from sla.targets import between

ONE_DAY = timedelta(days=1)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Held:
    """A stretch in the hands of `holder` (None: of no one), charged to `charged` (None: to nobody that is known)."""

    holder: User | None
    charged: User | None
    since_at: datetime
    until: datetime
    is_away: bool = False
    time: timedelta = timedelta()
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """`held` is in order of time; `time` is the whole of it. `charged` answers for a breach; None where it was kept, or
    nobody is to be named. `by_hours`: working time was counted.
    """

    held: Sequence[Held]
    time: timedelta
    charged: User | None
    by_hours: bool

    def as_json(self) -> dict[str, object]:
        """For the event of a contest: the receipt as it was then."""
        return {
            "charged": self.charged.pk if self.charged else None,
            "held": [
                {
                    "holder": each.holder.pk if each.holder else None, "charged": each.charged and each.charged.pk,
                    "since_at": each.since_at.isoformat(), "until": each.until.isoformat(),
                    "seconds": round(each.time.total_seconds()),
                    "share": round(each.share, 4),
                    "is_away": each.is_away,
                }
                for each in self.held
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frozen:
    """A receipt as it was kept: `Receipt.as_json`, with the people of then by name."""

    held: Sequence[Held]
    time: timedelta
    charged: User | None

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Frozen":
        """One query."""
        rows = kept["held"]
        keys = {row[name] for row in rows for name in ("holder", "charged")} | {kept["charged"]}
        people = User.objects.in_bulk(keys - {None})
        held = [
            Held(
                people.get(row["holder"]), people.get(row["charged"]), datetime.fromisoformat(row["since_at"]),
                datetime.fromisoformat(row["until"]), row.get("is_away", False), timedelta(seconds=row["seconds"]),
                row["share"],
            )
            for row in rows
        ]  # fmt: skip
        return cls(held, sum((each.time for each in held), timedelta()), people.get(kept["charged"]))


def receipt(clock: Clock, at: datetime) -> Receipt:
    """The receipt of a clock as of `at`; ten queries at most."""
    return receipts([clock], at)[clock.pk]


def receipts(clocks: Sequence[Clock], at: datetime) -> dict[int, Receipt]:
    """The receipts of these clocks as of `at`, by clock; ten queries at most, however many they are."""
    known = _Known.read(clocks)
    return {clock.pk: _receipt(clock, known, at) for clock in clocks}


def _receipt(clock: Clock, known: "_Known", at: datetime) -> Receipt:
    end = max(min(clock.stopped_at or at, clock.due_at), clock.started_at)
    calendar = known.calendars.get(clock.calendar_id or known.company.calendar_id or 0)
    stretches = list(_stretches(clock, end, known))
    pauses = known.pauses.get(clock.pk, ())
    times = [_time(calendar, (each.since_at, each.until), pauses) for each in stretches]
    if not any(times):  # all of it lay outside working hours
        calendar, times = None, [_time(None, (each.since_at, each.until), pauses) for each in stretches]
    whole = sum(times, timedelta())
    held = [
        Held(each.holder, each.charged, each.since_at, each.until, each.is_away, took, took / whole if whole else 0.0)
        for each, took in zip(stretches, times, strict=True)
    ]
    return Receipt(held, whole, _largest(held) if clock.is_breached(at) else None, calendar is not None)


@dataclass(frozen=True, slots=True)
class _Known:
    """What receipts are made of: who held these leads, who was away, what was paused, and what counts as time."""

    company: Company
    named: User | None
    calendars: Mapping[int, Calendar]
    holdings: Mapping[tuple[str, int], Sequence[Holding]]
    pauses: Mapping[int, Sequence[Span]]
    away: Mapping[int, Sequence[Span]]

    @classmethod
    def read(cls, clocks: Sequence[Clock]) -> Self:
        """For these clocks; ten queries at most."""
        company = Company.get()
        holdings = _holdings(clocks)
        pauses: defaultdict[int, list[Span]] = defaultdict(list)
        paused = ClockPause.objects.filter(clock__in={clock.pk for clock in clocks})
        for clock_id, *span in paused.values_list("clock_id", "began_at", "ends_at"):
            pauses[clock_id].append((span[0], span[1]))
        keys = {key for clock in clocks if (key := clock.calendar_id or company.calendar_id)}
        people = {each.holder.pk: each.holder for found in holdings.values() for each in found}
        return cls(
            company=company,
            named=_named(company),
            calendars=calendars.load(keys) if keys else {},
            holdings=holdings,
            pauses=pauses,
            away=_absences(people.values(), company),
        )


def _time(calendar: Calendar | None, span: Span, pauses: Iterable[Span]) -> timedelta:
    """What counts of a stretch: not what lies in a pause."""
    paused = (between(calendar, max(span[0], began), min(span[1], ended)) for began, ended in pauses if began < span[1])
    return between(calendar, *span) - sum(paused, timedelta())


def _stretches(clock: Clock, end: datetime, known: _Known) -> Iterable[Held]:
    """The time up to `end`, cut where the lead changes hands and where its holder goes away or comes back."""
    at, named = clock.started_at, known.named
    for each in known.holdings.get((_table(clock), clock.subject_id), ()):
        since, until = max(each.since_at, at), min(each.until or end, end)
        if until <= since:
            continue
        if since > at:
            yield Held(None, named, at, since)
        manager = each.team.manager if each.team else None
        yield from _with_absences(each.holder, manager, (since, until), known.away.get(each.holder.pk, ()))
        at = until
    if at < end:
        yield Held(None, named, at, end)


def _holdings(clocks: Iterable[Clock]) -> dict[tuple[str, int], Sequence[Holding]]:
    """In whose hands the subjects of these clocks were, in order of time; a few queries for each kind of row."""
    keys: defaultdict[str, set[int]] = defaultdict(set)
    for clock in clocks:
        keys[_table(clock)].add(clock.subject_id)
    return {
        (table, pk): found
        for table, wanted in keys.items()
        for pk, found in (reader_of(table).holdings(wanted) if table else passes.holdings(wanted)).items()
    }


def _table(clock: Clock) -> str:
    """All kinds about passes share their holders."""
    return "" if subject(clock.subject_kind).is_pass else clock.subject_kind


def _with_absences(holder: User, manager: User | None, span: Span, away: Sequence[Span]) -> Iterable[Held]:
    marks = {span[0], span[1], *(mark for each in away for mark in each if span[0] < mark < span[1])}
    for since, until in pairwise(sorted(marks)):
        is_away = any(began <= since < ended for began, ended in away)
        yield Held(holder, (manager or holder) if is_away else holder, since, until, is_away)


def _absences(people: Iterable[User], company: Company) -> Mapping[int, list[Span]]:
    zones = {each.pk: ZoneInfo(each.time_zone or company.time_zone) for each in people}
    found: dict[int, list[Span]] = {}
    rows = Absence.objects.filter(user__in=zones, cancelled_at=None)
    for user_id, first_on, last_on in rows.values_list("user_id", "first_on", "last_on"):
        began, ended = (
            datetime.combine(day, time(), zones[user_id]).astimezone(UTC) for day in (first_on, last_on + ONE_DAY)
        )
        found.setdefault(user_id, []).append((began, ended))
    return found


def _named(company: Company) -> User | None:
    """Who answers for leads in no one's hands: the fallback of the pool that gets what no rule is about, else the head
    of sales.
    """
    published = RoutingVersion.published()
    pool = Pool.objects.filter(pk=published.body.get("otherwise") or 0).select_related("fallback") if published else ()
    return next((each.fallback for each in pool), company.sales_head)


def _largest(held: Sequence[Held]) -> User | None:
    """Who answers for most of the time; of two with as much the one who had it later."""
    shares: dict[int, timedelta] = {}
    people: dict[int, User | None] = {}
    for each in held:
        key = each.charged.pk if each.charged else 0
        shares[key] = shares.get(key, timedelta()) + each.time
        people[key] = each.charged
    return people[max(reversed(shares), key=lambda key: shares[key])] if shares else None
