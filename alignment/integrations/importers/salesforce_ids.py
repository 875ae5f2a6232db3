"""Salesforce writes one id in two forms: 15 characters whose case matters (reports), 18 that survive any case (API)."""

import re

_SHORT = re.compile(r"[a-zA-Z0-9]{15}")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long(text: str) -> str:
    """The form of 18 characters; what is no short id comes back as it is."""
    if not _SHORT.fullmatch(text):
        return text
    parts = (text[start : start + 5] for start in (0, 5, 10))
    return text + "".join(
        _ALPHABET[sum(1 << place for place, each in enumerate(part) if each.isupper())] for part in parts
    )
