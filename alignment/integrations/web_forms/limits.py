"""How often a form may be posted. Counted in PostgreSQL, so that parallel posts and a dead broker change nothing."""

import hashlib
import hmac
import ipaddress
from datetime import timedelta
from math import ceil

from django.conf import settings
from django.db import connection

from alignment.integrations.web_forms.models import Outcome, WebForm

WINDOW = timedelta(minutes=10)
# Counts of past windows say nothing any more: each post takes a few of them away.
FORGET_PER_POST = 10

_COUNT = """
INSERT INTO integrations_postcount AS known (form_id, address, window_at, posts)
SELECT %(form)s, address, now(), 1 FROM unnest(%(addresses)s::text[]) AS given(address) ORDER BY address
ON CONFLICT (form_id, address) DO UPDATE SET
    posts = CASE WHEN known.window_at > now() - make_interval(secs => %(window)s) THEN known.posts + 1 ELSE 1 END,
    window_at = CASE
        WHEN known.window_at > now() - make_interval(secs => %(window)s) THEN known.window_at ELSE now()
    END
RETURNING address, posts, extract(epoch FROM window_at + make_interval(secs => %(window)s) - now())
"""
_FORGET = """
DELETE FROM integrations_postcount WHERE id IN (
    SELECT id FROM integrations_postcount WHERE window_at < now() - 2 * make_interval(secs => %s)
    ORDER BY window_at LIMIT %s FOR UPDATE SKIP LOCKED
)
"""
_TALLY = """
INSERT INTO integrations_tally AS known (form_id, counted_on, outcome, posts)
VALUES (%s, (now() AT TIME ZONE 'UTC')::date, %s, 1)
ON CONFLICT (form_id, counted_on, outcome) DO UPDATE SET posts = known.posts + 1
"""


def admit(*, form: WebForm, address: str) -> int:
    """Count a post. Returns 0 where it may go on, else in how many seconds the next one may.

    Two statements of their own, whatever the load. A post that goes too far is counted too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT, {"form": form.pk, "addresses": ["", _unreadable(address)], "window": WINDOW.total_seconds()}
        )
        counted = cursor.fetchall()
        cursor.execute(_FORGET, [WINDOW.total_seconds(), FORGET_PER_POST])
    limits = {"": form.limit_in_all}
    waits = [left for who, posts, left in counted if posts > limits.get(who, form.limit_per_address)]
    return max(1, *(ceil(left) for left in waits)) if waits else 0


def tally(*, form: WebForm, outcome: Outcome) -> None:
    """Add one to the form's count of today."""
    with connection.cursor() as cursor:
        cursor.execute(_TALLY, [form.pk, outcome.value])


def _unreadable(address: str) -> str:
    """A keyed digest of the network that an address belongs to: of IPv6 the /64, which one household has whole."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        network = "unknown"
    else:
        bits = 64 if parsed.version == 6 else 32
        network = str(ipaddress.ip_network((parsed, bits), strict=False))
    return hmac.new(settings.SECRET_KEY.encode(), network.encode(), hashlib.sha256).hexdigest()[:32]
