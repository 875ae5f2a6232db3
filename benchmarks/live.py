"""How soon an answer in one browser stands on another's open funnel: `.venv/bin/python -m benchmarks.live URL`.

URL is that of a running demo, of which the rep accepts some leads. Needs Chromium. Prints milliseconds of this machine,
from the click to the number on the other page; nothing passes or fails by time.
"""

import os
import shutil
import statistics
import sys

from playwright.sync_api import Browser, Page, sync_playwright

ANSWERS = 12
PASSWORD = "accord-demo"  # noqa: S105  of the demo
# Notes when the numbers of the funnel are others than they were.
WATCH = """() => {
    const numbers = () => [...document.querySelectorAll(".funnel-count")].map((each) => each.textContent).join();
    const before = numbers();
    window.changed = new Promise((done) => {
        const check = () => (numbers() === before ? setTimeout(check, 5) : done(Date.now()));
        check();
    });
}"""
ACCEPT = """() => {
    const clicked = Date.now();
    document.querySelector("[data-row] button.accept").click();
    return clicked;
}"""


def main() -> None:
    """Open a queue and a funnel, answer lead after lead, and print how long each took to be seen."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None or len(sys.argv) != 2:
        sys.exit(__doc__)
    flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        queue, funnel = (opened(browser, *each) for each in (("rep", "/queue/"), ("exec", "/dash/funnel/")))
        took = sorted(seen_after(queue, funnel) for _ in range(ANSWERS))
        browser.close()
    print(f"{ANSWERS} answers, seen on another page after: median {statistics.median(took):.0f} ms, most {took[-1]} ms")


def opened(browser: Browser, login: str, path: str) -> Page:
    page = browser.new_context(base_url=sys.argv[1]).new_page()
    page.goto(f"/account/login/?next={path}")
    page.fill("input[name=login]", f"{login}@accord.example")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"**{path}")
    page.wait_for_selector("html[data-ready]", state="attached")
    return page


def seen_after(queue: Page, funnel: Page) -> int:
    """Milliseconds from a click on "Accept" to another number on the funnel."""
    funnel.evaluate(WATCH)
    clicked = queue.evaluate(ACCEPT)
    took = int(funnel.evaluate("window.changed")) - int(clicked)
    queue.wait_for_timeout(1_500)
    return took


if __name__ == "__main__":
    main()
