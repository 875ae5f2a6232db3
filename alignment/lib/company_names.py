"""Company names as keys: `ACME Corp.` and `Acme` are the same company."""

import re
import unicodedata
from functools import lru_cache

_LEGAL_FORMS = frozenset(
    "ab ag as bv co company corp corporation gmbh inc incorporated kg limited llc llp lp ltd ltda mbh nv "
    "oy plc pty sa sarl sas spa srl".split()
)
_ARTICLES = frozenset(["the", "die", "der", "das", "la", "le", "les", "el"])
WITHIN = 0.8


@lru_cache(maxsize=16_384)  # many leads of a file work for the same companies
def company_key(name: str) -> str:
    """The name without case, accents, punctuation and trailing legal form; empty if it has no letters or digits."""
    plain = name.casefold()
    if not name.isascii():
        plain = "".join(each for each in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(each))
    words = re.findall(r"\w+", plain)
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    return " ".join(words)[:200]


def companies_alike(one: str, other: str) -> float | None:
    """How alike two keys are: the share of their trigrams that both have, 0 to 1, and at least `WITHIN` where one is
    all within the other (`acme` and `acme deutschland`). None where one of them is empty.
    """
    if not one or not other:
        return None
    first, second = _trigrams(one), _trigrams(other)
    share = len(first & second) / len(first | second)
    words, others = (set(_spelt_alike(key).split()) for key in (one, other))
    return max(share, WITHIN) if words <= others or others <= words else share


def first_word(key: str) -> str:
    """What most companies are called by: `northwind` of `northwind trading`; an article is none."""
    words = _spelt_alike(key).split()
    return (words[1] if len(words) > 1 and words[0] in _ARTICLES else words[0]) if words else ""


@lru_cache(maxsize=16_384)
def _trigrams(key: str) -> frozenset[str]:
    padded = [f"  {word} " for word in _spelt_alike(key).split()]
    return frozenset(word[place : place + 3] for word in padded for place in range(len(word) - 2))


def _spelt_alike(key: str) -> str:
    """Umlauts are the same as their two letters."""
    return re.sub(r"(?<![aeiou])([aou])e", r"\1", key)
