"""E-mail addresses as keys: the same mailbox gives the same key."""

import unicodedata
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

FREE_DOMAINS = frozenset(
    [
        "aol.com",
        "fastmail.com",
        "free.fr",
        "gmail.com",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "libero.it",
        "live.com",
        "mail.com",
        "mail.ru",
        "me.com",
        "msn.com",
        "orange.fr",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "t-online.de",
        "uol.com.br",
        "web.de",
        "yahoo.com",
        "yahoo.co.uk",
        "yandex.ru",
        "ymail.com",
        "zoho.com",
    ]
)
"""Domains that give a mailbox to anybody: they say nothing about the company."""

LONGEST, LONGEST_DOMAIN = 320, 253
"""How many characters an address and its domain may have (RFC 5321)."""


def email_key(text: str) -> str:
    """The address in lower case and one Unicode form, without blanks around it. Raises ValidationError if it is none.

    Dots and +tags stay: not every mail server ignores them, and two people must never become one.
    """
    key = unicodedata.normalize("NFKC", text).strip().lower()
    validate_email(key)
    if len(key) > LONGEST or len(domain_of(key)) > LONGEST_DOMAIN:
        raise ValidationError("This address is too long.")
    return key


@lru_cache(maxsize=16_384)  # a slice of an import asks more than once for each of its addresses
def email_key_or_blank(text: str) -> str:
    """The key, or the empty string where the text is not an address."""
    try:
        return email_key(text)
    except ValidationError:
        return ""


def domain_of(key: str) -> str:
    """The domain of an e-mail key; empty for an empty key."""
    return key.rpartition("@")[2]


def company_domain(key: str) -> str:
    """The domain of an e-mail key where it names a company; empty for free mailboxes."""
    domain = domain_of(key)
    return "" if domain in FREE_DOMAINS else domain
