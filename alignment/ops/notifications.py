"""Telling users something: in the app, and by mail through the outbox."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from alignment.lib import batch
from alignment.lib.announcements import announce
from alignment.ops import outbox
from alignment.ops.models import Notification
from alignment.people.models import User

TOPIC = "notifications"
# A mail lists so many; the page has them all.
MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """What one user is told. `url` is a path of this install; the same `dedupe_key` is told a user only once, ever.

    `kind` names the occasion, such as `breach`; the subject is the row that it is about, where there is one.
    """

    user_id: int
    kind: str
    title: str
    dedupe_key: str
    body: str = ""
    url: str = ""
    subject_kind: str = ""
    subject_id: int | None = None
    by_mail: bool = True


@transaction.atomic
def notify(*, notices: Sequence[Notice]) -> int:
    """Tell users what they were not told yet; returns how many notices are new.

    The same few statements for one notice and for fifty thousand, and at most one mail for each user: several notices
    in one call become a list. People without an e-mail, or who left, get none.
    """
    told = _store(notices)
    if told:
        outbox.post(messages=_mails(told))
        announce(TOPIC, user_ids={each.user_id for each in told.values()})
    return len(told)


def unread_count(user: User) -> int:
    """How many notifications `user` has not read (one query)."""
    return Notification.objects.of(user).unread().count()


@transaction.atomic
def mark_read(*, user: User, notification_id: int | None = None) -> int:
    """Mark one notification of `user` as read (None: all of them); returns how many were not."""
    unread = Notification.objects.of(user).unread()
    if notification_id is not None:
        unread = unread.filter(pk=notification_id)
    marked = unread.order_by().update(read_at=Now())
    if marked:
        announce(TOPIC, user_ids=[user.pk])
    return marked


def _store(notices: Sequence[Notice]) -> dict[int, Notice]:
    """The notices that are new, by the id of their row."""
    rows = [
        {
            "user_id": each.user_id,
            "kind": each.kind,
            "title": each.title[:200],
            "body": each.body,
            "url": each.url,
            "subject_kind": each.subject_kind,
            "subject_id": each.subject_id,
            "dedupe_key": each.dedupe_key,
        }
        for each in notices
    ]
    stored = batch.insert(
        Notification,
        rows,
        conflict="ON CONFLICT (user_id, dedupe_key) DO NOTHING",
        returning=["id", "user_id", "dedupe_key"],
    )
    given = {(each.user_id, each.dedupe_key): each for each in reversed(notices)}
    return {pk: given[user_id, dedupe_key] for pk, user_id, dedupe_key in stored}


def _mails(told: dict[int, Notice]) -> list[outbox.Mail]:
    """One mail for each user who gets mail."""
    of_user: dict[int, dict[int, Notice]] = defaultdict(dict)
    for pk, notice in told.items():
        if notice.by_mail:
            of_user[notice.user_id][pk] = notice
    people = User.objects.active().filter(pk__in=of_user, email__isnull=False).values_list("pk", "email")
    return [_mail(user_id, email, of_user[user_id]) for user_id, email in people]


def _mail(user_id: int, email: str, told: dict[int, Notice]) -> outbox.Mail:
    # The rows of one call are new together, so the first of them names the mail.
    key, notices = f"notification:{min(told)}", list(told.values())
    if len(notices) == 1:
        subject, body = notices[0].title, _text(notices[0])
    else:
        subject, body = f"{notices[0].title} and {len(notices) - 1} more", _list(notices)
    return outbox.Mail(address=email, subject=subject, body=body, dedupe_key=key, recipient_id=user_id)


def _text(notice: Notice) -> str:
    parts = (notice.title, notice.body, settings.BASE_URL + notice.url if notice.url else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def _list(notices: list[Notice]) -> str:
    lines = [f"- {each.title}\n  {settings.BASE_URL}{each.url}" for each in notices[:MOST_LINES]]
    if len(notices) > MOST_LINES:
        lines.append(f"and {len(notices) - MOST_LINES:,} more.")
    return "\n".join([*lines, "", f"All of them: {settings.BASE_URL}{reverse('notifications')}"]) + "\n"
