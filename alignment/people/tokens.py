"""API tokens: made, found by what a request shows, counted, revoked. Their text is known once, when they are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest

from django.db import connection, transaction
from django.utils import timezone
from knox.crypto import hash_token
from knox.settings import CONSTANTS

from alignment.people.models import ApiToken, User
from alignment.people.signals import record_changed

WINDOW_SECONDS = 60


@transaction.atomic
def make(*, user: User, name: str, scopes: Sequence[str], days: int) -> tuple[ApiToken, str]:
    """A token that acts as `user` for `days`, and its text, which is stored nowhere."""
    token, text = ApiToken.objects.create(user, expiry=timedelta(days=days), name=name, scopes=sorted(set(scopes)))
    changed = {"name": [None, name], "scopes": [None, token.scopes], "expiry": [None, token.expiry.isoformat()]}
    record_changed.send(sender=make, row=token, changed=changed, by=user)
    return token, text


@transaction.atomic
def revoke(*, token_id: int, by: User) -> ApiToken:
    """End a token at once; one that was revoked before stays as it was. Raises ApiToken.DoesNotExist."""
    token = ApiToken.objects.select_for_update(of=("self",)).select_related("user").get(pk=token_id)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record_changed.send(sender=revoke, row=token, changed={"revoked_at": [None, str(token.revoked_at)]}, by=by)
    return token


def find(text: str) -> ApiToken | None:
    """The token with this text, however it stands, with its user; None for no token of ours. One query."""
    digest = hash_token(text)
    known = ApiToken.objects.filter(token_key=text[: CONSTANTS.TOKEN_KEY_LENGTH]).select_related("user__team")
    return next((token for token in known if compare_digest(token.digest, digest)), None)


@dataclass(frozen=True, slots=True)
class Window:
    """How many requests were counted, this one included, and in how many seconds counting begins anew."""

    count: int
    seconds_left: int


# The row's lock makes parallel requests count one after the other.
_COUNT = f"""
    UPDATE people_apitoken SET
        last_used_at = clock_timestamp(),
        window_count = CASE WHEN {{running}} THEN window_count + 1 ELSE 1 END,
        window_at = CASE WHEN {{running}} THEN window_at ELSE clock_timestamp() END
    WHERE id = %s
    RETURNING window_count, ceil(extract(epoch FROM window_at - clock_timestamp()) + {WINDOW_SECONDS})::int
""".format(running=f"window_at > clock_timestamp() - interval '{WINDOW_SECONDS} seconds'")


def count(*, token_id: int) -> Window:
    """Count one request of a token in its running minute, and note that it was used; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [token_id])
        counted, seconds_left = cursor.fetchone()
    return Window(counted, max(seconds_left, 1))
