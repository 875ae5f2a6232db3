"""Mail about notices: at once, in a daily list, or once quiet hours are over, as each person wants it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.timezone import now

from alignment.lib import batch, failpoints
from alignment.ops import mail_hours, outbox
from alignment.ops.mail_hours import Hours
from alignment.ops.models import MailPreference, Notification
from alignment.ops.occasions import occasion
from alignment.ops.telling import Notice
from alignment.people.models import Company, User

# A mail lists so many; the page has them all.
MOST_LINES = 20
# How long mail about many things waits, so that what follows at once is in the same list.
COLLECTING = timedelta(minutes=1)
_HOURS = [f"mail_hours__{name}" for name in ("digest_at", "quiet_from", "quiet_until", "quiet_weekends")]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Somebody who gets mail, and when they want it."""

    email: str
    zone: ZoneInfo
    hours: Hours
    modes: Mapping[str, str]

    def due(self, at: datetime, kind: str) -> datetime | None:
        return mail_hours.due(at, self.modes.get(kind, occasion(kind).mail), self.hours, self.zone)


def plan(told: Mapping[int, Notice], at: datetime, *, is_flood: bool = False) -> list[outbox.Mail]:
    """The mails that leave now; the notices that are to be mailed later are marked so. `told`: notification → notice.

    Sums, and in a flood all notices, wait for what comes next. Three queries, and one statement more where something
    waits. People without an e-mail, or who left, get none.
    """
    by_mail = {pk: notice for pk, notice in told.items() if notice.by_mail}
    readers = _readers({notice.user_id for notice in by_mail.values()})
    leaving: dict[int, dict[int, Notice]] = defaultdict(dict)
    later: list[dict[str, Any]] = []
    for pk, notice in by_mail.items():
        due = readers[notice.user_id].due(at, notice.kind) if notice.user_id in readers else None
        if due is not None and (is_flood or notice.stands_for > 1):
            due = max(due, at + COLLECTING)
        if due is not None and due <= at:
            leaving[notice.user_id][pk] = notice
        elif due is not None:
            later.append({"id": pk, "mail_at": due})
    batch.update(Notification, later)
    return [_mail(user_id, readers[user_id].email, notices) for user_id, notices in leaving.items()]


_CLAIM = """
UPDATE ops_notification SET mail_at = NULL WHERE id IN (
    SELECT id FROM ops_notification WHERE user_id IN (
        SELECT DISTINCT user_id FROM (
            SELECT user_id FROM ops_notification WHERE mail_at <= clock_timestamp() ORDER BY mail_at LIMIT %s
        ) due
    ) AND mail_at <= clock_timestamp() FOR UPDATE SKIP LOCKED
)
RETURNING id, user_id, kind, title, body, url, action, dedupe_key
"""


@transaction.atomic
def post_due(*, limit: int = 1000) -> int:
    """Post the lists and the mails whose time has come, one mail for each person; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [limit])
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if not rows:
        return 0
    of_user: dict[int, dict[int, Notice]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: row["id"]):
        pk = row.pop("id")
        of_user[row["user_id"]][pk] = Notice(**row)
    failpoints.reached("mail_lists.claimed")
    readers = _readers(of_user)
    return outbox.post(
        messages=[_mail(pk, readers[pk].email, notices) for pk, notices in of_user.items() if pk in readers]
    )


def _readers(user_ids: Iterable[int]) -> dict[int, _Reader]:
    """Those of the users who get mail. Three queries at most."""
    people = list(
        User.objects.active()
        .filter(pk__in=set(user_ids), email__isnull=False)
        .values_list("pk", "email", "time_zone", *_HOURS)
    )
    if not people:
        return {}
    company_zone = Company.get().time_zone
    modes: dict[int, dict[str, str]] = defaultdict(dict)
    wishes = MailPreference.objects.filter(user__in=[pk for pk, *_ in people])
    for user_id, kind, mode in wishes.values_list("user_id", "occasion", "mode"):
        modes[user_id][kind] = mode
    return {
        pk: _Reader(email, ZoneInfo(zone or company_zone), _hours(*hours), modes[pk])
        for pk, email, zone, *hours in people
    }


def _hours(digest_at: Any, *quiet: Any) -> Hours:
    return Hours() if digest_at is None else Hours(digest_at, *quiet)


# The mail itself -------------------------------------------------------------------------------------------------


def _mail(user_id: int, email: str, told: Mapping[int, Notice]) -> outbox.Mail:
    # The rows of one mail are mailed once together, so the first of them names it.
    key, notices = f"notification:{min(told)}", list(told.values())
    subject = notices[0].title if len(notices) == 1 else f"{notices[0].title} and {len(notices) - 1} more"
    text = _text(notices[0]) if len(notices) == 1 else _list(notices)
    return outbox.Mail(
        address=email, subject=subject, body=text, html=_html(notices), dedupe_key=key, recipient_id=user_id
    )


def _text(notice: Notice) -> str:
    parts = (notice.title, notice.body, settings.BASE_URL + notice.url if notice.url else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def _list(notices: Sequence[Notice]) -> str:
    lines = [f"- {each.title}\n  {settings.BASE_URL}{each.url}" for each in notices[:MOST_LINES]]
    if len(notices) > MOST_LINES:
        lines.append(f"and {len(notices) - MOST_LINES:,} more.")
    return "\n".join([*lines, "", f"All of them: {settings.BASE_URL}{reverse('notifications')}"]) + "\n"


def _html(notices: Sequence[Notice]) -> str:
    more = max(0, len(notices) - MOST_LINES)
    context = {
        "notices": notices[:MOST_LINES], "more": more, "base": settings.BASE_URL,
        "all_of_them": settings.BASE_URL + reverse("notifications"),
        "preferences": settings.BASE_URL + reverse("account_notifications"),
    }  # fmt: skip
    return render_to_string("ops/mail.html", context)


def test_mail(user: User) -> outbox.Mail:
    """A mail by which somebody sees whether mail reaches them."""
    notice = Notice(
        user_id=user.pk, kind="test", title="This is a test from Accord", dedupe_key="",
        body="Mail from Accord reaches you.", url="/",
    )  # fmt: skip
    return outbox.Mail(
        address=user.email or "", subject=notice.title, body=_text(notice), html=_html([notice]),
        dedupe_key=f"test:{user.pk}:{now():%Y%m%d%H%M%S%f}", recipient_id=user.pk,
    )  # fmt: skip
