"""What a log line says of an address that is a key."""

import logging

import pytest
from django.conf import settings

from alignment.lib.log_masks import WithoutTokens

TOKEN = "CgHGQWn9qfs0qyTdk0-l_CLtcVUJNeYsoABDgr9juQI"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (f"Gone: /wall/{TOKEN}/funnel/", "Gone: /wall/…/funnel/"),
        (f"GET /events?topics=leads&wall={TOKEN} 403", "GET /events?topics=leads&wall=… 403"),
        (f"Not Found: /account/password/MQ/{TOKEN}/", "Not Found: /account/password/MQ/…/"),
        ("Not Found: /setup/wall/3/revoke/", "Not Found: /setup/wall/3/revoke/"),
        ("100 % of /leads/7/", "100 % of /leads/7/"),
    ],
)
def test_tokens_are_cut(said, written):
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s", (said,), None)

    assert WithoutTokens().filter(record)
    assert record.getMessage() == written


def test_every_line_of_the_log_goes_through_it():
    [handler] = settings.LOGGING["handlers"].values()

    assert [settings.LOGGING["filters"][name]["()"] for name in handler["filters"]] == [
        f"{WithoutTokens.__module__}.{WithoutTokens.__name__}"
    ]
