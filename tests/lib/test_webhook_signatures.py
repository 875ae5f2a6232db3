"""Signatures of webhooks: the specification's own example, and what must not pass."""

import re
from pathlib import Path

import pytest

from alignment.lib.webhook_signatures import BadSignatureError, headers, new_secret, sign, verify

# The example of the specification.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = {"message_id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp": 1614265330, "body": b'{"test": 2432232314}'}
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = MESSAGE["timestamp"]


def given(**changed):
    return headers(SECRET, **MESSAGE) | changed


def test_the_example_of_the_specification():
    assert sign(SECRET, **MESSAGE) == SIGNATURE
    assert verify(SECRET, headers=given(), body=MESSAGE["body"], now=NOW + 300) == MESSAGE["message_id"]


def test_one_of_several_signatures_has_to_fit():
    several = {"webhook-signature": f"v1,bm9wZQ== v2,other {SIGNATURE}"}

    assert verify(SECRET, headers=given(**several), body=MESSAGE["body"], now=NOW)


@pytest.mark.parametrize(
    ("changed", "body", "now"),
    [
        ({}, b'{"test": 2432232315}', NOW),
        ({}, MESSAGE["body"], NOW + 301),
        ({}, MESSAGE["body"], NOW - 301),
        ({"webhook-id": "msg_other"}, MESSAGE["body"], NOW),
        ({"webhook-id": ""}, MESSAGE["body"], NOW),
        ({"webhook-timestamp": str(NOW + 1)}, MESSAGE["body"], NOW),
        ({"webhook-timestamp": "now"}, MESSAGE["body"], NOW),
        ({"webhook-timestamp": "9" * 5000}, MESSAGE["body"], NOW),
        ({"webhook-timestamp": "١٦١٤"}, MESSAGE["body"], NOW),
        ({"webhook-signature": ""}, MESSAGE["body"], NOW),
        ({"webhook-signature": "v1,"}, MESSAGE["body"], NOW),
        ({"webhook-signature": "v1,\udcff"}, MESSAGE["body"], NOW),
    ],
)
def test_what_nobody_with_the_secret_sent_now(changed, body, now):
    with pytest.raises(BadSignatureError):
        verify(SECRET, headers=given(**changed), body=body, now=now)


def test_another_secret_does_not_fit():
    with pytest.raises(BadSignatureError):
        verify(new_secret(), headers=given(), body=MESSAGE["body"], now=NOW)


def test_what_is_no_secret():
    with pytest.raises(ValueError, match="no secret"):
        sign("whsec_§", **MESSAGE)


def test_what_the_docs_say_about_checking_works():
    text = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(code, names)  # noqa: S102 (our own docs)

    assert names["is_from_accord"](SECRET, given(), MESSAGE["body"])
    assert not names["is_from_accord"](SECRET, given(), b"{}")
