"""Agreeing: drafts, publication, and the signatures that put a version in force. The only writer of agreements."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localdate

from alignment.lib.periods import DAY, Period, this_quarter
from alignment.ops import audit, signatures, versions
from alignment.ops.notifications import Notice, notify
from alignment.people.models import Company, Side, User
from leads.lifecycle import database_now
from leads.models import Stage, StageVersion
from sla import terms
from sla.models import Agreement, PolicySet
from sla.quarters import FiscalCalendar
from sla.terms import Rate, Terms

AHEAD = 7
"""Days before a review on which both heads hear of it first."""
LATE = 14
"""So many days after it they still do, where nothing ran in between."""


def begin(*, quarter: Period, by: User | None, rates: Mapping[str, Rate] | None = None) -> Agreement:
    """The draft for this fiscal quarter: the one that stands, else a new one of what was published last for it, else of
    what stands for the quarter before. The plan, the season and the review of another quarter do not carry over, and
    `rates` of history take the place of those that it went by.
    """
    standing = Agreement.published(str(quarter.first))
    if standing is not None:
        return versions.begin(Agreement, by=by, scope=str(quarter.first))
    earlier = Agreement.objects.filter(scope__lt=str(quarter.first), state="published").order_by("-scope").first()
    kept = Terms.read(earlier.body if earlier else {})
    known = {key: rate for key, rate in (rates or {}).items() if rate.value is not None}
    begun = replace(kept, season=(), season_of="", plan=(), review_on=None).with_rates(known)
    return versions.begin(Agreement, by=by, scope=str(quarter.first), body=begun.as_body())


def change(*, draft: Agreement, terms: Terms, by: User | None) -> Agreement:
    """Store other terms under the draft as its editor saw it. Raises StaleDraftError where it moved on."""
    return versions.change(draft, body=terms.as_body(), by=by)


@transaction.atomic
def publish(*, draft: Agreement, by: User | None, note: str = "") -> Agreement:
    """Put the draft before both heads; it is in force once both sign. Raises ValidationError, StaleDraftError."""
    company = Company.get()
    calendar = FiscalCalendar.of(company)
    quarter = this_quarter(draft.begins_on, fiscal_start=calendar.year_starts_in)
    if quarter.first != draft.begins_on:
        raise ValidationError("The fiscal year begins in another month now: discard this draft and begin again.")
    weeks = calendar.weeks(quarter)
    frozen = {"stages": _stages_that_count(), "policies": _rules_that_count()}
    published = versions.publish(
        draft, by=by, check=lambda body: terms.checked(body, quarter, weeks) | frozen, note=note
    )
    _ask_for_signatures(published, company, calendar.name(quarter), by)
    return published


@transaction.atomic
def sign(*, version_id: int, by: User, at: datetime | None = None) -> list[Side]:
    """Sign the published version for the sides that `by` heads and that have not, now or at a moment that lies behind
    (history, demo). Raises ValidationError.
    """
    version = Agreement.objects.select_for_update(no_key=True, of=("self",)).get(pk=version_id)
    if version.state != versions.VersionState.PUBLISHED:
        raise ValidationError("Only the newest published version is signed.")
    sides = signatures.sign(
        version.signatures.all(), version=version, by=by, sides=Company.get().sides_headed_by(by),
        at=at or database_now(),
    )  # fmt: skip
    audit.record(
        action="agreement_signed", actor=by, subject_kind="agreement", subject_ids=[version.pk],
        detail={"quarter": version.scope, "number": version.number, "sides": [str(side) for side in sides]},
    )  # fmt: skip
    return sides


@transaction.atomic
def remind_of_reviews(*, at: datetime | None = None) -> int:
    """Tell both heads a week before the review of an agreement and on its day (or as soon as anybody notices); each is
    told once. Returns how many were. One query while no review is near.
    """
    company = Company.get()
    today = localdate(at or database_now(), ZoneInfo(company.time_zone))
    heads = sorted(set(company.heads.values()))
    near = Agreement.objects.filter(state=versions.VersionState.PUBLISHED).reviewed_between(
        today - LATE * DAY, today + AHEAD * DAY
    )
    notices = [_review(version, head, today) for version in near for head in heads]
    return notify(notices=notices) if notices else 0


def _review(version: Agreement, head: int, today: date) -> Notice:
    on = Terms.read(version.body).review_on or today
    when = "is due today" if on == today else f"is due on {on:%-d %B}" if on > today else f"was due on {on:%-d %B}"
    stage = "ahead" if on > today else "due"
    return Notice(
        user_id=head, kind="agreement_review", title=f"The review of your agreement {when}",
        body="Look at how the quarter went, and draft what changes for the next one.",
        url=reverse("agreement_version", args=[version.scope, version.number]), action="Read the agreement",
        dedupe_key=f"agreement_review:{version.pk}:{stage}", subject_kind="agreement", subject_id=version.pk,
    )  # fmt: skip


def _stages_that_count() -> list[int]:
    """What each stage means on the day of the agreement."""
    in_use = Stage.objects.in_use().values("key")
    found = StageVersion.objects.filter(state=versions.VersionState.PUBLISHED, scope__in=in_use)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _rules_that_count() -> list[int]:
    """What sales promises on the day of the agreement."""
    found = PolicySet.objects.filter(state=versions.VersionState.PUBLISHED)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _ask_for_signatures(version: Agreement, company: Company, quarter: str, by: User | None) -> None:
    notify(
        notices=[
            Notice(
                user_id=head, kind="agreement_published", title=f"The agreement for {quarter} waits for your signature",
                body=version.note, url=reverse("agreement_version", args=[version.scope, version.number]),
                action="Read and sign", dedupe_key=f"agreement_published:{version.pk}", subject_kind="agreement",
                subject_id=version.pk,
            )
            for head in sorted(set(company.heads.values()))
        ]
    )  # fmt: skip
