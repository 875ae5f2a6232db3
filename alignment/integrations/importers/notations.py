"""How dates and numbers are written: a whole column decides, and what it leaves open is asked, never guessed. Pure.

A notation is a word: `dmy` and `mdy` say what comes first where a date is three numbers; `iso` is for all that cannot
be misread (year first, or the month as a word); `epoch_s`, `epoch_ms` and `excel` are counted from a day. For amounts,
`decimal_point` and `decimal_comma`.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar

DATES = ("iso", "dmy", "mdy", "epoch_s", "epoch_ms", "excel")
NUMBERS = ("decimal_point", "decimal_comma")

_TIME = (
    r"(?:[T,]?\s*(?:at\s+)?(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?(?:[.,](?P<part>\d{1,9}))?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?(?:\s*Uhr)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})[-./](?P<month>\d{{1,2}})[-./](?P<day>\d{{1,2}}){_TIME}")
_NUMERIC = re.compile(rf"(?P<a>\d{{1,2}})(?P<sep>[-./])(?P<b>\d{{1,2}})(?P=sep)(?P<year>\d{{4}}|\d{{2}}){_TIME}")
_DAY_WORD = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-. ]\s*(?P<word>[^\W\d_]{{3,9}})\.?[-,. ]\s*"
    rf"(?P<year>\d{{4}}|\d{{2}}){_TIME}",
    re.IGNORECASE,
)
_WORD_DAY = re.compile(
    rf"{_WEEKDAY}(?P<word>[^\W\d_]{{3,9}})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_TIME}",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"-?\d+(\.\d+)?")

_MONTH_WORDS = [
    "jan january januar janvier enero janeiro gennaio januari",
    "feb february februar février fevrier febrero fevereiro febbraio februari",
    "mar march mär märz maerz mrz mars marzo março maart",
    "apr april avr avril abril aprile",
    "may mai mayo maio maggio mei",
    "jun june juni juin junio junho giugno",
    "jul july juli juil juillet julio julho luglio",
    "aug august août aout agosto augustus",
    "sep sept september septembre septiembre setembro settembre",
    "oct october okt oktober octobre octubre outubro ottobre",
    "nov november novembre noviembre novembro",
    "dec december dez dezember déc décembre decembre diciembre dezembro dicembre",
]
_MONTHS = {word: number for number, words in enumerate(_MONTH_WORDS, start=1) for word in words.split()}
_EXCEL_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001 (a sheet's days have no zone)


_LONGEST = 64
"""Characters of a text that can still be a date or a number."""

_NOTHING = frozenset(
    [
        "-",
        "--",
        "–",
        "—",
        "n/a",
        "na",
        "#n/a",
        "null",
        "none",
        "nil",
        "never",
        "unknown",
        "(no value)",
        "(blank)",
        "nan",
    ]
)


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is no date or number: blank, or one of the words for it."""
    return not text or text.casefold() in _NOTHING or text.startswith("0000-00-00")


class NotationError(ValueError):
    """The text is not written in this notation."""


def moment(text: str, notation: str, zone: tzinfo) -> datetime:
    """When a text says; in `zone` where it names none. Raises NotationError."""
    if len(text) > _LONGEST:
        raise NotationError(text[:_LONGEST])
    try:
        return _in_zone(text, notation, zone)
    except (ValueError, OverflowError, OSError):
        raise NotationError(text) from None


@lru_cache(maxsize=8_192)  # the same few days stand in row after row
def _in_zone(text: str, notation: str, zone: tzinfo) -> datetime:
    found = _moment(text, notation)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _moment(text: str, notation: str) -> datetime:
    if notation in ("epoch_s", "epoch_ms", "excel"):
        if not _COUNTED.fullmatch(text):
            return _written(text, "iso")
        number = float(text)
        if notation == "excel":
            return _EXCEL_DAY_0 + timedelta(seconds=round(number * 86_400))
        return datetime.fromtimestamp(number / (1_000 if notation == "epoch_ms" else 1), UTC)
    return _written(text, notation)


def _written(text: str, notation: str) -> datetime:
    if found := _YEAR_FIRST.fullmatch(text):
        return _put_together(found, int(found["month"]), int(found["day"]))
    if found := _NUMERIC.fullmatch(text):
        a, b = int(found["a"]), int(found["b"])
        if notation not in ("dmy", "mdy"):
            raise ValueError(text)
        return _put_together(found, *((b, a) if notation == "dmy" else (a, b)))
    if found := _DAY_WORD.fullmatch(text) or _WORD_DAY.fullmatch(text):
        return _put_together(found, _MONTHS.get(found["word"].casefold(), 0), int(found["day"]))
    raise ValueError(text)


def _put_together(found: re.Match[str], month: int, day: int) -> datetime:
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 2000 if year < 70 else 1900
    if found["hour"] is None:
        return datetime(year, month, day)  # noqa: DTZ001 (`moment` puts the zone in)
    hour, half = int(found["hour"]), (found["half"] or "").lower().replace(".", "")
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(found[0])
        hour = hour % 12 + (12 if half == "pm" else 0)
    part = int((found["part"] or "0")[:6].ljust(6, "0"))
    return datetime(
        year, month, day, hour, int(found["minute"]), int(found["second"] or 0), part, tzinfo=_zone(found["zone"])
    )


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in ("Z", "UTC", "GMT"):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


_AROUND = re.compile(r"^(?:[A-Z]{2,3}\s?[$€£¥]?|[$€£¥₹]|)\s*|\s*(?:[$€£¥₹]|[A-Z]{3}|EURO?|%|-)?$")
_GROUPS_POINT = re.compile(r"\d{1,3}(?:\.\d{3})+")
_GROUPS_COMMA = re.compile(r"\d{1,3}(?:,\d{3})+")
_DIGITS = re.compile(r"\d*[.]?\d+|\d+[.]")
_BLANKS = str.maketrans("", "", "  \u2009\u202f'’")


def amount(text: str, notation: str) -> Decimal:
    """The number that a text says, without its currency; in brackets it is negative. Raises NotationError."""
    kind = _number_kind(text)
    if kind not in (notation, "open", "plain"):
        raise NotationError(text)
    digits, negative = _bare(text)
    digits = digits.replace(".", "").replace(",", ".") if notation == "decimal_comma" else digits.replace(",", "")
    if not _DIGITS.fullmatch(digits):
        raise NotationError(text)
    return -Decimal(digits) if negative else Decimal(digits)


def _bare(text: str) -> tuple[str, bool]:
    """Digits and separators of a number, and whether it is negative."""
    bare = text.strip()
    negative = (bare.startswith("(") and bare.endswith(")")) or bare.startswith(("-", "−")) or bare.endswith("-")
    bare = _AROUND.sub("", bare.strip("()−- ")).strip("−- ")
    return bare.translate(_BLANKS), negative


@dataclass
class DateColumn:
    """What a column's cells, one after the other, say about how its dates are written."""

    choices: ClassVar[tuple[str, ...]] = ("dmy", "mdy")
    dates: int = 0
    others: int = 0
    day_first: str = ""
    month_first: str = ""
    open: list[str] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)
    same: bool = False
    _seen: dict[str, str] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """Take one cell into account."""
        if is_nothing(text):
            return
        kind = self._kind(text)
        self.others += not kind
        self.dates += bool(kind)
        if kind == "dmy":
            self.day_first = self.day_first or text
        elif kind == "mdy":
            self.month_first = self.month_first or text
        elif kind == "open":
            if len(self.open) < 3 and text not in self.open:
                self.open.append(text)
        elif kind == "same":
            self.same = True
        elif kind and kind != "iso":
            self.counted.add(kind)

    def _kind(self, text: str) -> str:
        """The same few days stand in row after row."""
        kind = self._seen.get(text)
        if kind is None:
            kind = _date_kind(text)
            if len(self._seen) < 4_096:
                self._seen[text] = kind
        return kind

    @property
    def notation(self) -> str:
        """The notation that all cells agree on; empty where they leave it open or contradict each other."""
        if self.day_first and self.month_first:
            return ""
        if self.day_first or self.month_first:
            return "dmy" if self.day_first else "mdy"
        if self.open:
            return ""
        if self.same:
            return "dmy"  # 03/03/2024 is the same day either way
        return next(iter(self.counted)) if len(self.counted) == 1 else "iso"

    @property
    def example(self) -> str:
        """A value that can be read in two ways, else one that contradicts another; empty without any."""
        return next(iter(self.open), self.day_first)


def _date_kind(text: str) -> str:
    """`iso`, `dmy`, `mdy`, `open`, `same` (either way), one of the counted notations, or empty for what is no date."""
    if len(text) > _LONGEST:
        return ""
    if found := _NUMERIC.fullmatch(text):
        a, b = int(found["a"]), int(found["b"])
        fits = [name for name in ("dmy", "mdy") if _fits(text, name)]
        if len(fits) == 2:
            return "same" if a == b else "open"
        return fits[0] if fits else ""
    if _fits(text, "iso"):
        return "iso"
    if _COUNTED.fullmatch(text):
        number = float(text)
        if 6e11 < number < 4.2e12:
            return "epoch_ms"
        if 6e8 < number < 4.2e9:
            return "epoch_s"
        if 32_000 < number < 74_000:
            return "excel"
    return ""


def _fits(text: str, notation: str) -> bool:
    try:
        moment(text, notation, UTC)
    except NotationError:
        return False
    return True


@dataclass
class NumberColumn:
    """What a column's cells say about how its numbers are written."""

    choices: ClassVar[tuple[str, ...]] = NUMBERS
    numbers: int = 0
    others: int = 0
    point: str = ""
    comma: str = ""
    open: list[str] = field(default_factory=list)
    currencies: set[str] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Take one cell into account."""
        if is_nothing(text):
            return
        kind = _number_kind(text)
        if not kind:
            self.others += 1
            return
        self.numbers += 1
        self.currencies.add(currency_of(text))
        if kind == "decimal_point":
            self.point = self.point or text
        elif kind == "decimal_comma":
            self.comma = self.comma or text
        elif kind == "open" and len(self.open) < 3 and text not in self.open:
            self.open.append(text)

    @property
    def notation(self) -> str:
        """The notation that all cells agree on; empty where they leave it open or contradict each other."""
        if self.point and self.comma:
            return ""
        if self.comma:
            return "decimal_comma"
        return "" if self.open and not self.point else "decimal_point"

    @property
    def example(self) -> str:
        """A value that can be read in two ways, else one that contradicts another; empty without any."""
        return next(iter(self.open), self.point)

    @property
    def currency(self) -> str:
        """The ISO code that every number carries; empty where they carry none, several, or a sign of several lands."""
        return next(iter(self.currencies)) if len(self.currencies) == 1 else ""


_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR"}
_CODE = re.compile(r"\b[A-Z]{3}\b")


def currency_of(text: str) -> str:
    """The ISO code of the currency that stands beside a number; empty without one, and for the signs of several."""
    if found := _CODE.search(text):
        return found[0]
    return next((code for sign, code in _SIGNS.items() if sign in text), "")


def _number_kind(text: str) -> str:
    """`decimal_point`, `decimal_comma`, `open`, `plain`, or empty for what is no number."""
    if len(text) > _LONGEST:
        return ""
    bare, _ = _bare(text)
    points, commas = bare.count("."), bare.count(",")
    if not bare or not bare.replace(".", "").replace(",", "").isdecimal():
        return ""
    if points and commas:
        kind = "decimal_comma" if bare.rfind(",") > bare.rfind(".") else "decimal_point"
    elif points > 1 or commas > 1:
        kind = "decimal_comma" if points else "decimal_point"
    elif points or commas:
        groups = (_GROUPS_POINT if points else _GROUPS_COMMA).fullmatch(bare) and not bare.startswith("0")
        kind = "open" if groups else "decimal_point" if points else "decimal_comma"
    else:
        return "plain"
    if kind == "open":
        return kind
    whole = bare.rpartition("," if kind == "decimal_comma" else ".")[0]
    grouped = whole or bare
    separator = "." if kind == "decimal_comma" else ","
    if separator in grouped and not re.fullmatch(rf"\d{{1,3}}(?:\{separator}\d{{2,3}})*\{separator}\d{{3}}", grouped):
        return ""
    return kind


def shown(text: str, notation: str) -> str:
    """What a text would mean in a notation, for a question: “3 April 2024”, “1,234” or “1.234” as people say it."""
    if notation in NUMBERS:
        return f"{amount(text, notation).normalize():,f}"
    found = moment(text, notation, UTC)
    return f"{found.day} {found:%B %Y}"
