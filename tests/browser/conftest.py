"""Chromium, a running Accord with the demo company, and windows that note what the browser complains about."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import BrowserContext, expect, sync_playwright

from alignment.desk.context import PROCESSES
from alignment.ops import heartbeats
from alignment.people.models import User
from tests.browser.chromium import EXECUTABLE, PATIENCE_S, Chromium
from tests.browser.sites import serving
from tests.browser.windows import Window
from tests.databases import Database

# Enough for every chart and list to have something to show.
LEADS = 400

# What happens at once on an idle machine may wait for the tests beside it; how long it takes is for `benchmarks`.
expect.set_options(timeout=20_000)


# Started once for all tests of this folder, and gone before others run: Playwright keeps an event loop in this thread.


@pytest.fixture(scope="package")
def chromium() -> Iterator[Chromium]:
    if EXECUTABLE is None and not os.environ.get("CI"):
        pytest.skip("There is no Chromium on this machine; the browser tests did not run.")
    assert EXECUTABLE, "There is no Chromium on this machine."
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Django refuses the database to a thread with an event loop.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = Chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def patience(chromium: Chromium) -> Iterator[None]:
    """A browser that hangs fails its test instead of the whole run."""
    with chromium.no_longer_than(PATIENCE_S):
        yield


@pytest.fixture(scope="package")
def empty_install(
    chromium: Chromium, migrated_database: Database, worker_id: str, django_db_blocker: Any
) -> Iterator[Database]:
    """The tables without anybody in them."""
    database = Database(f"accord_browser_empty_{worker_id}")
    database.create(template=migrated_database.name)
    with database.in_use_here(django_db_blocker):
        call_command("migrate", verbosity=0)
    yield database
    database.drop()


@pytest.fixture(scope="package")
def demo_company(empty_install: Database, worker_id: str, django_db_blocker: Any) -> Iterator[Database]:
    database = Database(f"accord_browser_{worker_id}")
    database.create(template=empty_install.name)
    with database.in_use_here(django_db_blocker):
        call_command("seed_demo", size=LEADS)
    yield database
    database.drop()


@pytest.fixture(scope="package")
def site(demo_company: Database) -> Iterator[str]:
    """The address of an Accord with the demo company."""
    with serving(demo_company) as url:
        yield url


@pytest.fixture
def empty_site(demo_company: Database, empty_install: Database) -> Iterator[str]:
    """The address of an Accord that nobody has opened yet."""
    with serving(empty_install) as url:
        yield url


@pytest.fixture
def company(demo_company: Database, django_db_blocker: Any) -> Iterator[None]:
    """What the site shows can be read and written here as well; it stays, so each test makes what it changes."""
    with demo_company.in_use_here(django_db_blocker):
        for process in PROCESSES:
            heartbeats.beat(process)
        yield


Visit = Callable[..., Window]


@pytest.fixture
def visit(chromium: Chromium, site: str, company: None) -> Iterator[Visit]:
    """Opens windows: `visit(user, width=390, dark=True)`; without a user a stranger's. Options go to the context.

    At the end no window may have heard a complaint of the browser, save failed requests whose status it `expects`.
    """
    windows: list[tuple[BrowserContext, Window]] = []

    def open_window(
        user: User | None = None,
        *,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        expects: tuple[int, ...] = (),
        **options: Any,
    ) -> Window:
        context = chromium.new_context(
            **{
                "base_url": site,
                "viewport": {"width": width, "height": height},
                "color_scheme": "dark" if dark else "light",
                "reduced_motion": "reduce",
            }
            | options
        )
        if user:
            context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": site}])
        window = Window(context.new_page(), expects)
        windows.append((context, window))
        return window

    yield open_window
    complaints = [complaint for _, window in windows for complaint in window.complaints]
    for context, _ in windows:
        context.close()
    assert complaints == []


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@pytest.fixture
def people(company: None) -> dict[str, User]:
    """The logins of the demo, by role."""
    return {user.role: user for user in User.objects.filter(email__endswith="@accord.example")}
