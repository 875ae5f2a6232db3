"""What a mail says of itself in its header: from whom, to whom, when, about what. Pure; the body is never read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256

MOST_BYTES = 25_000_000
MOST_RECIPIENTS = 200


class UnreadableError(Exception):
    """These bytes are no mail that can be recorded; its text says what is missing."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail. `sender` and `recipients` are addresses in lower case; `key` is the same for the same mail, always.

    `authenticated` is what the receiving server says of DMARC in its `Authentication-Results`, blank for nothing.
    """

    sender: str
    recipients: tuple[str, ...]
    subject: str
    key: str
    sent_at: datetime | None
    is_automatic: bool
    authenticated: str


def read(raw: bytes, *, authserv: str = "") -> Letter:
    """Read the header of a mail. `authserv` is the name of the server whose word counts. Raises UnreadableError."""
    if len(raw) > MOST_BYTES:
        raise UnreadableError(f"A mail has at most {MOST_BYTES // 1_000_000} MB.")
    try:
        message = BytesHeaderParser(policy=policy.default).parsebytes(raw)
        senders = _addresses(message, "From")
        recipients = tuple(dict.fromkeys(_addresses(message, "To", "Cc")))[:MOST_RECIPIENTS]
        subject = " ".join(str(message.get("Subject", "")).split())
        message_id = str(message.get("Message-ID", "")).strip()
        sent_at = _date(str(message.get("Date", "")))
        automatic = str(message.get("Auto-Submitted", "no")).strip().lower()
        authenticated = _dmarc(message, authserv)
    except (MessageError, ValueError, IndexError, AttributeError, LookupError, TypeError) as error:
        raise UnreadableError("Its header cannot be read.") from error
    if len(senders) != 1:
        raise UnreadableError("It has no sender, or several.")
    if not message_id:
        raise UnreadableError("It has no Message-ID, so nobody could tell it from its copy.")
    key = sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()
    return Letter(senders[0], recipients, subject, key, sent_at, automatic != "no", authenticated)


def _addresses(message: EmailMessage, *names: str) -> list[str]:
    values = [str(value) for name in names for value in message.get_all(name, [])]
    return [address.strip().lower() for _, address in getaddresses(values) if "@" in address]


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _dmarc(message: EmailMessage, authserv: str) -> str:
    """Only the first of our own server's results counts: whoever sends a mail may add others below."""
    for value in message.get_all("Authentication-Results", []):
        server, _, results = str(value).partition(";")
        if server.split() and server.split()[0].lower() == authserv.lower():
            found = next((part for part in results.split(";") if part.strip().lower().startswith("dmarc=")), "")
            return found.strip().lower().removeprefix("dmarc=").split(" ")[0]
    return ""
