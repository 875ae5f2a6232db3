"""Names of people as keys (`Dr. Ana Souza` and `Souza, Ana` have one), and how alike two of them are.

Two names are compared part by part, since letters in common say little: Maria and Marta Müller share most of theirs and
are two people, A. Mueller and Anna Müller share few and may be one.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile

_TITLES = frozenset(["dr", "dipl", "frau", "herr", "ing", "miss", "mr", "mrs", "ms", "mx", "prof", "sr", "sra", "dra"])
_PARTICLES = frozenset("al bin da das de del della der di dos du el la le san ten ter van von zu".split())

SAME, RESPELT, IN_PART, SHORTENED, INITIALS, SHARED, DIFFERENT = 1.0, 0.9, 0.9, 0.85, 0.75, 0.5, 0.0
"""How alike two names are: the same; spelt otherwise; one with a further name; Bob and Robert; A. and Ana; one part in
common, as families and namesakes have; nothing.
"""

_SHORT_FORMS = {
    "alexander": "alex sascha", "alexandra": "alex sandra", "andrew": "andy drew", "anthony": "tony",
    "antonio": "toni", "benjamin": "ben", "catherine": "cathy kate", "charles": "charlie chuck",
    "christian": "chris", "christopher": "chris", "christina": "chris tina", "daniel": "dan danny",
    "david": "dave", "edward": "ed ted", "elizabeth": "beth eliza lisa liz", "frederick": "fred",
    "friedrich": "fritz", "gregory": "greg", "jacob": "jake", "james": "jim jimmy", "jeffrey": "jeff",
    "jennifer": "jen jenny", "jonathan": "jon", "joseph": "joe", "josef": "sepp", "kenneth": "ken",
    "margaret": "maggie meg peggy", "matthew": "matt", "maximilian": "max", "michael": "mike mick",
    "nicholas": "nick", "patricia": "pat patty", "peter": "pete", "philip": "phil", "rebecca": "becky",
    "richard": "dick rick", "robert": "bob bobby rob", "ronald": "ron", "samuel": "sam", "stephen": "steve",
    "steven": "steve", "susan": "sue", "theodore": "ted", "thomas": "tom", "timothy": "tim",
    "victoria": "vicky", "william": "bill billy will", "wolfgang": "wolf",
}  # fmt: skip
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_UMLAUT = re.compile(r"(?<![aeiou])([aou])e")
_SILENT_H = re.compile(r"(?<=[aeiou])h(?![aeiou])")
_VOWELS = frozenset("aeiouy")
_ONE_SOUND = {letter: group[0] for group in ("ckq", "sz", "fvw", "ijy", "dt", "bp") for letter in group}
_FROM_THE_EAST = "\u2e80"
"""From here on, characters are words: a name of one part is a whole one."""


def person_key(name: str) -> str:
    """The name without case, accents, punctuation and titles, its parts in alphabetical order; or empty. Umlauts are
    the same as their two letters: `Müller` and `Mueller` have one key.
    """
    plain = name.casefold()
    if not name.isascii():
        plain = "".join(each for each in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(each))
        plain = plain.translate(_LETTERS)
    parts = [_UMLAUT.sub(r"\1", part) for part in re.findall(r"[^\W\d_]+", plain) if part not in _TITLES]
    return " ".join(sorted(parts))[:200]


def _full_forms() -> dict[str, set[str]]:
    """Part of a name as `person_key` writes it → itself, and what it may be short for."""
    forms: dict[str, set[str]] = {}
    for full, shorts in _SHORT_FORMS.items():
        for part in (full, *shorts.split()):
            key = person_key(part)
            forms.setdefault(key, {key}).add(person_key(full))
    return forms


def is_whole(key: str) -> bool:
    """Has it given and family name? A first name alone says nothing of who it is."""
    return " " in key or key[:1] >= _FROM_THE_EAST


def names_alike(one: str, other: str) -> float | None:
    """How alike two keys are, from 0 (two people's) to 1 (the same); None where one of them says too little."""
    if not (is_whole(one) and is_whole(other)):
        return _fragment(one.split(), other.split())
    parts, others = one.split(), other.split()
    if one == other:
        # J. Smith may be anybody; John F. Kennedy and John F. Kennedy have two names in common, and an initial.
        whole = sum(len(part) > 1 for part in parts)
        return SAME if whole > 1 or whole == len(parts) else INITIALS
    shared = list((Counter(parts) & Counter(others)).elements())
    left, right = _without(parts, shared), _without(others, shared)
    if len(left) != len(right) and sorted("".join(left)) == sorted("".join(right)):
        return RESPELT  # Jean-Luc and Jeanluc
    fewer, more = sorted((left, right), key=lambda names: (len(names), names))
    matched = [SAME for part in shared if len(part) > 1]
    for part in fewer:
        alike, match = max(((_parts_alike(part, candidate), candidate) for candidate in more), default=(DIFFERENT, ""))
        if not alike:
            return SHARED if matched else DIFFERENT
        more = _without(more, [match])
        matched.append(alike)
    return _of_matched(matched, more)


def _of_matched(matched: Sequence[float], further: Sequence[str]) -> float:
    """Of names that agree in these parts, while one of them has further ones."""
    sure = [alike for alike in matched if alike > INITIALS]
    if not sure:
        return DIFFERENT
    if all(part in _PARTICLES or len(part) == 1 for part in further):
        return min(*matched, SAME if not further else RESPELT)
    return min(*matched, IN_PART) if len(sure) > 1 else SHARED


def _fragment(parts: Sequence[str], others: Sequence[str]) -> float | None:
    """A name of one part speaks against another one, or says nothing."""
    if not parts or not others:
        return None
    return None if any(_parts_alike(part, other) for part in parts for other in others) else DIFFERENT


def _without(parts: Sequence[str], gone: Sequence[str]) -> list[str]:
    left = list(parts)
    for part in gone:
        if part in left:
            left.remove(part)
    return left


_FULL_FORMS = _full_forms()


@lru_cache(maxsize=65_536)
def _parts_alike(one: str, other: str) -> float:
    if one == other:
        return SAME
    if min(len(one), len(other)) == 1:
        return INITIALS if one[0] == other[0] else DIFFERENT
    if not _FULL_FORMS.get(one, {one}).isdisjoint(_FULL_FORMS.get(other, {other})):
        return SHORTENED
    return RESPELT if _spelt_otherwise(one, other) else DIFFERENT


def _spelt_otherwise(one: str, other: str) -> bool:
    """One name in two spellings, or with a slip of the hand. First and last letters must sound alike, since what ends
    otherwise is another name: Paul and Paula, Mario and Maria, Julia and Julian.
    """
    first, second = _sound(one), _sound(other)
    if first == second:
        return True
    if min(len(first), len(second)) < 4 or first[0] != second[0] or first[-1] != second[-1]:
        return False
    start = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
    rest, other_rest = first[start:], second[start:]
    if len(first) != len(second):
        longer, shorter = sorted((rest, other_rest), key=len, reverse=True)
        return longer[1:] == shorter
    if rest[2:] == other_rest[2:] and rest[:2] == other_rest[1::-1]:
        return True  # Micheal
    are_vowels = {rest[0], other_rest[0]} <= _VOWELS
    return are_vowels and len(first) > 5 and rest[1:] == other_rest[1:]


def _sound(part: str) -> str:
    """Without what is written in several ways: `ph`, doubled letters, c and k, s and z, the h of Sarah."""
    plain = "".join(_ONE_SOUND.get(letter, letter) for letter in part.replace("ph", "f").replace("th", "t"))
    return re.sub(r"(.)\1+", r"\1", _SILENT_H.sub("", plain))
