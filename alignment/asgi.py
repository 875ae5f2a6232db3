"""The ASGI entry: `/events` streams from the event loop, everything else is Django's WSGI application in threads."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignment.settings")

from alignment.wsgi import application as wsgi_application

# isort: split
# After it has set Django up: the stream asks models who is at the door.
from alignment import live

# Threads keep their database connection. With few of them, a few slow clients hold up everyone.
PAGE_THREADS = 32
pages = WSGIMiddleware(wsgi_application, workers=PAGE_THREADS)


async def application(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await live.lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/events":
        await live.events(scope, receive, send)
    else:
        await pages({**scope, "headers": without_look_alikes(scope["headers"])}, receive, send)


def without_look_alikes(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """WSGI writes `X_Forwarded_Proto` and `X-Forwarded-Proto` as one name; only the second comes from our proxy."""
    return [(name, value) for name, value in headers if b"_" not in name]
