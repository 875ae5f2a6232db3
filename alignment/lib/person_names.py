"""Names of people as keys: `Dr. Ana Souza`, `Souza, Ana` and `ana  sousa` are alike or the same."""

import re
import unicodedata

_TITLES = frozenset(["dr", "dipl", "frau", "herr", "ing", "miss", "mr", "mrs", "ms", "mx", "prof", "sr", "sra", "dra"])


def person_key(name: str) -> str:
    """The name without case, accents, punctuation and titles, its parts in alphabetical order; or empty."""
    plain = name.casefold()
    if not name.isascii():
        plain = "".join(each for each in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(each))
    parts = [part for part in re.findall(r"[^\W\d_]+", plain) if part not in _TITLES]
    return " ".join(sorted(parts))[:200]
