"""The pictures of the documentation, from a running demo: `.venv/bin/python docs/make_pictures.py [URL]`.

Needs Chromium. Without a URL it asks the demo of this folder (`python3 run.py demo`).
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

DOCS = Path(__file__).resolve().parent
STATE = Path(os.environ.get("ACCORD_STATE_DIR", DOCS.parent / ".run"))
PASSWORD = "accord-demo"
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
# (file, login, path, how the browser is)
PICTURES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("funnel", "manager", "/dash/funnel/", DESKTOP),
    ("funnel-dark", "manager", "/dash/funnel/", {**DESKTOP, "color_scheme": "dark"}),
    ("queue", "rep", "/queue/", DESKTOP),
    ("lead", "rep", "", DESKTOP),
    ("scoring", "revops", "/setup/scoring/", DESKTOP),
    ("campaigns", "marketer", "/campaigns/", DESKTOP),
    ("promises", "manager", "/dash/promises/", DESKTOP),
    ("agreement", "manager", "/agreement/", DESKTOP),
    ("phone", "rep", "/queue/", PHONE),
]
SCREEN = {"viewport": {"width": 1920, "height": 1080}}
# (file, scene and look)
WALLS = [("wall", "funnel/"), ("wall-dark", "promises/?theme=dark")]


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else json.loads((STATE / "stack.json").read_text())["url"]
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("There is no Chromium on this machine.")
    flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    (DOCS / "images").mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for name, login, path, device in PICTURES:
            take(browser, url, name, login, path, device)
        take_walls(browser, url)
        browser.close()


def take(browser: Browser, url: str, name: str, login: str, path: str, device: dict[str, Any]) -> None:
    """Sign in, go to `path` (blank: the first lead of the queue), and keep what the window shows."""
    page = signed_in(browser, url, login, device)
    page.goto(path or first_lead(page))
    keep(page, name)


def signed_in(browser: Browser, url: str, login: str, device: dict[str, Any]) -> Page:
    page = browser.new_context(base_url=url, reduced_motion="reduce", **device).new_page()
    page.goto("/account/login/")
    page.fill("[name=login]", f"{login}@accord.example")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda address: "/account/login/" not in address)
    return page


def take_walls(browser: Browser, url: str) -> None:
    """Make a link for the last 90 days, keep what a screen shows by it, and revoke it."""
    maker = signed_in(browser, url, "revops", DESKTOP)
    maker.goto("/setup/wall/?period=90d")
    maker.fill("[name=name]", "Pictures")
    maker.get_by_role("button", name="Make the link").click()
    link = maker.get_by_label("Open it on the screen").input_value()
    for name, scene in WALLS:
        page = browser.new_context(**SCREEN).new_page()
        page.goto(link.replace("funnel/", scene))
        keep(page, name)
    maker.get_by_role("button", name="Revoke Pictures").first.click()
    maker.context.close()


def keep(page: Page, name: str) -> None:
    """Store what the window shows, and close it."""
    page.wait_for_selector("html[data-ready]", state="attached")
    # The stream of events never ends, so the network is never idle; fonts and fragments are there by then.
    page.wait_for_timeout(1_000)
    page.screenshot(path=DOCS / "images" / f"{name}.png")
    page.context.close()


def first_lead(page: Page) -> str:
    page.goto("/queue/")
    return page.locator("[data-row][data-href]").first.get_attribute("data-href") or "/leads/"


if __name__ == "__main__":
    main()
