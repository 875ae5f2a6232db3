"""What can be measured of a page as the browser shows it. Each function returns the faults, as sentences."""

from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

# What WCAG 2.2 AA asks for, as far as a program can tell.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
SMALLEST_TEXT = 12
# Browser chrome, elements that scroll, and the parts of a date take the focus too.
EXTRA_TABS = 8
# Rounding of layout sizes, not of decisions.
TOLERANCE = 0.5

TEXTS = """
    (smallest) => [...document.body.querySelectorAll("*")].filter((element) =>
        element.checkVisibility() && element.getClientRects().length
        && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim())
        && parseFloat(getComputedStyle(element).fontSize) < smallest
    ).map((element) => `${getComputedStyle(element).fontSize}: ${element.outerHTML.slice(0, 160)}`)
"""

# A target is as large as the element, or as the label that passes the press on. Links within a sentence are exempt,
# and so is what only a screen reader or the keyboard reaches.
TARGETS = """
    (least) => {
        const isInSentence = (element) => element.matches("p a, li > a:not(:only-child), dd a")
            && getComputedStyle(element).display === "inline"
            && element.parentElement.textContent.trim() !== element.textContent.trim();
        const size = (element) => {
            const boxes = [element, ...(element.labels ?? [])].map((each) => each.getBoundingClientRect());
            return [Math.max(...boxes.map((box) => box.width)), Math.max(...boxes.map((box) => box.height))];
        };
        const isHidden = (element) => {
            const { width, height } = element.getBoundingClientRect();
            return !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
                || (width <= 1 && height <= 1) || element.closest(".sr-only, .skip, [inert]");
        };
        return [...document.querySelectorAll(
            "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [tabindex='0']"
        )].filter((element) => !isHidden(element) && !isInSentence(element))
            .map((element) => [element, ...size(element)])
            .filter(([, width, height]) => width < least || height < least)
            .map(([element, width, height]) =>
                `${width.toFixed(1)} × ${height.toFixed(1)}: ${element.outerHTML.replace(/\\s+/g, " ").slice(0, 160)}`);
    }
"""

# A browser that draws nothing any more is not waited for without end.
NEXT_FRAME = """
    () => new Promise((done) => {
        requestAnimationFrame(() => requestAnimationFrame(done));
        setTimeout(done, 3000);
    })
"""
# What makes the page so wide.
WIDEST = """
    () => {
        const right = (element) => element.getBoundingClientRect().right;
        const widest = [...document.body.querySelectorAll("*")]
            .reduce((one, other) => (right(other) > right(one) ? other : one));
        return `${right(widest).toFixed(0)}: ${widest.outerHTML.replace(/\\s+/g, " ").slice(0, 160)}`;
    }
"""
# What the Tab key has to reach: of radio buttons of one name the chosen one, or the first.
REACHABLE = """
    () => {
        const names = new Set();
        const isFirst = ({ type, name }) => type !== "radio" || (!names.has(name) && names.add(name));
        const all = [...document.querySelectorAll(
            "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
        )].filter((element) => element.tabIndex >= 0 && !element.disabled && isFirst(element)
            && element.checkVisibility({ visibilityProperty: true }));
        window.keyOf = (element) => element.type === "radio" ? element.name : element;
        window.unreached = new Set(all.map(keyOf));
        const parts = (element) => (element.matches("[type=date], [type=time]") ? 3 : 0);
        return all.reduce((sum, element) => sum + 1 + parts(element), 0);
    }
"""
# Where the focus is now: off the list with it, and a sentence if nobody sees it, neither now nor two frames later. The
# browser draws its own marks around the parts of a date.
FOCUSED = """
    async () => {
        const element = document.activeElement;
        if (!window.unreached.delete(keyOf(element))) return "";
        const fault = () => {
            const marks = [element, element.parentElement, element.closest("label, li, tr")].filter(Boolean);
            const styles = marks.map((each) => getComputedStyle(each));
            const isMarked = styles.some(({ outlineStyle, outlineWidth, boxShadow }) =>
                (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none");
            const { top, bottom, left, right } = element.getBoundingClientRect();
            const isOutside = bottom < 0 || top > innerHeight || right < 0 || left > innerWidth;
            const html = element.outerHTML.replace(/\\s+/g, " ").slice(0, 160);
            return isOutside ? `the focus is outside: ${html}` : isMarked ? "" : `the focus cannot be seen: ${html}`;
        };
        if (!fault()) return "";
        await (NEXT_FRAME)();
        return fault();
    }
""".replace("NEXT_FRAME", NEXT_FRAME)
LEFT_OUT = """
    () => [...window.unreached].map((each) => each.outerHTML ?? each)
        .map((html) => `not reached with Tab: ${html.replace(/\\s+/g, " ").slice(0, 160)}`)
"""


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()


def barriers(page: Page) -> list[str]:
    """Breaches of WCAG 2.2 AA. The script comes through the browser's debugger, so that the page's policy stands."""
    page.evaluate(_axe())
    return _breaches(page, RULES)


def contrasts(page: Page) -> list[str]:
    """The breaches that hang on colours alone, once `barriers` has looked at the page in others."""
    return _breaches(page, COLOURS)


def _breaches(page: Page, rules: dict[str, Any]) -> list[str]:
    found = page.evaluate("(rules) => axe.run(rules)", rules)["violations"]
    return [
        f"{each['id']} ({len(each['nodes'])}): {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary']}"
        for each in found
    ]


def overflows(page: Page, widths: tuple[int, ...]) -> list[str]:
    """Widths at which the page scrolls sideways; what is wide has a box of its own to scroll in."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        # What hangs on the size of the window follows with the next frame.
        page.evaluate(NEXT_FRAME)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{wide} px wide in a window of {width}: {page.evaluate(WIDEST)}")
    return found


def small_texts(page: Page) -> list[str]:
    return page.evaluate(TEXTS, SMALLEST_TEXT)


def small_targets(page: Page, least: int) -> list[str]:
    return page.evaluate(TARGETS, least - TOLERANCE)


def keyboard_traps(page: Page) -> list[str]:
    """What the Tab key does not reach, or reaches without showing it."""
    faults = []
    for _ in range(page.evaluate(REACHABLE) + EXTRA_TABS):
        page.keyboard.press("Tab")
        faults.append(page.evaluate(FOCUSED))
    return [*filter(None, faults), *page.evaluate(LEFT_OUT)]


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(f"<{tag}>")
        self.found += [f"<{tag} {name}>" for name in names if name == "style" or name.startswith(("on", "hx-on"))]


def inline_code(html: str) -> list[str]:
    """Scripts, handlers and styles that stand in the page itself."""
    parser = _Inline()
    parser.feed(html)
    return parser.found
