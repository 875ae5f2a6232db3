"""The funnel page: its charts say what its numbers and tables say, and its address says what is shown."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser import looks, stories
from tests.browser.sites import serving


@pytest.fixture
def funnel(visit, people):
    window = visit(people["revops"])
    window.open("/dash/funnel/")
    return window


def whole(text: str) -> int:
    return int(re.search(r"[\d,]+", text)[0].replace(",", ""))


def counts(window) -> list[int]:
    return [whole(text) for text in window.find(".funnel-count").all_inner_texts()]


def cells(window, table: str) -> list[list[str]]:
    """The rows of a table that stands behind a chart, opened or not."""
    rows = window.find(f"{table} tbody tr").all()
    return [[text.strip() for text in row.locator("th, td").all_text_contents()] for row in rows]


def test_it_fits_a_laptop(funnel):
    assert funnel.page.evaluate("document.documentElement.scrollHeight") <= 900


def test_bars_are_as_long_as_their_numbers(funnel):
    reached = counts(funnel)
    widths = [each.bounding_box()["width"] for each in funnel.find(".funnel-bar .fill-team").all()]
    unit = max(widths) / max(reached)
    assert len(reached) == 5
    assert all(abs(width - n * unit) <= 1 for width, n in zip(widths, reached, strict=True))
    ghosts = [each.bounding_box()["width"] for each in funnel.find(".funnel-bar .ghost").all()]
    assert all(abs(width - n * unit) <= 1 for width, n in zip(ghosts[1:], reached[:-1], strict=True))


def test_rates_follow_from_the_counts_beside_them(funnel):
    texts = funnel.find(".funnel-rate").all_inner_texts()
    rates = [float(re.match(r"[\d.]+", text)[0]) for text in texts[1:]]
    assert rates == [round(after / before * 100, 1) for before, after in pairwise(counts(funnel))]


def test_what_is_hatched_is_named(funnel):
    """On a cohort those that got on and those that did not are all that were there."""
    losses = [
        sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]*\d) [a-z]", text))
        for text in funnel.find(".funnel-losses").all_inner_texts()
    ]
    reached = counts(funnel)
    assert losses[1:] == [before - after for before, after in pairwise(reached)]


def test_the_answer_says_what_the_funnel_shows(funnel):
    answer = [whole(text) for text in funnel.find(".answer a").all_inner_texts()]
    reached = counts(funnel)
    assert answer[:2] == [reached[4], reached[1]]


def test_the_table_of_the_funnel_has_its_numbers(funnel):
    reached = counts(funnel)
    rows = cells(funnel, "#funnel-table")
    assert [(whole(row[1]), whole(row[2])) for row in rows] == list(pairwise(reached))
    assert [row[3] for row in rows] == [
        re.match(r"[\d.]+%", text)[0] for text in funnel.find(".funnel-rate").all_inner_texts()[1:]
    ]


def test_the_table_of_the_weeks_has_what_is_drawn(funnel):
    expect(funnel.find("[data-plot]")).to_have_attribute("data-plot-state", "drawn", timeout=30_000)
    figure = json.loads(funnel.find("[data-plot]").get_attribute("data-plot"))
    drawn = {trace["name"]: trace["y"] for trace in figure["data"]}
    rows = [row for row in cells(funnel, "#weeks-table") if "so far" not in row[0]]
    for name, column in (("Answered in time", 2), ("Accepted by sales", 4)):
        shown = [None if row[column] == "–" else int(row[column].rstrip("%")) for row in rows]
        assert [None if y is None else round(y) for y in drawn[name]] == pytest.approx(shown, abs=1)


def test_the_table_of_the_trends_has_what_the_sparks_show(funnel):
    points = funnel.find(".kpi").nth(0).locator("polyline").get_attribute("points").split()
    heights = [-float(point.split(",")[1]) for point in points]
    won = [whole(row[2]) for row in cells(funnel, "#trend-table")]
    span = (max(heights) - min(heights)) / (max(won) - min(won))
    assert len(heights) == len(won)
    assert all(
        abs((height - min(heights)) - (n - min(won)) * span) < 0.2 for height, n in zip(heights, won, strict=True)
    )


def test_dots_lie_where_their_rates_are(funnel):
    rows = [row for row in funnel.find(".dots tbody tr").all() if row.locator("circle").count() and row.is_visible()]
    rates = [float(re.search(r"([\d.]+)%", row.locator("td").last.inner_text())[1]) for row in rows]
    places = [float(row.locator("circle").get_attribute("cx").rstrip("%")) for row in rows]
    unit = max(places) / max(rates)
    assert all(abs(place - rate * unit) < 0.5 for place, rate in zip(places, rates, strict=True))


# While it is measured -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient(demo_company):
    """The address of an Accord that waits for no figures."""
    with serving(demo_company, ACCORD_FIGURES_PATIENCE="0") as url:
        yield url


def test_figures_come_to_the_page_that_waits_for_them(impatient, visit, people):
    window = visit(people["revops"], base_url=impatient)
    assert "Measuring" in window.open("/dash/funnel/?period=all").text()
    with window.without_reload():
        expect(window.find(".funnel-count")).to_have_count(5)
        window.find("select[name=period]").select_option("90d")
        window.page.wait_for_url("**period=90d**")
        expect(window.find("#figures:not([aria-busy]) .funnel-count")).to_have_count(5)


def test_what_stands_there_meanwhile_is_for_everybody(impatient, visit, people):
    window = visit(people["revops"], base_url=impatient, width=390, dark=True)
    # Whoever comes back for figures hears that there are none yet.
    window.page.route("**/dash/promises/**", _nothing_yet)
    window.open("/dash/promises/?period=all")
    expect(window.find(".measuring")).to_be_visible()

    assert not looks.barriers(window.page) + looks.overflows(window.page, (390, 320))


def _nothing_yet(route):
    if "figures-since" in route.request.headers:
        route.fulfill(status=204)
    else:
        route.continue_()


def test_without_scripts_a_link_asks_again(impatient, visit, people):
    window = visit(people["revops"], base_url=impatient, java_script_enabled=False)
    window.page.goto("/dash/funnel/?period=all&basis=period")
    while window.find(".measuring").count():
        window.page.get_by_role("link", name="Show them").click()

    assert window.find(".funnel-count").count() == 5


# Its address --------------------------------------------------------------------------------------------------


def test_filters_survive_a_reload_the_way_back_and_a_shared_link(funnel, visit, people):
    everything = counts(funnel)
    with funnel.without_reload():
        funnel.find("select[name=period]").select_option("90d")
        funnel.page.wait_for_url("**period=90d**")
        funnel.find("select[name=source]").select_option(index=2)
        funnel.page.wait_for_url("**source=**")
    expect(funnel.find(".funnel-count").first).not_to_have_text(f"{everything[0]:,}")
    chosen, url = counts(funnel), funnel.page.url

    funnel.page.reload()
    funnel.until_ready()
    assert counts(funnel) == chosen
    assert funnel.find("select[name=period]").input_value() == "90d"

    somebody = visit(people["executive"])
    somebody.page.goto(url)
    somebody.until_ready()
    assert counts(somebody) == chosen
    assert somebody.find("select[name=source]").input_value() == funnel.find("select[name=source]").input_value()

    funnel.find(".funnel-count a").first.click()
    funnel.page.wait_for_url("**/leads/**")
    funnel.page.go_back()
    funnel.until_ready()
    assert counts(funnel) == chosen


# Live ---------------------------------------------------------------------------------------------------------


def test_news_change_the_numbers_and_nothing_else(funnel, company):
    before = counts(funnel)
    funnel.find("#funnel-table-open").click()
    funnel.page.set_viewport_size({"width": 1440, "height": 500})
    funnel.find("#weeks-table-open").focus()
    funnel.page.evaluate("scrollTo(0, 180)")
    with funnel.without_reload():
        stories.handed_over(stories.rep())
        expect(funnel.find(".funnel-count").first).to_have_text(f"{before[0] + 1:,}")
        assert funnel.page.evaluate("document.activeElement.id") == "weeks-table-open"
        assert funnel.page.evaluate("scrollY") == 180
        assert funnel.find("#funnel-table").get_attribute("open") is not None
