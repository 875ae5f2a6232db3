"""Keys: what is the same must have one, and what is not must not."""

import pytest

from alignment.lib.domains import is_free, registrable
from alignment.lib.emails import company_domain, email_key, mailbox_key
from alignment.lib.person_names import person_key
from alignment.lib.phones import phone_key


@pytest.mark.parametrize(
    ("domain", "registered"),
    [
        ("mail.acme.co.uk", "acme.co.uk"),
        ("ACME.com.", "acme.com"),
        ("eu.mail.acme.com.br", "acme.com.br"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_a_domain_is_what_somebody_registered(domain, registered):
    assert registrable(domain) == registered


def test_a_free_mailbox_names_no_company():
    assert is_free("gmail.com")
    assert is_free("web.de")
    assert not is_free("acme.com")
    assert company_domain("ana@gmail.com") == ""
    assert company_domain("ana@sales.acme.co.uk") == "acme.co.uk"


@pytest.mark.parametrize(
    ("text", "region", "key"),
    [
        ("+49 30 1234567", "", "+49301234567"),
        ("030 / 123 45 67", "DE", "+49301234567"),
        ("0049-30-1234567", "DE", "+49301234567"),
        ("(212) 555-0123 ext. 7", "US", "+12125550123x7"),
        ("030 1234567", "", ""),
        ("12", "DE", ""),
        ("call me", "DE", ""),
        ("", "DE", ""),
    ],
)
def test_a_phone_number_has_one_key_however_it_is_written(text, region, key):
    assert phone_key(text, region) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Ana Souza", "ana souza"),
        ("Souza, Ana", "ana souza"),
        ("Dr. ÁNA  SOUZA", "ana souza"),
        ("Jean-Luc Müller", "jean luc muller"),
        ("Prof. 7", ""),
        ("", ""),
    ],
)
def test_a_name_has_one_key_however_it_is_ordered(name, key):
    assert person_key(name) == key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ana+fair@acme.example", "ana@acme.example", True),
        ("A.na@gmail.com", "an.a+x@googlemail.com", True),
        ("a.na@acme.example", "ana@acme.example", False),
        ("+@acme.example", "ana@acme.example", False),
    ],
)
def test_mail_to_two_addresses_may_fall_into_one_box(one, other, same):
    assert (mailbox_key(email_key(one)) == mailbox_key(email_key(other))) is same
