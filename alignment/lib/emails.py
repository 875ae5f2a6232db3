"""E-mail addresses as keys: the same mailbox gives the same key."""

import re
import unicodedata
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from alignment.lib.domains import FREE_DOMAINS, is_free, registrable

__all__ = ["FREE_DOMAINS", "company_domain", "domain_of", "email_key", "email_key_or_blank", "mailbox_key"]

LONGEST, LONGEST_DOMAIN = 320, 253
"""How many characters an address and its domain may have (RFC 5321)."""


_USUAL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+[a-z]{2,24}")
"""Nearly all addresses; the others need Django's closer look, which takes ten times as long."""


def email_key(text: str) -> str:
    """The address in lower case and one Unicode form, without blanks around it. Raises ValidationError if it is none.

    Dots and +tags stay: not every mail server ignores them, and two people must never become one.
    """
    key = unicodedata.normalize("NFKC", text).strip().lower()
    if not _USUAL.fullmatch(key):
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


@lru_cache(maxsize=16_384)
def company_domain(key: str) -> str:
    """The domain that a company registered, of an e-mail key where it names a company; empty for free mailboxes."""
    domain = domain_of(key)
    return "" if is_free(domain) else registrable(domain)


_DOTLESS = {"googlemail.com": "gmail.com", "gmail.com": "gmail.com"}


def mailbox_key(key: str) -> str:
    """The mailbox into which mail to this e-mail key most likely falls: without a +tag, and for Gmail without dots.

    Two keys with one mailbox are most likely one person; it is for asking, never for joining.
    """
    local, at, domain = key.rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), _DOTLESS[domain]
    return f"{local}{at}{domain}"
