"""Telling users something: in the app, by mail as they want it, and in the channels of their teams."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from alignment.lib import batch
from alignment.lib.announcements import announce
from alignment.lib.moments import database_now
from alignment.ops import channels, mailing, outbox
from alignment.ops.models import Notification
from alignment.ops.occasions import occasion
from alignment.ops.telling import Notice
from alignment.people.models import User

__all__ = ["Notice", "mark_read", "notify", "unread_count"]

TOPIC = "notifications"


@transaction.atomic
def notify(*, notices: Sequence[Notice], shared: Sequence[Notice] | None = None, is_flood: bool = False) -> int:
    """Tell users what they were not told yet; returns how many notices are new, or stand for more than before.

    The same few statements for one notice and for fifty thousand, and at most one mail for each user: several notices
    in one call become a list. Channels hear of what concerns a team: of `shared`, where that is not what people are
    told. In a flood more calls follow: mails wait for a moment, so that they become one list. Raises LookupError for a
    kind that is no occasion.
    """
    for kind in {each.kind for each in notices}:
        occasion(kind)
    told = _store([each for each in notices if each.stands_for == 1])
    told |= _add_up([each for each in notices if each.stands_for > 1])
    if told:
        mails = mailing.plan(told, database_now(), is_flood=is_flood)
        outbox.post(messages=[*mails, *channels.tell(told.values() if shared is None else shared)])
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
    stored = batch.insert(
        Notification,
        [_row(each) for each in notices],
        conflict="ON CONFLICT (user_id, dedupe_key) DO NOTHING",
        returning=["id", "user_id", "dedupe_key"],
    )
    given = {(each.user_id, each.dedupe_key): each for each in reversed(notices)}
    return {pk: given[user_id, dedupe_key] for pk, user_id, dedupe_key in stored}


_ADDING = """
ON CONFLICT (user_id, dedupe_key) DO UPDATE SET
    stands_for = ops_notification.stands_for + excluded.stands_for, body = excluded.body, read_at = NULL
"""


def _add_up(sums: Sequence[Notice]) -> dict[int, Notice]:
    """The sums as they stand now, by the id of their row; one whose mail waits already needs no other.

    Rows are taken in the order of their users, so that two who add to the same ones do not wait for each other.
    """
    ordered = sorted(sums, key=lambda each: (each.user_id, each.dedupe_key))
    rows = [_row(each.counted(each.stands_for)) for each in ordered]
    returning = ["id", "ops_notification.stands_for", "mail_at IS NOT NULL"]
    stored = batch.insert(Notification, rows, conflict=_ADDING, returning=returning)
    told = {
        pk: replace(each.counted(count), by_mail=each.by_mail and not waits)
        for each, (pk, count, waits) in zip(ordered, stored, strict=True)
    }
    batch.update(Notification, [{"id": pk, "title": each.title} for pk, each in told.items()])
    return told


def _row(notice: Notice) -> dict[str, Any]:
    return {
        "user_id": notice.user_id, "kind": notice.kind, "title": notice.title[:200], "body": notice.body,
        "url": notice.url, "action": notice.action, "subject_kind": notice.subject_kind,
        "subject_id": notice.subject_id, "dedupe_key": notice.dedupe_key, "stands_for": notice.stands_for,
    }  # fmt: skip
