"""Telling both heads, once, that marketing's plan of the running quarter will be missed at its pace."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localdate

from alignment.lib.moments import database_now
from alignment.ops.models import Notification
from alignment.ops.notifications import Notice, notify
from alignment.people.models import Company
from sla.models import Agreement
from sla.pace import Pace
from sla.promises import in_force, so_far
from sla.quarters import FiscalCalendar


@transaction.atomic
def tell_of_plans_behind(*, at: datetime | None = None) -> int:
    """Tell both heads as soon as the forecast for the end of the quarter falls below what the version in force
    promises, once each for a version. A forecast counts once it has a range: the first weeks say little. Returns how
    many were told. Three queries where nothing is promised or all is told.
    """
    now = at or database_now()
    company = Company.get()
    calendar = FiscalCalendar.of(company)
    quarter = calendar.quarter(localdate(now, ZoneInfo(company.time_zone)))
    version = in_force(quarter)
    heads = sorted(set(company.heads.values()))
    if version is None or not heads or _told(version, heads) == len(heads):
        return 0
    pace = so_far(quarter, now).pace
    if pace.forecast is None or pace.low is None or pace.forecast >= pace.planned:
        return 0
    return notify(notices=[_behind(version, calendar.name(quarter), pace, head) for head in heads])


def _told(version: Agreement, heads: Sequence[int]) -> int:
    return Notification.objects.filter(user__in=heads, dedupe_key=_key(version)).count()


def _behind(version: Agreement, quarter: str, pace: Pace, head: int) -> Notice:
    return Notice(
        user_id=head, kind="plan_behind",
        title=f"At its pace marketing ends {quarter} with {pace.forecast:,.0f} of {pace.planned:,} promised MQLs",
        body=f"{pace.came:,} came where {pace.to_date:,.0f} were due by now. Eight of ten quarters like this one end "
        f"with {pace.low:,.0f} to {pace.high:,.0f}. Nothing further is sent about this plan.",
        url=reverse("agreement_version", args=[version.scope, version.number]), action="Look at the plan",
        dedupe_key=_key(version), subject_kind="agreement", subject_id=version.pk,
    )  # fmt: skip


def _key(version: Agreement) -> str:
    return f"plan_behind:{version.pk}"
