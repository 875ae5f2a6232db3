"""Channels: what is posted to Slack and to other programs, and what their answers mean."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from alignment.lib import safe_http, webhook_signatures
from alignment.ops.models import Destination, OutboxMessage, Transport
from alignment.ops.transports.base import GoneError, LaterError, RefusedError

JSON = {"Content-Type": "application/json", "User-Agent": "Accord"}
SECONDS = safe_http.SECONDS
LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
LONGEST_WAIT = timedelta(days=1)
# Slack says it of a channel, a team or an app that was removed.
SLACK_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class HttpSender:
    """One request a message. To programs they are signed, with an id that every attempt repeats."""

    def send(self, message: OutboxMessage) -> None:
        """Raises LaterError, GoneError, RefusedError, or what `safe_http.post` raises."""
        destination = message.destination
        assert destination is not None
        deliver(destination, message.body.encode(), message_id=f"msg_{message.pk}_{message.created_at:%Y%m%d%H%M%S%f}")

    def close(self) -> None:
        """Nothing is kept open."""


def deliver(destination: Destination, body: bytes, *, message_id: str) -> None:
    """Post `body` once. Raises as `HttpSender.send`."""
    signature = (
        webhook_signatures.headers(destination.secret, message_id=message_id, timestamp=int(time.time()), body=body)
        if destination.transport == Transport.WEBHOOK
        else {}
    )
    answer = safe_http.post(destination.url, body=body, headers=JSON | signature, seconds=SECONDS)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = answer.body[:300].decode(errors="replace").strip()
    sentence = f"The other side answered {answer.status}{f': {said}' if said else '.'}"
    gone = SLACK_GONE if destination.transport == Transport.SLACK else {HTTPStatus.GONE}
    if answer.status in gone:
        raise GoneError(sentence)
    if answer.status in LATER and (after := _wait(answer.headers)):
        raise LaterError(sentence, after)
    raise RefusedError(sentence)


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    """What Retry-After asks for, in seconds or as a date, a day at the most; None where it asks for nothing."""
    given = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    if given.isascii() and given.isdecimal():
        return min(timedelta(seconds=int(given[:9])), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    asked = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
    return min(max(asked, timedelta()), LONGEST_WAIT)
