"""Telling open pages that something changed: one PostgreSQL notification, sent when the transaction commits."""

import json
from collections.abc import Collection

from django.db import connection

CHANNEL = "accord"
# PostgreSQL takes 8,000 bytes, and a longer payload would abort the write.
MOST_IDS = 200


def announce(topic: str, ids: Collection[int] | None = None, *, user_ids: Collection[int] | None = None) -> None:
    """Announce a change of `topic` to every open page, or with `user_ids` only to pages of these users.

    `ids` says which rows changed; None, or more than a payload holds, means "look again at all". Of a transaction
    only what is committed is announced; announce once a transaction, since commits that notify wait for each other.
    """
    notice: dict[str, object] = {"topic": topic, "ids": _few(ids)}
    if user_ids is not None:
        # Too many to name: everyone looks again, and sees no more than they may.
        notice["users"] = _few(user_ids)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(notice)])


def _few(ids: Collection[int] | None) -> list[int] | None:
    return sorted(ids) if ids is not None and len(ids) <= MOST_IDS else None
