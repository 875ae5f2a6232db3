"""Write verbs of the links to the wall: made once, seen, revoked; and which link a token opens."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from alignment.desk.models import SceneKey, WallLink
from alignment.lib.announcements import announce
from alignment.ops import audit
from alignment.people.models import User

TOKEN_BYTES = 32
TOPIC = "walls"
"""What open walls hear of when a link ends."""
SEEN_EVERY = timedelta(minutes=1)


@transaction.atomic
def make(*, name: str, scenes: Sequence[str], query: str, days: int, by: User) -> tuple[WallLink, str]:
    """A link of 256 random bits that ends after `days`, and its token, which nobody can read again."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = WallLink.objects.create(
        name=name,
        digest=_digest(token),
        scenes=[key for key in SceneKey.values if key in scenes],
        query=query,
        created_by=by,
        expires_at=Now() + timedelta(days=days),
    )
    link.refresh_from_db()
    _record("wall_link_made", link, by, scenes=link.scenes, query=query, expires_at=link.expires_at.isoformat())
    return link, token


@transaction.atomic
def revoke(*, link_id: int, by: User) -> WallLink:
    """End a link at once: screens that show it go blank. Raises ValidationError where it was revoked before, and
    WallLink.DoesNotExist.
    """
    link = WallLink.objects.select_for_update(of=("self",)).select_related("revoked_by").get(pk=link_id)
    if link.revoked_at:
        raise ValidationError(f"{link.revoked_by} has revoked “{link}” already.")
    WallLink.objects.filter(pk=link_id).update(revoked_at=Now(), revoked_by=by)
    link.refresh_from_db()
    _record("wall_link_revoked", link, by)
    announce(TOPIC)
    return link


def find(token: str) -> WallLink | None:
    """The link that this token opens now; None where it opens none. One query."""
    return WallLink.objects.open().filter(digest=_digest(token)).first()


def has_ended(token: str) -> bool:
    """Whether the token once opened a link that was revoked or expired since. One query."""
    return WallLink.objects.ended().filter(digest=_digest(token)).exists()


def see(*, link: WallLink) -> None:
    """Note that a screen shows it; writes once a minute at most."""
    long_ago = Q(last_seen_at=None) | Q(last_seen_at__lt=Now() - SEEN_EVERY)
    WallLink.objects.filter(long_ago, pk=link.pk).update(last_seen_at=Now())


def _digest(token: str) -> str:
    """The token is random in full, so that a plain digest cannot be guessed back."""
    return sha256(token.encode()).hexdigest()


def _record(action: str, link: WallLink, by: User, **detail: object) -> None:
    told = {"name": link.name, **detail}
    audit.record(action=action, actor=by, subject_kind="wall_link", subject_ids=[link.pk], detail=told)
