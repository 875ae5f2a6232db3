"""What the outbox asks of a way out."""

from datetime import timedelta
from typing import Protocol

from alignment.ops.models import OutboxMessage


class Sender(Protocol):
    """Carries messages away, one after the other; it may keep a connection open between them."""

    def send(self, message: OutboxMessage) -> None:
        """Returns once the other side has taken the message; raises whatever went wrong. Must end within a minute."""

    def close(self) -> None: ...


class LaterError(Exception):
    """The other side wants no message before `after`."""

    def __init__(self, sentence: str, after: timedelta) -> None:
        super().__init__(sentence)
        self.after = after


class RefusedError(OSError):
    """The other side answered, and did not take the message: the sentence says how."""


class GoneError(Exception):
    """The other side says that it wants no message any more."""
