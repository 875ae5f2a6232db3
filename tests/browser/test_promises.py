"""The page of promises: its charts say what its table says, and what happens is on it at once."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import stories


@pytest.fixture
def promises(visit, people):
    window = visit(people["revops"])
    window.open("/dash/promises/")
    return window


def test_the_charts_and_their_table_say_the_same(promises):
    rows = [
        [text.strip() for text in row.locator("th, td").all_text_contents()]
        for row in promises.find("#ledger-weeks tbody tr").all()
    ]
    whole = [row for row in reversed(rows) if "so far" not in row[0]]
    for column, panel in enumerate(promises.find(".panel").all(), 1):
        drawn = [text.split(": ")[1] for text in panel.locator("svg title").all_text_contents()]
        shown = [re.match(r"[\d,]+%?|–", row[column])[0] for row in whole]
        assert drawn == [text for text in shown if text != "–"]


def test_bullets_are_as_long_as_their_shares(promises):
    for promise in promises.find(".ledger .promise").all():
        value = re.match(r"\s*([\d.]+)%", promise.locator(".promise-value").inner_text())
        if value:
            full, kept = (rect.bounding_box()["width"] for rect in promise.locator("svg rect").all()[:2])
            assert abs(kept / full - float(value[1]) / 100) < 0.006


def test_filters_survive_a_reload(promises):
    with promises.without_reload():
        promises.find("select[name=period]").select_option("90d")
        promises.page.wait_for_url("**period=90d**")
    before = promises.find(".promise-value").all_inner_texts()
    promises.page.reload()
    promises.until_ready()

    assert promises.find(".promise-value").all_inner_texts() == before
    assert promises.find("select[name=period]").input_value() == "90d"


def test_an_overdue_answer_is_on_the_open_page_at_once(promises):
    overdue = promises.page.locator(".ledger-owed a", has_text="overdue").first
    before = int(re.search(r"[\d,]+", overdue.inner_text())[0].replace(",", ""))
    with promises.without_reload():
        stories.handed_over(stories.rep(), timedelta(hours=-1))
        expect(overdue).to_contain_text(f"{before + 1}", timeout=15_000)
