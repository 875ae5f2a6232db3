"""A window of one visitor, with ears for what the browser complains about."""

from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Locator, Page, Response


@dataclass
class Window:
    """`complaints` collects errors and warnings of the console (a breach of the content security policy is one)."""

    page: Page
    expects: tuple[int, ...] = ()
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(30_000)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        # The browser's own words for it, and those of htmx.
        words = [f"{words} {status}" for status in self.expects for words in ("a status of", "Status Error Code")]
        is_expected = any(each in message.text for each in words)
        if message.type in {"error", "warning"} and not is_expected:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def open(self, path: str) -> Response:
        """Go to `path` and wait until its modules have run."""
        response = self.page.goto(path)
        self.until_ready()
        assert response
        return response

    def until_ready(self) -> None:
        self.page.wait_for_selector("html[data-ready]", state="attached")

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def without_reload(self) -> "Unreloaded":
        return Unreloaded(self.page)


class Unreloaded:
    """`with window.without_reload():` fails if the page was loaded again meanwhile."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def __enter__(self) -> None:
        self.page.evaluate("window.isTheSame = true")

    def __exit__(self, *failure: object) -> None:
        if failure == (None, None, None):
            assert self.page.evaluate("window.isTheSame"), "the page was loaded again"
