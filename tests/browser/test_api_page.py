"""The page of the API: drawn from the schema under the strict policy, and a request tried out with a pasted token."""

import re

from playwright.sync_api import expect

from tests.api.asking import make_token


def test_a_request_is_tried_out_with_a_token(visit, people):
    window = visit(people["rep"])
    window.open("/api/v1/docs/")
    page = window.page
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("auth-bearer-value").fill(make_token(people["rep"], "read"))
    page.get_by_role("button", name="Apply credentials").click()
    page.locator(".btn-done").click()

    operation = page.locator("#operations-Me-me")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text(people["rep"].name)


def test_a_token_made_in_the_browser_is_shown_once(visit, people):
    window = visit(people["marketer"])
    window.open("/account/tokens/")
    page = window.page
    page.get_by_label("Name").fill("Website")
    page.get_by_label("Add, change and move leads and deals").check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_label("The token")).to_have_value(re.compile(r"^accord_[0-9a-f]{64}$"))

    window.open("/account/tokens/")
    expect(page.get_by_label("The token")).to_have_count(0)
    page.get_by_role("button", name="Revoke Website").click()
    expect(page.get_by_text("“Website” is revoked")).to_be_visible()
