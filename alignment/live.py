"""`/events`: tells open pages what changed, over server-sent events.

Each web process listens on one connection of its own and passes every notification on to its streams, as an event
named by its topic: `event: leads`, `data: {"ids": [1, 2]}`. Pages of figures hear of the topic `figures`, once those
are measured (`alignment.ahead`). Null ids, and the event `refresh`, mean "look again at all". Nothing is replayed: a
browser that connects again looks again at all too. A stream costs no thread.

A stream belongs to the user of a session, or to a link to the wall (`?wall=<token>`). The latter hears only of the
wall's own topics, and never which rows changed.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

import psycopg2
from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host

from alignment import ahead
from alignment.desk.wall import frame, links
from alignment.lib.announcements import CHANNEL, MOST_IDS
from dashboards import report

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

REFRESH = b"event: refresh\ndata: {}\n\n"
HEARTBEAT = b": still here\n\n"
HEARTBEAT_SECONDS = 15
RECHECK_SECONDS = 60
# A client that takes nothing for this long is gone, whatever TCP says.
SEND_SECONDS = 30
# Notifications are gathered for a moment, so that a burst of writes is one event.
GATHER_SECONDS = 0.1
RECONNECT_SECONDS = 1
MOST_WAITING = 50

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
# Sessions are checked by one thread, which keeps one database connection.
checker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live")


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose stream it is: a user's, or that of a link to the wall. The other key is None."""

    user_id: int | None = None
    wall_link_id: int | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a page shows at the door, at first and each minute: the token of a wall, else its session."""

    session_key: str | None
    wall_token: str | None = None

    async def holder(self) -> Holder | None:
        """Whom it lets in now; None for nobody. Raises django.db.DatabaseError."""
        if not (self.wall_token or self.session_key):
            return None
        return await asyncio.get_running_loop().run_in_executor(checker, look_up, self)


class Stream:
    """What one open page still has to be told."""

    def __init__(self, holder: Holder, topics: frozenset[str]):
        self.user_id = holder.user_id
        self.is_wall = holder.wall_link_id is not None
        self.topics = (topics & frame.TOPICS or frame.TOPICS) if self.is_wall else topics
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)

    def wants(self, topic: str, user_ids: frozenset[int] | None) -> bool:
        return (not self.topics or topic in self.topics) and (user_ids is None or self.user_id in user_ids)

    def offer(self, event: bytes) -> None:
        """Queue an event; a page that is too slow for all of them is told to look again at all."""
        if self.waiting.full():
            while not self.waiting.empty():
                self.waiting.get_nowait()
            event = REFRESH
        self.waiting.put_nowait(event)


class Hub:
    """The listening connection of this process and its streams. All of it runs on the event loop."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.gathered: dict[tuple[str, frozenset[int] | None], set[int] | None] = {}
        self.ahead = ahead.Ahead(lambda: self.tell(report.TOPIC, None, None))

    async def listen(self) -> None:
        """Listen for ever; after a lost connection every page is told to look again, since something was missed."""
        while True:
            with suppress(DatabaseError, InterfaceError, psycopg2.Error):
                listener = await asyncio.to_thread(open_listener)
                self.tell_all(REFRESH)
                try:
                    await self.follow(listener)
                finally:
                    listener.close()
            log.warning("The listening connection is lost; trying again.")
            await asyncio.sleep(RECONNECT_SECONDS)

    async def follow(self, listener: "psycopg2.extensions.connection") -> None:
        """Pass on what the connection brings. Raises psycopg2.Error once it is lost."""
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[None] = loop.create_future()

        def read() -> None:
            try:
                listener.poll()
            except psycopg2.Error as error:
                loop.remove_reader(descriptor)
                if not lost.done():
                    lost.set_exception(error)
            while listener.notifies:
                self.gather(listener.notifies.pop(0).payload)

        descriptor = listener.fileno()
        loop.add_reader(descriptor, read)
        try:
            await lost
        finally:
            loop.remove_reader(descriptor)

    def gather(self, payload: str) -> None:
        """Add a notification to the next event of its topic."""
        try:
            notice = json.loads(payload)
            users, ids = notice.get("users"), notice.get("ids")
            key = (str(notice["topic"]), None if users is None else frozenset(map(int, users)))
            fresh = None if ids is None else set(map(int, ids))
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("A notification that is not ours was ignored.")
            return
        if not self.gathered:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self.spread)
        known = self.gathered.get(key, set())
        together = None if fresh is None or known is None else known | fresh
        self.gathered[key] = together if together is None or len(together) <= MOST_IDS else None

    def spread(self) -> None:
        """Hand what was gathered to the streams that want it."""
        gathered, self.gathered = self.gathered, {}
        for (topic, user_ids), ids in gathered.items():
            self.tell(topic, user_ids, ids)
        if any(topic == ahead.EVENTS for topic, _ in gathered):
            self.ahead.something_happened()

    def tell(self, topic: str, user_ids: frozenset[int] | None, ids: set[int] | None) -> None:
        """Tell these users' pages (None: everybody's) that want to hear of it; walls hear not which rows."""
        told, without_rows = event_of(topic, None if ids is None else sorted(ids)), event_of(topic, None)
        for stream in self.streams:
            if stream.wants(topic, user_ids):
                stream.offer(without_rows if stream.is_wall else told)

    def tell_all(self, event: bytes) -> None:
        for stream in self.streams:
            stream.offer(event)


hub = Hub()


def event_of(topic: str, ids: list[int] | None) -> bytes:
    return f"event: {topic}\ndata: {json.dumps({'ids': ids})}\n\n".encode()


def open_listener() -> "psycopg2.extensions.connection":
    """A connection of its own to the database, listening. Raises django.db.DatabaseError or psycopg2.Error."""
    # A server that vanished without a word is noticed within a minute.
    vanished = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    listener = connection.get_new_connection(connection.get_connection_params() | vanished)
    listener.autocommit = True
    with listener.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    return listener


async def lifespan(receive: Receive, send: Send) -> None:
    """Listen for as long as this web process serves."""
    await receive()
    listening = asyncio.create_task(hub.listen())
    ahead.prepare()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    listening.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def events(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer `GET /events?topics=leads,notifications` (a wall: `&wall=<token>`); without topics, tell everything."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if scope["method"] != "GET":
        await refuse(send, 405)
    elif not host_is_ours(headers.get("host", "")):
        await refuse(send, 400)
    else:
        session_key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        topics = frozenset(filter(None, asked.get("topics", [""])[0].split(",")))
        await admit(Ticket(session_key, asked.get("wall", [None])[0]), topics, receive, send)


async def admit(shown: Ticket, topics: frozenset[str], receive: Receive, send: Send) -> None:
    """Open a stream for the user of a session, or for a wall; a stranger gets none."""
    try:
        holder = await shown.holder()
    except DatabaseError:
        # A browser gives up after an error, but comes back after an end.
        await begin(send, more=False)
        return
    if holder is None:
        await refuse(send, 403)
        return
    await begin(send, more=True)
    await serve(Stream(holder, topics), lambda: is_still(shown, holder), receive, send)


async def is_still(shown: Ticket, holder: Holder) -> bool:
    """Whether the same one is let in; what cannot be looked up now was so a minute ago."""
    with suppress(DatabaseError):
        return await shown.holder() == holder
    return True


async def serve(stream: Stream, may_stay: Callable[[], Awaitable[bool]], receive: Receive, send: Send) -> None:
    """Feed one page until it leaves, its session or link ends, or it takes nothing any more."""
    hub.streams.add(stream)
    tasks = {asyncio.create_task(feed(stream, may_stay, send)), asyncio.create_task(left(receive))}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.streams.discard(stream)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def feed(stream: Stream, may_stay: Callable[[], Awaitable[bool]], send: Send) -> None:
    check_at = time.monotonic() + RECHECK_SECONDS
    while True:
        try:
            event = await asyncio.wait_for(stream.waiting.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            event = HEARTBEAT
        if time.monotonic() > check_at:
            if not await may_stay():
                return
            check_at = time.monotonic() + RECHECK_SECONDS
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": event, "more_body": True})


async def left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def begin(send: Send, *, more: bool) -> None:
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        # A buffering proxy in front lets this answer through as it comes.
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    # Pages that lost the same server do not all come back in the same moment.
    retry = f"retry: {random.randint(1000, 4000)}\n\n".encode()  # noqa: S311 (no secret)
    await send({"type": "http.response.body", "body": retry, "more_body": more})


async def refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def host_is_ours(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def look_up(shown: Ticket) -> Holder | None:
    close_old_connections()
    if shown.wall_token:
        link = links.find(shown.wall_token)
        return Holder(wall_link_id=link.pk) if link else None
    request = HttpRequest()
    request.session = SessionStore(shown.session_key)
    user_id = get_user(request).pk
    return Holder(user_id=user_id) if user_id else None
