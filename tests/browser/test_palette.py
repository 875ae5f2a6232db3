"""Search everywhere with the keyboard alone: opened, asked, chosen and left without a pointer."""

import re
import time

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser import looks, stories


@pytest.fixture
def somebody(company):
    return stories.rep()


@pytest.fixture
def leads(somebody):
    return stories.handed_over(somebody, stories.PROMISE, stories.PROMISE / 2)


def palette(window):
    return window.find("dialog#palette")


def chosen(window) -> str:
    """What a screen reader is told that the arrows have come to."""
    pk = window.find("#palette-input").get_attribute("aria-activedescendant")
    option = window.find(f"[id='{pk}']")
    assert option.get_attribute("aria-selected") == "true"
    assert window.find("#palette [aria-selected=true]").count() == 1
    return option.locator("b").inner_text()


def ask(window, words: str) -> None:
    window.page.keyboard.type(words)
    expect(window.find("#palette-results")).to_have_attribute("data-words", words)


def test_a_lead_is_opened_without_a_pointer(visit, somebody, leads):
    window = visit(somebody)
    window.open("/dash/funnel/")
    window.press("Control+k")
    expect(window.find("#palette-input")).to_be_focused()
    ask(window, leads[0].name)
    assert chosen(window) == leads[0].name
    expect(window.find("#palette-said")).to_have_text(re.compile(r"\d+ results?"))
    assert looks.barriers(window.page) == []
    window.press("Enter")
    window.page.wait_for_url(f"**/leads/{leads[0].pk}/")
    window.until_ready()

    window.press("Meta+k")
    expect(window.find("#palette-results [role=group]").first).to_contain_text("Opened last")
    assert chosen(window) == leads[0].name


def test_arrows_home_and_end_go_round_and_escape_leaves(visit, somebody):
    window = visit(somebody)
    window.open("/leads/")
    window.find(".list-filters input[type=search]").focus()
    window.press("Control+k")
    expect(window.find("#palette-results [role=option]").first).to_be_visible()
    options = window.find("#palette-results [role=option] b").all_inner_texts()
    walked = [chosen(window)]
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "End", "ArrowDown", "ArrowUp", "Home"):
        window.press(key)
        walked.append(chosen(window))
    first, second, third, *_, last = options

    assert walked == [first, second, third, second, last, first, last, first]
    window.press("Escape")
    expect(palette(window)).to_be_hidden()
    expect(window.find(".list-filters input[type=search]")).to_be_focused()
    window.press("Control+k", "Control+k")
    expect(palette(window)).to_be_hidden()


def test_enter_waits_for_the_answer_to_what_was_typed(visit, somebody, leads):
    window = visit(somebody)
    window.open("/queue/")
    window.page.route("**/search/?q=**", lambda route: (time.sleep(0.3), route.continue_()))
    window.press("/")
    window.page.keyboard.type(leads[1].email)
    window.press("Enter")
    window.page.wait_for_url(f"**/leads/{leads[1].pk}/")


def test_an_answer_that_comes_too_late_is_dropped(visit, somebody):
    window = visit(somebody)
    window.open("/queue/")
    window.press("Control+k")
    expect(window.find("#palette-results [role=option]").first).to_be_visible()
    held = []
    window.page.route("**/search/?q=notif&*", lambda route: held.append(route))
    window.page.keyboard.type("notif")
    window.page.wait_for_timeout(400)
    window.press("Control+a")
    ask(window, "sign out")
    [first] = held
    first.fulfill(body='<div id="palette-results" data-words="notif" data-said="late"></div>')
    window.page.wait_for_timeout(300)

    assert chosen(window) == "Sign out"


def test_a_search_that_fails_says_so_and_the_next_one_works(visit, somebody):
    window = visit(somebody, expects=(500,))
    window.open("/queue/")
    window.press("Control+k")
    window.page.route("**/search/?q=sign&*", lambda route: route.fulfill(status=500))
    window.page.keyboard.type("sign")
    expect(window.find("#palette-said")).to_have_text("This could not be searched. Try again in a moment.")
    ask_more = "sign out"
    window.page.keyboard.type(ask_more.removeprefix("sign"))
    expect(window.find("#palette-results")).to_have_attribute("data-words", ask_more)
    assert chosen(window) == "Sign out"


def test_an_ended_session_leads_to_the_login(visit, somebody):
    window = visit(somebody)
    window.open("/queue/")
    window.page.context.clear_cookies(name="sessionid")
    window.press("Control+k")
    window.page.wait_for_url("**/account/login/?next=/queue/")


def test_signing_out_is_one_of_the_actions(visit, somebody):
    window = visit(somebody)
    window.open("/queue/")
    window.press("Control+k")
    ask(window, "sign out")
    window.press("Enter")
    window.page.wait_for_url("**/account/login/")


def test_with_shortcuts_off_the_visible_button_opens_it(visit, company):
    window = visit(stories.rep(shortcuts=False))
    window.open("/queue/")
    window.press("Control+k", "/")
    expect(palette(window)).to_be_hidden()
    window.find(".side [data-open-palette]").press("Enter")
    expect(window.find("#palette-input")).to_be_focused()


def test_on_a_phone_it_is_a_sheet_over_everything(visit, somebody, leads):
    window = visit(somebody, width=390, height=844, has_touch=True, is_mobile=True)
    window.open("/queue/")
    window.page.get_by_role("link", name="Search").tap()
    ask(window, leads[0].name)
    box = palette(window).bounding_box()

    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)
    faults = looks.barriers(window.page) + looks.small_texts(window.page)
    faults += [fault for fault in looks.small_targets(window.page, 44) if "hit" in fault or "dialog" in fault]
    assert faults == []
    window.find("#palette [role=option]").first.tap()
    window.page.wait_for_url(f"**/leads/{leads[0].pk}/")


def test_in_the_dark_it_has_no_barriers(visit, people):
    window = visit(people["revops"], dark=True)
    window.open("/leads/")
    window.press("Control+k")
    expect(window.find("#palette-results [role=option]").first).to_be_visible()
    assert looks.barriers(window.page) == []
    ask(window, "zzzzzz")
    expect(palette(window)).to_contain_text("Nothing fits “zzzzzz”")
    assert looks.barriers(window.page) == []


def test_without_scripts_the_search_is_a_page(visit, somebody, leads):
    window = visit(somebody, java_script_enabled=False)
    window.page.goto("/queue/")
    box = window.page.get_by_role("searchbox", name="Search everywhere")
    icon, field = window.find("form.search svg").bounding_box(), box.bounding_box()
    assert icon["x"] + icon["width"] <= field["x"], "the icon stands before the words, not above them"
    box.fill(leads[0].name)
    window.press("Enter")
    window.page.wait_for_url(f"**{reverse('search')}?q=*")
    window.page.get_by_role("link", name=leads[0].name).first.click()
    window.page.wait_for_url(f"**/leads/{leads[0].pk}/")
