"""The browser of a test run: started when first asked for, ended when it hangs, and started anew after it died."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Playwright

EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
# Several times what the longest test takes beside another on a slow machine.
PATIENCE_S = 300


class Chromium:
    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None

    def new_context(self, **options: Any) -> BrowserContext:
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        return self._browser.new_context(**options)

    def close(self) -> None:
        if self._browser is not None:
            self._browser.close()

    @contextmanager
    def no_longer_than(self, seconds: float) -> Iterator[None]:
        """What a page is asked has no time limit in Playwright; it raises once there is no browser any more."""
        timer = Timer(seconds, end_browser)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def end_browser() -> None:
    for process in psutil.Process().children(recursive=True):
        if process.name().startswith("chrom"):
            process.kill()
