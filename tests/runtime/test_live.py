"""Live events: who may listen, and what reaches an open page."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from alignment import ahead, live
from alignment.desk.wall import links
from alignment.lib.announcements import announce
from alignment.people.models import Role, User
from dashboards import report
from dashboards.filters import Filters
from tests.factories import make_wall_link
from tests.sla.stories import arrive

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 10


class Page:
    """An open page: what it was answered, and what it has been sent since."""

    def __init__(
        self,
        session_key: str | None,
        *,
        topics: str = "",
        wall: str = "",
        host: str = "localhost",
        method: str = "GET",
    ):
        self.session_key = session_key
        self.unasked = {"probe", "figures"} - set(topics.split(","))
        self.status: int | None = None
        self.received = ""
        self.read = asyncio.Event()
        self.read.set()
        self.closing = asyncio.Event()
        cookie = f"sessionid={session_key}".encode()
        self.scope = {
            "type": "http",
            "method": method,
            "headers": [(b"host", host.encode()), *([(b"cookie", cookie)] if session_key else [])],
            "query_string": f"topics={topics}{f'&wall={wall}' if wall else ''}".encode(),
        }

    async def receive(self) -> dict:
        await self.closing.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict) -> None:
        await self.read.wait()
        self.status = message.get("status", self.status)
        self.received += message.get("body", b"").decode()

    def events(self) -> list[tuple[str, dict]]:
        """(topic, data) of all events so far but those of the probe, and of figures where the page shows none."""
        blocks = [block.split("\n") for block in self.received.split("\n\n") if block.startswith("event: ")]
        events = [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]
        return [event for event in events if event[0] not in self.unasked]


@contextlib.asynccontextmanager
async def opened(*pages: Page) -> AsyncIterator[None]:
    """Keep the pages open, and before them a hub that listens for them."""
    probe = Page(pages[0].session_key, topics="probe")
    listening = asyncio.create_task(live.hub.listen())
    serving = [serve(probe)]
    try:
        await until(lambda: heard_of(probe))
        serving += [serve(page) for page in pages]
        await until(lambda: len(live.hub.streams) == len(serving))
        yield
    finally:
        for page in (probe, *pages):
            page.read.set()
            page.closing.set()
        await asyncio.gather(*serving)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def serve(page: Page) -> asyncio.Task[None]:
    return asyncio.create_task(live.events(page.scope, page.receive, page.send))


async def heard_of(probe: Page) -> bool:
    """Whether what is announced arrives by now."""
    await announced("probe")
    return ("probe", {"ids": None}) in probe.events()


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not (await met if isinstance(met := condition(), Awaitable) else met):
            await asyncio.sleep(0.02)


def in_database(sql: str) -> list[tuple]:
    """Run a statement on a connection that does not outlive it, as another process would."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()
    finally:
        connection.close()


async def announced(topic: str, ids: list[int] | None = None, **options: object) -> None:
    def write() -> None:
        announce(topic, ids, **options)
        connection.close()

    await asyncio.to_thread(write)


@pytest.fixture
def user() -> User:
    return User.objects.create_user(email="ada@example.com", password="a long enough one", role=Role.REP)


@pytest.fixture
def session_key(user: User) -> str:
    return session_of(user)


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@pytest.fixture(autouse=True)
def hub(monkeypatch):
    """A hub for each event loop; and no connection stays that the next test's database would have to wait for."""
    monkeypatch.setattr(live, "hub", live.Hub())
    yield
    for thread in (live.checker, ahead.measurer):
        thread.submit(lambda: connection.close()).result()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"session_key": None}, 403),
        ({"session_key": "made-up"}, 403),
        ({"host": "evil.example"}, 400),
        ({"method": "POST"}, 405),
    ],
)
def test_refuses_whom_it_does_not_know(session_key, changes, status):
    async def scenario() -> Page:
        page = Page(**{"session_key": session_key, **changes})
        await live.events(page.scope, page.receive, page.send)
        return page

    page = asyncio.run(scenario())
    assert page.status == status
    assert page.received == ""


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_refuses_a_wall_whose_link_ended(session_key, is_signed_in):
    link, token = make_wall_link()
    links.revoke(link_id=link.pk, by=link.created_by)

    async def scenario() -> list[int | None]:
        pages = [Page(session_key if is_signed_in else None, wall=shown) for shown in (token, "made-up")]
        for page in pages:
            await live.events(page.scope, page.receive, page.send)
        return [page.status for page in pages]

    assert asyncio.run(scenario()) == [403, 403]


def test_refuses_someone_who_left_the_company(user, session_key):
    User.objects.filter(pk=user.pk).update(is_active=False)

    async def scenario() -> Page:
        page = Page(session_key)
        await live.events(page.scope, page.receive, page.send)
        return page

    assert asyncio.run(scenario()).status == 403


def test_what_is_committed_reaches_the_pages_that_want_it(session_key):
    def write() -> None:
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            announce("leads", [1])
            raise ZeroDivisionError
        with transaction.atomic():
            announce("leads", [2])
        connection.close()

    async def scenario() -> tuple[Page, Page, Page]:
        all_topics, leads, others = (
            Page(session_key),
            Page(session_key, topics="jobs,leads"),
            Page(session_key, topics="jobs"),
        )
        async with opened(all_topics, leads, others):
            await asyncio.to_thread(write)
            await until(lambda: all_topics.events() and leads.events())
        return all_topics, leads, others

    all_topics, leads, others = asyncio.run(scenario())
    assert all_topics.events() == leads.events() == [("leads", {"ids": [2]})]
    assert others.events() == []


def test_a_personal_announcement_reaches_its_user_alone(user, session_key):
    other = User.objects.create_user(email="ben@example.com", password="a long enough one", role=Role.REP)
    other_session = session_of(other)

    async def scenario() -> tuple[Page, Page]:
        mine, theirs = Page(session_key), Page(other_session)
        async with opened(mine, theirs):
            await announced("notifications", user_ids=[user.pk])
            await announced("leads", [1])
            await until(lambda: len(mine.events()) == 2 and theirs.events())
        return mine, theirs

    mine, theirs = asyncio.run(scenario())
    assert mine.events() == [("notifications", {"ids": None}), ("leads", {"ids": [1]})]
    assert theirs.events() == [("leads", {"ids": [1]})]


def test_a_burst_is_one_event_and_a_large_change_names_no_rows(session_key):
    def burst() -> None:
        with transaction.atomic():
            for number in range(50):
                announce("leads", [number])
        announce("jobs", range(1000))
        connection.close()

    async def scenario() -> Page:
        page = Page(session_key)
        async with opened(page):
            await asyncio.to_thread(burst)
            await until(lambda: len(page.events()) >= 2)
        return page

    assert dict(asyncio.run(scenario()).events()) == {"leads": {"ids": list(range(50))}, "jobs": {"ids": None}}


def test_a_page_that_reads_too_slowly_is_told_to_look_again(session_key, monkeypatch):
    monkeypatch.setattr(live, "GATHER_SECONDS", 0)

    async def scenario() -> Page:
        page = Page(session_key)
        async with opened(page):
            page.read.clear()
            for number in range(live.MOST_WAITING + 10):
                live.hub.gather(json.dumps({"topic": "leads", "ids": [number]}))
                await asyncio.sleep(0)
                await asyncio.sleep(0.001)
            assert max(stream.waiting.qsize() for stream in live.hub.streams) <= live.MOST_WAITING
            page.read.set()
            await until(lambda: ("refresh", {}) in page.events())
        return page

    assert len(asyncio.run(scenario()).events()) < live.MOST_WAITING


def test_a_lost_connection_is_opened_again_and_pages_look_again(session_key, monkeypatch):
    monkeypatch.setattr(live, "RECONNECT_SECONDS", 0.1)
    end = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE query = 'LISTEN accord' AND datname = current_database()
    """

    async def scenario() -> Page:
        page = Page(session_key)
        async with opened(page):
            await asyncio.to_thread(in_database, end)
            await until(lambda: page.events() == [("refresh", {})])
            await announced("leads", [7])
            await until(lambda: len(page.events()) == 2)
        return page

    assert asyncio.run(scenario()).events()[1] == ("leads", {"ids": [7]})


def test_a_stream_ends_with_its_session(user, session_key, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(live, "RECHECK_SECONDS", 0.1)

    def sign_out() -> None:
        User.objects.filter(pk=user.pk).update(is_active=False)
        connection.close()

    async def scenario() -> Page:
        page = Page(session_key)
        async with opened(page):
            await asyncio.sleep(0.3)
            assert len(live.hub.streams) == 2, "the page and the probe"
            await asyncio.to_thread(sign_out)
            await until(lambda: not live.hub.streams)
        return page

    assert ": still here" in asyncio.run(scenario()).received


def test_a_wall_hears_of_its_own_topics_and_not_which_rows_changed(user, session_key):
    _, token = make_wall_link()

    async def scenario() -> list[Page]:
        walls = [Page(None, wall=token, topics=topics) for topics in ("figures", "notifications,jobs,leads,figures")]
        async with opened(Page(session_key), *walls):
            await announced("jobs", [3])
            await announced("notifications", user_ids=[user.pk])
            await announced("leads", [1])
            await until(lambda: all(page.events() for page in walls))
        return walls

    assert [page.events() for page in asyncio.run(scenario())] == [[("figures", {"ids": None})]] * 2


def test_figures_are_measured_before_their_pages_are_told(session_key):
    asked = now()
    before = report.current(Filters(), asked)

    def write() -> None:
        arrive()
        connection.close()

    async def scenario() -> Page:
        page = Page(session_key, topics="figures")
        async with opened(page):
            await asyncio.to_thread(write)
            await until(page.events)
        return page

    assert asyncio.run(scenario()).events() == [("figures", {"ids": None})]
    after = report.current(Filters(), asked)
    with CaptureQueriesContext(connection) as captured:
        assert report.current(Filters(), now()) is after
    assert (before.funnel.n, after.funnel.n, after.at > asked) == (0, 1, True)
    assert len(captured) == 2, "the version alone"


def test_a_failure_to_measure_is_no_reason_not_to_tell(session_key, monkeypatch):
    def fail() -> None:
        raise OperationalError("The server is gone.")

    monkeypatch.setattr(report, "renew", fail)

    async def scenario() -> Page:
        page = Page(session_key, topics="figures")
        async with opened(page):
            await announced("leads", [1])
            await until(page.events)
        return page

    assert asyncio.run(scenario()).events() == [("figures", {"ids": None})]


def test_a_stream_ends_with_its_link(session_key, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(live, "RECHECK_SECONDS", 1)
    link, token = make_wall_link()

    def revoke() -> None:
        links.revoke(link_id=link.pk, by=link.created_by)
        connection.close()

    async def scenario() -> Page:
        wall = Page(None, wall=token)
        async with opened(Page(session_key), wall):
            assert len(live.hub.streams) == 3, "the wall, a page and the probe"
            await asyncio.to_thread(revoke)
            await until(lambda: len(live.hub.streams) == 2)
        return wall

    assert ("walls", {"ids": None}) in asyncio.run(scenario()).events()


def test_a_page_that_closes_is_forgotten(session_key):
    async def scenario() -> None:
        page = Page(session_key)
        async with opened(page):
            page.closing.set()
            await until(lambda: len(live.hub.streams) == 1)

    asyncio.run(scenario())


def test_a_notification_that_is_not_ours_does_no_harm(session_key):
    async def scenario() -> Page:
        page = Page(session_key)
        async with opened(page):
            for payload in ("no json", "[]", "{}", '{"topic": "leads", "ids": 5}'):
                live.hub.gather(payload)
            await announced("leads", [1])
            await until(lambda: page.events())
        return page

    assert asyncio.run(scenario()).events() == [("leads", {"ids": [1]})]
