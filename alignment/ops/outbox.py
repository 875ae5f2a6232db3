"""Messages that leave Accord: written in the transaction of what they tell, sent after it, at least once each."""

import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from alignment.lib import batch
from alignment.ops.models import OutboxMessage, Transport
from alignment.ops.transports.base import Sender
from alignment.ops.transports.email import EmailSender

log = logging.getLogger(__name__)

SENDERS: dict[str, Callable[[], Sender]] = {Transport.EMAIL: EmailSender}
# An attempt is over by then, or its sender died.
LEASE = timedelta(minutes=2)
# How long to wait after each failure; after the last one the message is dead.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
MOST_ATTEMPTS = len(WAITS) + 1

CLAIM = """
UPDATE ops_outboxmessage SET attempts = attempts + 1, due_at = clock_timestamp() + %s
WHERE id = (
    SELECT id FROM ops_outboxmessage
    WHERE sent_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp() AND transport = %s
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING *
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent. Of several with one `dedupe_key` only the first is, ever. `recipient_id`: the user, if one."""

    address: str
    subject: str
    body: str
    dedupe_key: str
    recipient_id: int | None = None


def post(*, messages: Sequence[Mail]) -> int:
    """Put messages into the outbox, in one statement; they leave when the caller commits. Returns how many are new."""
    rows = [
        {
            "transport": Transport.EMAIL,
            "recipient_id": each.recipient_id,
            "address": each.address,
            "subject": _one_line(each.subject, 200),
            "body": each.body,
            "dedupe_key": each.dedupe_key,
        }
        for each in messages
    ]
    return len(batch.insert(OutboxMessage, rows, conflict="ON CONFLICT (dedupe_key) DO NOTHING", returning=["id"]))


def deliver(*, limit: int = 1000, within: timedelta = timedelta(seconds=60)) -> int:
    """Try to send up to `limit` messages that are due, beginning none after `within`; returns how many left.

    Any number of deliverers may run at once. A message is claimed in a transaction of its own, which is over before
    anything is sent: a server that hangs holds up no other.
    """
    stop_at = time.monotonic() + within.total_seconds()
    tried = sent = 0
    for transport, open_sender in SENDERS.items():
        with closing(open_sender()) as sender:
            while tried < limit and time.monotonic() < stop_at and (message := _claim(transport)):
                tried += 1
                sent += _attempt(message, sender)
    return sent


def replay(*, message_ids: Iterable[int] | None = None) -> int:
    """Give dead messages (None: all of them) a new life of all attempts; returns how many."""
    dead = OutboxMessage.objects.dead()
    if message_ids is not None:
        dead = dead.filter(pk__in=message_ids)
    return dead.update(dead_at=None, due_at=Now(), attempts=0)


def _claim(transport: str) -> OutboxMessage | None:
    """The message that has been due for longest, now this sender's until the lease is over."""
    with transaction.atomic(durable=True):
        return next(iter(OutboxMessage.objects.raw(CLAIM, [LEASE, transport])), None)


def _attempt(message: OutboxMessage, sender: Sender) -> bool:
    """Whether the message left. It stays in the outbox whatever its transport does."""
    if message.attempts > MOST_ATTEMPTS:
        _put_off(message, "Every sender that took this message ended before it could say what became of it.")
        return False
    try:
        sender.send(message)
    except Exception as error:
        log.warning("Outbox message %s: attempt %s failed (%s).", message.pk, message.attempts, type(error).__name__)
        _put_off(message, f"{type(error).__name__}: {error}")
        return False
    # It did leave, whatever another sender made of it after this one's lease.
    OutboxMessage.objects.filter(pk=message.pk).update(sent_at=Now(), dead_at=None, last_error="")
    return True


def _put_off(message: OutboxMessage, reason: str) -> None:
    """To the next attempt, or to the dead; unless somebody else has claimed the message since."""
    mine = OutboxMessage.objects.filter(pk=message.pk, attempts=message.attempts, sent_at=None)
    last_error = _one_line(reason, 500)
    if message.attempts >= MOST_ATTEMPTS:
        mine.update(dead_at=Now(), last_error=last_error)
        return
    # Not all messages of an outage come back in the same moment.
    wait = WAITS[message.attempts - 1] * random.uniform(1, 1.2)  # noqa: S311 (no secret)
    mine.update(due_at=Now() + wait, last_error=last_error)


def _one_line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]
