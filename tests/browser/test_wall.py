"""The wall on its screen: readable from the back of the room, live, and never an error page."""

import re
from base64 import b64encode
from datetime import timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from alignment.desk.wall import links
from alignment.lib.announcements import announce
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource
from tests.browser import looks, stories
from tests.browser.sites import serving
from tests.factories import make_wall_link

SCENES = ("funnel", "promises")
SCREENS = ((1280, 720), (1920, 1080), (3840, 2160))
LOOKS = ("", "?theme=dark", "?scale=1.25", "?scale=1.45")
LEAST_TEXT, HEADLINE, FIGURES = 32, 64, (56, 118)
LEAST_CONTRAST = 7.4
# A live change has to be there within this time, a notice of a dead server within that.
LIVE_MS = 2_000
NOTICE_SECONDS = 90
MOST_GROWTH = 20_000_000
# What differs this much is told apart, also where all colours are grey (of 255).
APART = 40

SMALL = """
    (least) => [...document.body.querySelectorAll("*")].filter((element) =>
        element.checkVisibility() && !element.closest(".sr-only")
        && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim())
        && parseFloat(getComputedStyle(element).fontSize) < least - 0.05
    ).map((element) => `${getComputedStyle(element).fontSize}: ${element.outerHTML.slice(0, 120)}`)
"""
# All text stands on the canvas.
PALE = """
    (least) => {
        const light = (colour) => {
            const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((value) => value / 255)
                .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const canvas = light(getComputedStyle(document.documentElement).backgroundColor);
        return [...document.body.querySelectorAll("*")].filter((element) => element.checkVisibility()
            && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim())
        ).map((element) => {
            const text = light(getComputedStyle(element).color);
            const ratio = (Math.max(text, canvas) + 0.05) / (Math.min(text, canvas) + 0.05);
            return [ratio, `${ratio.toFixed(1)}: ${element.outerHTML.slice(0, 120)}`];
        }).filter(([ratio]) => ratio < least).map(([, fault]) => fault);
    }
"""
# The window has its new size, and what follows from it is laid out.
RESIZED = """
    ([width, height]) => innerWidth === width && innerHeight === height
        && Math.abs(parseFloat(getComputedStyle(document.documentElement).fontSize) * 120
            / Number(document.documentElement.dataset.scale) - width) < 1
"""
# What reaches beyond the window, or lies on something else.
CROWDED = """
    () => {
        const texts = [...document.querySelectorAll(
            "h1, h2, h3, .wall-about, .wall-stage, .wall-count, .wall-bars p, .wall-rate, .wall-handoff p, "
            + ".wall-value, .wall-note, .wall-foot a, .wall-next, [data-wall-says], [data-wall-time]"
        )].filter((element) => element.checkVisibility());
        const box = (element) => {
            const range = document.createRange();
            range.selectNodeContents(element);
            return range.getBoundingClientRect();
        };
        const boxes = texts.map((element) => [element, box(element)]);
        const faults = boxes.filter(([, { left, top, right, bottom }]) =>
            left < 0 || top < 0 || right > innerWidth + 1 || bottom > innerHeight + 1);
        const slack = 0.006 * innerHeight;
        for (const [one, a] of boxes) for (const [other, b] of boxes) {
            const apart = a.right <= b.left + 1 || b.right <= a.left + 1
                || a.bottom <= b.top + slack || b.bottom <= a.top + slack;
            if (one !== other && !apart && !one.contains(other) && !other.contains(one)) faults.push([one]);
        }
        return faults.map(([element]) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 160));
    }
"""
# The grey of one pixel of a picture of the page (a data URL), for each place.
GREYS = """
    async ([picture, places]) => {
        const image = new Image();
        image.src = picture;
        await image.decode();
        const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(image, 0, 0);
        return places.map(([x, y]) => {
            const [r, g, b] = context.getImageData(Math.round(x), Math.round(y), 1, 1).data;
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        });
    }
"""


@pytest.fixture
def token(company) -> str:
    return make_wall_link()[1]


@pytest.fixture
def wall(visit, token):
    """Opens a window of a screen: a stranger's, at 1920 × 1080."""

    def open_window(scene="funnel", query="", *, width=1920, height=1080, clock=False, **options):
        window = visit(width=width, height=height, **options)
        if clock:
            window.page.clock.install()
        window.open(f"/wall/{token}/{scene}/{query}")
        return window

    return open_window


def scene_of(window) -> str:
    return window.find("#scene").get_attribute("data-scene")


def wait_for_scene(window, key) -> None:
    expect(window.find(f"#scene[data-scene={key}]")).to_be_attached()
    expect(window.find(f"[data-wall-tab={key}]")).to_have_attribute("aria-current", "page")


def live(window):
    return window.find("[data-wall-live]")


def some_state(window, state):
    expect(live(window)).to_have_attribute("data-state", state)


# Seen from the back of the room -------------------------------------------------------------------------------


@pytest.mark.parametrize("query", LOOKS)
@pytest.mark.parametrize("scene", SCENES)
def test_it_can_be_read_from_afar(wall, scene, query):
    window = wall(scene, query)
    faults = window.page.evaluate(SMALL, LEAST_TEXT) + window.page.evaluate(PALE, LEAST_CONTRAST)
    assert not faults, "\n".join(faults)
    headline = window.page.evaluate("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)")
    assert headline >= HEADLINE
    figures = window.find(".wall-count, .wall-rate, .wall-value")
    sizes = figures.evaluate_all("(all) => all.map((each) => parseFloat(getComputedStyle(each).fontSize))")
    assert sizes
    assert all(FIGURES[0] <= size <= FIGURES[1] for size in sizes), sizes


@pytest.mark.parametrize("query", LOOKS)
@pytest.mark.parametrize("scene", SCENES)
def test_nothing_scrolls_and_nothing_overlaps(wall, scene, query):
    window = wall(scene, query)
    for width, height in SCREENS:
        window.page.set_viewport_size({"width": width, "height": height})
        window.page.wait_for_function(RESIZED, arg=[width, height])
        wide, high = window.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert (wide <= width, high <= height) == (True, True), (width, height)
        window.page.keyboard.press("End")
        assert window.page.evaluate("scrollY") == 0
        faults = window.page.evaluate(CROWDED)
        assert not faults, "\n".join([f"{width} × {height}", *faults])


@pytest.mark.parametrize("scene", SCENES)
def test_few_things_at_once(wall, scene):
    window = wall(scene)
    assert window.find(".wall-row").count() == (5 if scene == "funnel" else 0)
    assert window.find(".wall-promise").count() == (4 if scene == "promises" else 0)


@pytest.mark.parametrize("query", ["", "?theme=dark"])
@pytest.mark.parametrize("scene", SCENES)
def test_everybody_can_use_it(wall, scene, query):
    window = wall(scene, query)
    html = window.page.content()
    faults = looks.inline_code(html) + looks.barriers(window.page) + looks.small_targets(window.page, 24)
    assert not faults, "\n".join(faults)


def test_light_is_the_rule_whatever_the_device_prefers(wall):
    window = wall(color_scheme="dark")
    assert window.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"


def test_bars_are_as_long_as_their_numbers(wall):
    window = wall()
    reached = [int(text.replace(",", "")) for text in window.find(".wall-count").all_inner_texts()]
    widths = [box["width"] for box in (each.bounding_box() for each in window.find(".wall-fill").all())]
    hatched = [box["width"] for box in (each.bounding_box() for each in window.find(".wall-ghost").all())]
    unit = widths[0] / reached[0]
    assert all(abs(width - n * unit) <= 1 for width, n in zip(widths, reached, strict=True))
    assert all(abs(width - n * unit) <= 1 for width, n in zip(hatched[1:], reached, strict=False))
    rates = [float(text) for text in re.findall(r"([\d.]+)%", " ".join(window.find(".wall-rate").all_inner_texts()))]
    assert rates == [round(after / before * 100, 1) for before, after in pairwise(reached)]


def test_the_hand_off_line_says_what_the_funnel_page_says(wall, visit, people):
    page = visit(people["revops"])
    page.open("/dash/funnel/")
    said = re.search(r"([\d,]+) overdue now", page.find(".handoff").inner_text())
    share = re.search(r"(\d+)%", page.find(".handoff").inner_text())
    line = wall().find(".wall-handoff")
    expect(line).to_contain_text("Hand-off to sales in 48 h.")
    expect(line).to_contain_text(f"{share[1]}% answered in time, {said[0]}")
    dashes = line.evaluate("(each) => getComputedStyle(each, '::before').borderTopStyle")
    assert dashes == "dashed"


# Without colours ----------------------------------------------------------------------------------------------


def greys_of(window, *places) -> list[float]:
    """What grey the page has at these places."""
    picture = b64encode(window.page.screenshot()).decode()
    return window.page.evaluate(GREYS, [f"data:image/png;base64,{picture}", places])


@pytest.mark.parametrize("query", ["", "?theme=dark"])
def test_grey_still_tells_teams_and_losses_apart(wall, query):
    window = wall(query=query)
    row = window.find(".wall-row").nth(1)
    fill, ghost = (row.locator(each).bounding_box() for each in (".wall-fill", ".wall-ghost"))
    middle = fill["y"] + fill["height"] / 2
    edge = fill["x"] + fill["width"]
    across = [(edge + 20 + step, middle) for step in range(40)]
    canvas, filled, *hatched = greys_of(window, (5, 5), (fill["x"] + 30, middle), *across)
    assert ghost["width"] > fill["width"] + 60
    assert abs(filled - sum(hatched) / len(hatched)) > APART, "what got here, and what was lost on the way"
    assert max(hatched) - min(hatched) > APART, "the loss is hatched"
    assert abs(filled - canvas) > APART

    # A square has its corner, a circle does not.
    corners = []
    for each in (window.find(".wall-stage").nth(1), window.find(".wall-stage").nth(2)):
        box = each.bounding_box()
        size = each.evaluate("(each) => parseFloat(getComputedStyle(each, '::before').width)")
        top = find_top(window, box, size)
        corner, inside = greys_of(
            window, (box["x"] + size * 0.09, top + size * 0.09), (box["x"] + size / 2, top + size / 2)
        )
        corners.append(abs(corner - inside) < APART)
    assert corners == [True, False]


def find_top(window, box, size) -> float:
    """Where the marker begins, going down its middle."""
    places = [(box["x"] + size / 2, box["y"] + step) for step in range(int(box["height"]))]
    greys = greys_of(window, *places)
    return places[next(number for number, grey in enumerate(greys) if abs(grey - greys[0]) > APART)][1]


def test_what_is_bad_is_said_in_words_or_signs(wall):
    window = wall()
    assert window.find("h1 mark").count() <= 1
    for each in window.find(".wall-rate.is-hot, .wall-handoff .is-bad").all():
        assert each.locator("svg").count() == 1
    window = wall("promises")
    for each in window.find(".wall-promise").all():
        is_hot = "is-hot" in each.get_attribute("class")
        assert ("Missed" in each.inner_text()) == is_hot
        assert each.locator(".wall-note svg").count() == 1


# Keys and turns -----------------------------------------------------------------------------------------------


def test_keys(wall, token):
    window = wall()
    with window.without_reload():
        window.press("ArrowRight")
        wait_for_scene(window, "promises")
        assert window.page.url.endswith(f"/wall/{token}/promises/")
        window.press("ArrowRight")
        wait_for_scene(window, "funnel")
        window.press("ArrowLeft")
        wait_for_scene(window, "promises")
        window.press("1")
        wait_for_scene(window, "funnel")
        window.press("2")
        wait_for_scene(window, "promises")
        window.press("5", "9", "x", "Control+1")
        assert scene_of(window) == "promises"

        window.press("Space")
        some_state(window, "paused")
        expect(live(window)).to_contain_text("Paused")
        window.press("Space")
        some_state(window, "on")

        window.press("f")
        window.page.wait_for_function("document.fullscreenElement === document.documentElement")
        window.press("F")
        window.page.wait_for_function("!document.fullscreenElement")


def test_keys_can_be_switched_off(wall):
    window = wall(query="?keys=off")
    window.press("2", "f")
    assert scene_of(window) == "funnel"
    assert not window.page.evaluate("document.fullscreenElement")
    window.press("ArrowRight")
    wait_for_scene(window, "promises")


def test_a_mouse_and_a_finger_will_do(wall):
    window = wall(has_touch=True)
    with window.without_reload():
        window.find("[data-wall-tab=promises]").tap()
        wait_for_scene(window, "promises")
        live(window).tap()
        some_state(window, "paused")
        live(window).tap()
        some_state(window, "on")


def test_scenes_take_turns(wall):
    window = wall(clock=True)
    with window.without_reload():
        expect(window.find("[data-wall-next]")).to_have_text(re.compile(r"Next in (30|29) s"))
        window.page.clock.run_for(31_000)
        wait_for_scene(window, "promises")
        window.page.clock.run_for(31_000)
        wait_for_scene(window, "funnel")

        window.press("Space")
        window.page.clock.run_for(90_000)
        assert scene_of(window) == "funnel"
        window.press("Space")
        window.page.clock.run_for(31_000)
        wait_for_scene(window, "promises")


def test_how_long_a_scene_stays_can_be_chosen(wall):
    window = wall(query="?every=60", clock=True)
    window.page.clock.run_for(45_000)
    assert scene_of(window) == "funnel"
    window.page.clock.run_for(20_000)
    wait_for_scene(window, "promises")
    still = wall(query="?every=0", clock=True)
    still.page.clock.run_for(300_000)
    assert scene_of(still) == "funnel"
    expect(still.find("[data-wall-next]")).to_have_text("")


def test_it_works_without_scripts(visit, token):
    window = visit(width=1920, height=1080, java_script_enabled=False)
    window.page.goto(f"/wall/{token}/funnel/")
    expect(window.find(".wall-handoff")).to_be_visible()
    window.find("[data-wall-tab=promises]").click()
    expect(window.find(".wall-promise").first).to_be_visible()


# Live ---------------------------------------------------------------------------------------------------------


def accepted(window) -> int:
    return int(window.find(".wall-count").nth(2).inner_text().replace(",", ""))


def test_an_acceptance_in_one_browser_is_on_the_wall(visit, wall):
    somebody = stories.rep()
    (lead,) = stories.handed_over(somebody)
    rep, screen = visit(somebody), wall()
    rep.open("/queue/")
    before = accepted(screen)
    with screen.without_reload():
        rep.find(f"#lead-{lead.pk}").get_by_role("button", name="Accept").click()
        screen.page.wait_for_function(
            "(n) => Number(document.querySelectorAll('.wall-count')[2].textContent.replace(',', '')) === n",
            arg=before + 1,
        )


def test_a_paused_wall_stands_still_and_catches_up(wall):
    window = wall()
    somebody = stories.rep()
    window.press("Space")
    before = accepted(window)
    (lead,) = stories.handed_over(somebody)
    lifecycle.accept(lead_ids=[lead.pk], cause=Cause(CauseSource.PAGE, actor_id=somebody.pk))
    window.page.wait_for_timeout(LIVE_MS)
    assert accepted(window) == before
    window.press("Space")
    expect(window.find(".wall-count").nth(2)).to_have_text(f"{before + 1:,}")


def test_a_forgotten_pause_ends_by_itself(wall):
    window = wall(clock=True)
    window.press("Space")
    window.page.clock.run_for(timedelta(minutes=59).seconds * 1000)
    some_state(window, "paused")
    window.page.clock.run_for(timedelta(minutes=2).seconds * 1000)
    some_state(window, "on")


def test_the_funnel_page_leads_to_a_link_for_its_filters(visit, people):
    window = visit(people["manager"])
    window.open("/dash/funnel/")
    window.find("select[name=period]").select_option("90d")
    expect(window.find("#to-wall")).to_have_attribute("href", "/setup/wall/?period=90d")
    window.find("#to-wall").click()
    window.page.get_by_label("Where it hangs").fill("Sales room")
    window.page.get_by_role("button", name="Make the link").click()
    link = window.page.get_by_label("Open it on the screen").input_value()
    screen = visit(width=1920, height=1080, expects=(410, 403))
    screen.open(re.sub(r"^https?://[^/]+", "", link))
    told = screen.find(".wall-about").inner_text()
    window.open("/dash/funnel/?period=90d")
    assert window.find("#figures .card header .muted").nth(1).inner_text() in told
    window.open("/setup/wall/")
    window.page.get_by_role("row", name="Sales room").first.get_by_role("button", name="Revoke").click()
    expect(window.find("[data-toast]").last).to_contain_text("is revoked")


def test_a_revoked_link_blanks_the_screen(visit, company, people):
    link, token = make_wall_link()
    window = visit(width=1920, height=1080, expects=(410, 403))
    window.open(f"/wall/{token}/funnel/")
    with window.without_reload():
        links.revoke(link_id=link.pk, by=people["revops"])
        expect(window.find("h1")).to_have_text("This link has ended. Whoever set up this screen can make a new one.")
    assert window.find(".wall-count").count() == 0
    assert window.page.goto(f"/wall/{token}/funnel/").status == 410
    assert not window.page.evaluate(SMALL, LEAST_TEXT)


def test_it_survives_the_end_of_the_session_it_was_opened_in(visit, people, token):
    window = visit(people["manager"], width=1920, height=1080)
    window.open(f"/wall/{token}/funnel/")
    window.page.context.clear_cookies()
    window.page.context.add_cookies([{"name": "sessionid", "value": "ended", "url": window.page.url}])
    with window.without_reload():
        window.press("2")
        wait_for_scene(window, "promises")
        before = window.page.evaluate("performance.now()")
        announce("leads")
        window.page.wait_for_function(
            "(before) => performance.getEntriesByType('resource').some((each) => each.startTime > before)", arg=before
        )
        some_state(window, "on")
    window.page.reload()
    expect(window.find(".wall-promise").first).to_be_visible()


# Days on end --------------------------------------------------------------------------------------------------


def test_a_dead_server_leaves_the_data_and_a_notice(visit, demo_company, company):
    _, token = make_wall_link()
    with serving(demo_company) as url:
        window = visit(width=1920, height=1080, base_url=url)
        window.page.clock.install()
        with window.page.expect_request_finished(lambda request: "/promises/" in request.url):
            window.open(f"/wall/{token}/funnel/")
        counts = window.find(".wall-count").all_inner_texts()
        since = live(window).locator("time").inner_text()
    for _ in range(NOTICE_SECONDS // 5):
        window.page.clock.run_for(5_000)
        window.page.wait_for_timeout(50)
        if live(window).get_attribute("data-state") == "stale":
            break
    expect(live(window)).to_contain_text("Data from")
    hours, minutes = map(int, since.split(":"))
    later = f"{(hours * 60 + minutes + 1) // 60 % 24:02}:{(minutes + 1) % 60:02}"
    assert live(window).locator("time").inner_text() in (since, later)
    window.press("1")
    assert window.find(".wall-count").all_inner_texts() == counts
    window.page.clock.run_for(31_000)
    wait_for_scene(window, "promises")
    assert window.find(".wall-promise").count() == 4, "it goes on with what it has"
    window.complaints.clear()  # the lost requests themselves


def test_it_comes_back_with_the_server(wall):
    window = wall(clock=True)
    window.page.route("**/wall/**", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    window.page.clock.run_for(45_000)
    window.page.wait_for_timeout(300)
    window.page.clock.run_for(15_000)
    some_state(window, "stale")
    assert window.find("#scene").is_visible()
    window.page.unroute("**/wall/**")
    window.page.clock.run_for(15_000)
    some_state(window, "on")
    window.complaints.clear()


def test_an_answer_of_somebody_else_is_not_shown(wall):
    """A hotel's login page, a proxy's own page: fine by their status, and no scene."""
    window = wall(clock=True)
    window.page.route("**/wall/**", lambda route: route.fulfill(status=200, body="<h1>Log in to the network</h1>"))
    window.page.clock.run_for(31_000)
    window.page.wait_for_timeout(300)
    assert window.find(".wall-count, .wall-promise").count() > 0
    assert "Log in" not in window.find("body").inner_text()


def test_it_loads_itself_again_after_six_hours(wall, token):
    window = wall("promises", "?theme=dark&every=0", clock=True)
    window.page.evaluate("window.isOld = true")
    window.page.clock.fast_forward(timedelta(hours=5, minutes=59).seconds * 1000)
    window.page.wait_for_timeout(500)
    assert window.page.evaluate("window.isOld")
    with window.page.expect_event("framenavigated"):
        window.page.clock.fast_forward(timedelta(minutes=2).seconds * 1000)
    window.until_ready()
    assert not window.page.evaluate("window.isOld ?? false")
    assert window.page.url.endswith(f"/wall/{token}/promises/?theme=dark&every=0")


def test_it_needs_neither_plotly_nor_anything_from_elsewhere(wall, site):
    window = wall()
    window.press("2")
    wait_for_scene(window, "promises")
    assert not [url for url in window.requests if "plotly" in url or "htmx" in url]
    assert all(url.startswith((site, "data:")) for url in window.requests)


def heap(window) -> int:
    """What the page holds, in bytes, once its garbage is gone."""
    browser = window.page.context.new_cdp_session(window.page)
    browser.send("HeapProfiler.enable")
    for _ in range(2):
        browser.send("HeapProfiler.collectGarbage")
    used = browser.send("Runtime.getHeapUsage")
    browser.detach()
    return used["usedSize"] + used.get("embedderHeapUsedSize", 0)


def test_two_hours_of_turns_leave_no_rubbish(wall):
    window = wall(clock=True)

    def turns(count):
        for number in range(count):
            following = SCENES[(SCENES.index(scene_of(window)) + 1) % 2]
            if number % 10 == 0:
                announce("leads", [1])
            window.page.clock.run_for(31_000)
            wait_for_scene(window, following)

    turns(8)
    before = heap(window)
    turns(2 * 60 * 60 // 31)
    assert heap(window) - before < MOST_GROWTH
    assert window.page.evaluate("document.querySelectorAll('#scene').length") == 1
