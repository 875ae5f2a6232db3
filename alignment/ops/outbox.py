"""Messages that leave Accord: written in the transaction of what they tell, sent after it, at least once each."""

import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from alignment.lib import batch, failpoints
from alignment.lib.safe_http import NoAnswerError, UnsafeAddressError
from alignment.ops.models import Destination, OutboxMessage, OutboxQuerySet, Transport
from alignment.ops.signals import destination_gone
from alignment.ops.transports.base import GoneError, LaterError, RefusedError, Sender
from alignment.ops.transports.email import EmailSender
from alignment.ops.transports.http import HttpSender

log = logging.getLogger(__name__)

# An attempt is over by then, or its sender died.
LEASE = timedelta(minutes=2)
SENTENCES = (LaterError, RefusedError, NoAnswerError, UnsafeAddressError)
"""What says in a sentence for people what went wrong; of anything else its name is told, too."""
# How long to wait after each failure; after the last one the message is dead.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
MOST_ATTEMPTS = len(WAITS) + 1

CLAIM_MAIL = """
UPDATE ops_outboxmessage SET attempts = attempts + 1, due_at = clock_timestamp() + %(lease)s
WHERE id = (
    SELECT id FROM ops_outboxmessage
    WHERE sent_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp() AND destination_id IS NULL
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING *
"""

# So many slow receivers can hold up a sender each; all other senders are free for mail and for the sweep.
MOST_HOOKS_AT_ONCE = 2
# One message at a time of each destination, and of the destinations the one whose turn was longest ago. Who claims
# waits for who claims, so that the senders under way are counted.
LOCK_HOOKS = "SELECT pg_advisory_xact_lock(hashtext('accord.hooks'))"
CLAIM_HOOK = """
WITH turn AS (
    SELECT id FROM ops_destination destination
    WHERE stopped_at IS NULL AND coalesce(leased_until, '-infinity') <= clock_timestamp()
        AND EXISTS (
            SELECT FROM ops_outboxmessage WHERE destination_id = destination.id
                AND sent_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp()
        )
        AND (SELECT count(*) FROM ops_destination WHERE leased_until > clock_timestamp()) < %(most)s
    ORDER BY leased_until NULLS FIRST, id LIMIT 1
), leased AS (
    UPDATE ops_destination SET leased_until = clock_timestamp() + %(lease)s
    FROM turn WHERE ops_destination.id = turn.id
    RETURNING ops_destination.id
)
UPDATE ops_outboxmessage SET attempts = attempts + 1, due_at = clock_timestamp() + %(lease)s
WHERE id = (
    SELECT message.id FROM ops_outboxmessage message JOIN leased ON leased.id = message.destination_id
    WHERE sent_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp()
    ORDER BY due_at, message.id LIMIT 1
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
    html: str = ""


@dataclass(frozen=True, slots=True)
class Hook:
    """JSON to be posted to a destination. Of several with one `dedupe_key` only the first is, ever."""

    destination: Destination
    subject: str
    body: str
    dedupe_key: str


def post(*, messages: Sequence[Mail | Hook]) -> int:
    """Put messages into the outbox, in one statement; they leave when the caller commits. Returns how many are new."""
    rows = [
        {
            **(_of_mail(each) if isinstance(each, Mail) else _of_hook(each)),
            "subject": _one_line(each.subject, 200),
            "body": each.body,
            "dedupe_key": each.dedupe_key,
        }
        for each in messages
    ]
    return len(batch.insert(OutboxMessage, rows, conflict="ON CONFLICT (dedupe_key) DO NOTHING", returning=["id"]))


def _of_mail(mail: Mail) -> dict[str, Any]:
    return {
        "transport": Transport.EMAIL, "recipient_id": mail.recipient_id, "destination_id": None,
        "address": mail.address, "html": mail.html,
    }  # fmt: skip


def _of_hook(hook: Hook) -> dict[str, Any]:
    to = hook.destination
    return {
        "transport": to.transport, "recipient_id": None, "destination_id": to.pk, "address": to.name, "html": "",
    }  # fmt: skip


def deliver(*, limit: int = 1000, within: timedelta = timedelta(seconds=60)) -> int:
    """Try to send up to `limit` mails that are due, beginning none after `within`; returns how many left.

    Any number of deliverers may run at once. A message is claimed in a transaction of its own, which is over before
    anything is sent: a server that hangs holds up no other.
    """
    return _deliver(EmailSender(), _claim_mail, limit, within)


def deliver_hooks(*, limit: int = 1000, within: timedelta = timedelta(seconds=60)) -> int:
    """The same for what goes to destinations. These are other people's servers: few senders go there at a time."""
    return _deliver(HttpSender(), _claim_hook, limit, within)


def _deliver(sender: Sender, claim: Callable[[], OutboxMessage | None], limit: int, within: timedelta) -> int:
    stop_at = time.monotonic() + within.total_seconds()
    tried = sent = 0
    with closing(sender):
        while tried < limit and time.monotonic() < stop_at and (message := claim()):
            tried += 1
            failpoints.reached("outbox.claimed")
            sent += _attempt(message, sender)
    return sent


def replay(*, message_ids: Iterable[int] | None = None) -> int:
    """Give dead messages (None: all of them) a new life of all attempts; returns how many."""
    dead = OutboxMessage.objects.dead()
    if message_ids is not None:
        dead = dead.filter(pk__in=message_ids)
    return dead.update(dead_at=None, due_at=Now(), attempts=0)


def discard(messages: OutboxQuerySet) -> int:
    """Give up those of the messages that wait, so that nothing of them is sent; returns how many."""
    return messages.waiting().update(dead_at=Now(), last_error="Somebody decided that it is not to be sent.")


def _claim_mail() -> OutboxMessage | None:
    """The mail that has been due for longest, now this sender's until the lease is over."""
    with transaction.atomic(durable=True):
        return next(iter(OutboxMessage.objects.raw(CLAIM_MAIL, {"lease": LEASE})), None)


def _claim_hook() -> OutboxMessage | None:
    """The message to a destination whose turn it is; the destination is this sender's as well."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(LOCK_HOOKS)
        found = OutboxMessage.objects.raw(CLAIM_HOOK, {"lease": LEASE, "most": MOST_HOOKS_AT_ONCE})
        return next(iter(found), None)


def _attempt(message: OutboxMessage, sender: Sender) -> bool:
    """Whether the message left. It stays in the outbox whatever its transport does."""
    try:
        return _tried(message, sender)
    finally:
        if message.destination_id:
            Destination.objects.filter(pk=message.destination_id).update(leased_until=Now())


def _tried(message: OutboxMessage, sender: Sender) -> bool:
    if message.attempts > MOST_ATTEMPTS:
        _put_off(message, "Every sender that took this message ended before it could say what became of it.")
        return False
    try:
        sender.send(message)
    except Exception as error:
        log.warning("Outbox message %s: attempt %s failed (%s).", message.pk, message.attempts, type(error).__name__)
        _failed(message, error)
        return False
    failpoints.reached("outbox.sent")
    # It did leave, whatever another sender made of it after this one's lease.
    OutboxMessage.objects.filter(pk=message.pk).update(sent_at=Now(), dead_at=None, last_error="")
    return True


@transaction.atomic
def _failed(message: OutboxMessage, error: Exception) -> None:
    if isinstance(error, GoneError) and message.destination is not None:
        # What waits for it, this message too, waits until somebody starts it again.
        _mine(message).update(due_at=Now(), attempts=0, last_error=_one_line(str(error), 500))
        destination_gone.send(sender=Destination, destination=message.destination, why=str(error))
        return
    reason = str(error) if isinstance(error, SENTENCES) else f"{type(error).__name__}: {error}"
    _put_off(message, reason, at_least=error.after if isinstance(error, LaterError) else timedelta())


def _put_off(message: OutboxMessage, reason: str, at_least: timedelta = timedelta()) -> None:
    """To the next attempt, or to the dead; unless somebody else has claimed the message since."""
    last_error = _one_line(reason, 500)
    if message.attempts >= MOST_ATTEMPTS:
        _mine(message).update(dead_at=Now(), last_error=last_error)
        return
    # Not all messages of an outage come back in the same moment.
    wait = max(WAITS[message.attempts - 1], at_least) * random.uniform(1, 1.2)  # noqa: S311 (no secret)
    _mine(message).update(due_at=Now() + wait, last_error=last_error)


def _mine(message: OutboxMessage) -> QuerySet[OutboxMessage]:
    """The message, while nobody else has claimed it since."""
    return OutboxMessage.objects.filter(pk=message.pk, attempts=message.attempts, sent_at=None)


def _one_line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]
