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
    ("phone", "rep", "/queue/", PHONE),
]


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
        browser.close()


def take(browser: Browser, url: str, name: str, login: str, path: str, device: dict[str, Any]) -> None:
    """Sign in, go to `path` (blank: the first lead of the queue), and keep what the window shows."""
    context = browser.new_context(base_url=url, reduced_motion="reduce", **device)
    page = context.new_page()
    page.goto("/account/login/")
    page.fill("[name=login]", f"{login}@accord.example")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda address: "/account/login/" not in address)
    page.goto(path or first_lead(page))
    page.wait_for_selector("html[data-ready]", state="attached")
    # The stream of events never ends, so the network is never idle; fonts and fragments are there by then.
    page.wait_for_timeout(1_000)
    page.screenshot(path=DOCS / "images" / f"{name}.png")
    context.close()


def first_lead(page: Page) -> str:
    page.goto("/queue/")
    return page.locator("[data-row][data-href]").first.get_attribute("data-href") or "/leads/"


if __name__ == "__main__":
    main()
