"""Telling users something: in the app, by mail as they want it, and in the channels of their teams."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models.functions import Now
from django.utils.timezone import now

from alignment.lib import batch
from alignment.lib.announcements import announce
from alignment.ops import channels, mailing, outbox
from alignment.ops.models import Notification
from alignment.ops.telling import Notice
from alignment.people.models import User

__all__ = ["Notice", "mark_read", "notify", "unread_count"]

TOPIC = "notifications"


@transaction.atomic
def notify(*, notices: Sequence[Notice]) -> int:
    """Tell users what they were not told yet; returns how many notices are new.

    The same few statements for one notice and for fifty thousand, and at most one mail for each user: several notices
    in one call become a list. Channels hear of what concerns a team.
    """
    told = _store(notices)
    if told:
        outbox.post(messages=[*mailing.plan(told, now()), *channels.tell(told.values())])
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
            "action": each.action,
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
