"""A browser that hangs costs its test, and not those after it."""

import pytest
from playwright.sync_api import Error

ENDLESS = "() => { for (;;); }"


def test_a_page_that_never_answers_is_given_up_and_the_next_test_has_a_browser(chromium):
    page = chromium.new_context().new_page()
    with chromium.no_longer_than(1), pytest.raises(Error, match="closed"):
        page.evaluate(ENDLESS)
    page.context.close()

    assert chromium.new_context().new_page().evaluate("6 * 7") == 42
