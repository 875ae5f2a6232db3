"""Addresses as keys: what the quick look lets pass, Django's closer look would let pass too."""

import pytest
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from hypothesis import given
from hypothesis import strategies as st

from alignment.lib.emails import email_key, email_key_or_blank

LABELS = st.text("ab0-", min_size=1, max_size=70)
LOCAL = st.text('ab0._+-"é ', min_size=1, max_size=12)


@given(local=LOCAL, labels=st.lists(LABELS, min_size=1, max_size=4), end=st.sampled_from(["com", "museum", "c", "c0m"]))
def test_the_quick_look_lets_nothing_else_pass(local, labels, end):
    address = f"{local}@{'.'.join([*labels, end])}"
    try:
        validate_email(address.strip())
    except ValidationError:
        with pytest.raises(ValidationError):
            email_key(address)
    else:
        assert email_key(address) == address.strip()


@pytest.mark.parametrize("text", ["", "ada", "ada@", "@b.example", "a..b@c.example", f"a@{'b' * 64}.com", "a@-b.com"])
def test_what_is_no_address_has_no_key(text):
    assert email_key_or_blank(text) == ""


def test_one_mailbox_has_one_key():
    assert {email_key(text) for text in (" Ada@Acme.Example", "ada@acme.example", "ａda@acme.example")} == {
        "ada@acme.example"
    }
