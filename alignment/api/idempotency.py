"""Writes that can be sent again: with an `Idempotency-Key` a request takes effect once, however often it arrives.

The answer is stored in the transaction of the write, so that neither can be there without the other. What was refused
wrote nothing and is not remembered.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from hashlib import sha256
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils.timezone import now
from psycopg2.errors import DeadlockDetected
from rest_framework.response import Response

from alignment.api.problems import Problem
from alignment.api.requests import TokenRequest
from alignment.api.wire import JsonRenderer
from alignment.lib import failpoints
from alignment.ops.models import IdempotentWrite
from alignment.people.models import ApiToken

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
REMEMBERED = timedelta(hours=24)
MOST_FORGOTTEN = 100
MOST_RINGS = 3

Handler = Callable[..., Response]


def once(handler: Handler) -> Handler:
    """Marks a handler that writes: all of it happens or none, and once for each key.

    A write that waits with others in a ring, and has to give way, is begun again.
    """

    @wraps(handler)
    def run(view: Any, request: TokenRequest, *args: Any, **kwargs: Any) -> Response:
        write = partial(_write, partial(handler, view, request, *args, **kwargs), request)
        for _ in range(MOST_RINGS):
            try:
                return write()
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
        return write()

    run.is_once = True  # type: ignore[attr-defined]
    return run


def _write(handle: Callable[[], Response], request: TokenRequest) -> Response:
    key = _key(request)
    with transaction.atomic():
        if key is None:
            return handle()
        digest = _digest(request)
        _lock(request.auth, key)
        if known := IdempotentWrite.objects.filter(token=request.auth, key=key, expires_at__gt=now()).first():
            return _again(known, digest)
        response = handle()
        failpoints.reached("api.written")
        _remember(request.auth, key, digest, response)
    failpoints.reached("api.committed")
    return response


def _key(request: TokenRequest) -> str | None:
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not (0 < len(key) <= 200 and key.isascii() and key.isprintable()):
        raise Problem(400, "idempotency_key", "The key cannot be used", f"{HEADER} has 1 to 200 printable characters.")
    return key


def _digest(request: TokenRequest) -> str:
    asked = f"{request.method} {request.get_full_path()}\n".encode()
    return sha256(asked + request._request.body).hexdigest()


def _lock(token: ApiToken, key: str) -> None:
    """One at a time; who comes while the first is at work is not kept waiting. Held until the transaction ends."""
    with connection.cursor() as cursor:
        name = f"accord.idempotency:{token.pk}:{key}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            problem = Problem(
                409,
                "in_progress",
                "The same request is under way",
                f"A request with this {HEADER} is not answered yet.",
            )
            problem.wait = 1
            raise problem


def _again(known: IdempotentWrite, digest: str) -> Response:
    if known.digest != digest:
        detail = f"This {HEADER} came with another request before. Make a new key for each new request."
        raise Problem(422, "idempotency_key_reused", "The key belongs to another request", detail)
    headers = {REPLAYED: "true"} | ({"Location": known.location} if known.location else {})
    return Response(orjson.loads(known.body), status=known.status, headers=headers)


def _remember(token: ApiToken, key: str, digest: str, response: Response) -> None:
    _forget(token, key)
    IdempotentWrite.objects.create(
        token=token,
        key=key,
        digest=digest,
        status=response.status_code,
        location=response.headers.get("Location", ""),
        body=JsonRenderer().render(response.data).decode(),
        expires_at=now() + REMEMBERED,
    )


def _forget(token: ApiToken, key: str) -> None:
    """Make room: this key, if it has expired, and some others that have."""
    expired = IdempotentWrite.objects.filter(expires_at__lte=now())
    some = expired.select_for_update(skip_locked=True).order_by("expires_at").values("pk")[:MOST_FORGOTTEN]
    IdempotentWrite.objects.filter(Q(pk__in=some) | Q(token=token, key=key)).delete()
