"""What is wrong with the data, finding by finding: the leads that each is about, and how many there are.

The number and the list behind it are one queryset. Every count reads an index of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from alignment.lib import batch
from alignment.lib.periods import Period, weeks
from alignment.people.models import Company
from leads.hygiene.duplicates import to_decide
from leads.milestones import Milestone
from leads.models import Journey, Lead, LeadKeys, Touchpoint, WeeklyCount
from leads.models.hygiene import Lack
from leads.models.journey import CONTRADICTS
from leads.querysets import LeadQuerySet

STALE_AFTER = timedelta(days=60)
COUNT_AGAIN_AFTER = timedelta(hours=1)
WEEKS = 12

Ids = Callable[[datetime], "QuerySet[Lead] | QuerySet[LeadKeys]"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with leads. `asks` is what to do about it; `ids` gives the leads, as of a moment."""

    key: str
    name: str
    asks: str
    ids: Ids

    def count(self, at: datetime) -> int:
        """How many leads it is about; one query."""
        return self.ids(at).count()

    def leads(self, at: datetime) -> LeadQuerySet:
        """The leads that it is about, in no order."""
        return Lead.objects.standing().filter(pk__in=self.ids(at).values("pk"))


def _lacking(lack: Lack) -> Ids:
    return lambda at: LeadKeys.objects.filter(lacks__contains=[lack.value])


def _stale(at: datetime) -> QuerySet[Lead]:
    """Handed over and not closed, and nothing has happened for `STALE_AFTER`: no move and no touch."""
    since = at - STALE_AFTER
    touched = Touchpoint.objects.filter(lead=OuterRef("pk"), at__gte=since)
    waiting = Lead.objects.standing().filter(outcome="", milestone__gte=Milestone.MQL, moved_at__lt=since)
    return waiting.filter(~Exists(touched))


def _contradicting(at: datetime) -> QuerySet[Lead]:
    return Lead.objects.standing().filter(pk__in=Journey.objects.filter(CONTRADICTS).values("lead"))


FINDINGS: Mapping[str, Finding] = {
    finding.key: finding
    for finding in (
        Finding("stale", "Stale leads", "Nothing has happened for 60 days: work, recycle or reject them.", _stale),
        Finding(
            "contradictions", "Dates that contradict each other",
            "A later milestone is dated before an earlier one: correct the wrong date in the timeline.", _contradicting,
        ),
        Finding(
            "no_reach", Lack.REACH.label, "Neither an e-mail address nor a phone number: find one, or reject the lead.",
            _lacking(Lack.REACH),
        ),
        Finding(
            "no_consent", Lack.CONSENT.label, "Nobody knows whether they may be contacted: ask, and write it down.",
            _lacking(Lack.CONSENT),
        ),
        Finding("no_name", Lack.NAME.label, "Ask for it, or look the person up.", _lacking(Lack.NAME)),
        Finding(
            "no_company", Lack.COMPANY.label, "Without it neither fit nor territory are known.", _lacking(Lack.COMPANY)
        ),
        Finding(
            "no_source", Lack.SOURCE.label, "Nobody gets the credit for them: say where they came from.",
            _lacking(Lack.SOURCE),
        ),
        Finding(
            "free_mail", Lack.FREE_MAIL.label, "Ask for the address at work: it says which company it is.",
            _lacking(Lack.FREE_MAIL),
        ),
        Finding("bad_email", Lack.BAD_EMAIL.label, "Mail to it does not arrive: mend it.", _lacking(Lack.BAD_EMAIL)),
        Finding(
            "bad_phone", Lack.BAD_PHONE.label, "It has no country code, or is no number: mend it.",
            _lacking(Lack.BAD_PHONE),
        ),
    )
}  # fmt: skip
"""Everything that is about single leads, in the order of the page."""

PAIRS: Mapping[str, tuple[str, str]] = {
    "exact": ("Exact duplicates", "The same mailbox, or the same phone number and name: merge them."),
    "likely": ("Likely duplicates", "Look at the evidence: merge them, or say that they are two people."),
}
"""What is about two leads: key → (name, what to do)."""


def count_all(at: datetime) -> dict[str, int]:
    """Finding → how many; one query each."""
    pairs = {key: to_decide(exact=key == "exact").count() for key in PAIRS}
    return pairs | {key: finding.count(at) for key, finding in FINDINGS.items()}


# By week ------------------------------------------------------------------------------------------------------


def recent_weeks(company: Company, at: datetime, count: int = WEEKS) -> list[Period]:
    """The last weeks of the company's calendar, this one last."""
    return weeks(at.astimezone(ZoneInfo(company.time_zone)).date(), count, starts_on=company.week_start)


@transaction.atomic
def remember(*, counts: Mapping[str, int], at: datetime) -> None:
    """Store these counts for the week of `at`: the last ones of a week stay."""
    [week] = recent_weeks(Company.get(), at, 1)
    rows = [
        {"begins_on": week.first, "finding": key, "count": count, "counted_at": at}
        for key, count in sorted(counts.items())
    ]
    latest = "count = excluded.count, counted_at = excluded.counted_at"
    batch.insert(WeeklyCount, rows, conflict=f"ON CONFLICT (begins_on, finding) DO UPDATE SET {latest}")


def remember_if_due(at: datetime) -> bool:
    """Count and remember, unless that was done within the hour."""
    last = WeeklyCount.objects.order_by("-begins_on", "-counted_at").values_list("counted_at", flat=True).first()
    if last is not None and at - last < COUNT_AGAIN_AFTER:
        return False
    remember(counts=count_all(at), at=at)
    return True


def by_week(company: Company, at: datetime) -> tuple[list[date], dict[str, list[int | None]]]:
    """The first days of the last weeks, and for each finding its counts in them (None: not counted); one query."""
    begins = [period.first for period in recent_weeks(company, at)]
    stored = {(row.finding, row.begins_on): row.count for row in WeeklyCount.objects.filter(begins_on__in=begins)}
    keys = [*PAIRS, *FINDINGS]
    return begins, {key: [stored.get((key, week)) for week in begins] for key in keys}
