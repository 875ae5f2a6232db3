"""Signatures of webhooks as the Standard Webhooks specification has them (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

PREFIX = "whsec_"
SECRET_BYTES = 32
TOLERANCE_SECONDS = 300

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class BadSignatureError(Exception):
    """A message that nobody who knows the secret has sent, or that is not of now."""


def new_secret() -> str:
    """A secret for both sides: `whsec_` and 256 random bits in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a message sent at `timestamp` (seconds since 1970). Raises ValueError for what is no secret."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message. `message_id` is the same for every attempt, `timestamp` is the attempt's."""
    signature = sign(secret, message_id=message_id, timestamp=timestamp, body=body)
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: signature}


def verify(secret: str, *, headers: Mapping[str, str], body: bytes, now: int) -> str:
    """The id of a message that was signed with `secret` within five minutes of `now`. Raises BadSignatureError.

    Of several signatures in the header, as while a secret is being changed, one has to fit.
    """
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not message_id or not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 16):
        raise BadSignatureError("The headers of the signature are missing.")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignatureError("The message is not of now.")
    expected = sign(secret, message_id=message_id, timestamp=int(timestamp), body=body).encode()
    given = headers.get(SIGNATURE, "").encode("utf-8", "replace").split()
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise BadSignatureError("The signature does not fit.")
    return message_id


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError("This is no secret of a webhook.") from None
