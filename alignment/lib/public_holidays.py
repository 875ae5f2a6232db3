"""Public holidays by country, for any year that is asked about."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import holidays
from holidays.registry import COUNTRIES

from alignment.lib.business_time import Hours


class Dates(dict[date, Sequence[Hours]]):
    """Own dates with their hours, and beside them the public holidays of a country, closed, of whatever year."""

    def __init__(self, own: Mapping[date, Sequence[Hours]], country: str = "", subdivision: str = "") -> None:
        super().__init__(own)
        self._public = _public(country, subdivision) if country else {}

    def __missing__(self, day: date) -> Sequence[Hours]:
        if day in self._public:
            return ()
        raise KeyError(day)


@cache
def _public(country: str, subdivision: str) -> Any:
    """Name by date; it works a year out when it is first asked about it."""
    return holidays.country_holidays(country, subdiv=subdivision or None, language="en_US")


def named_in(country: str, subdivision: str, years: Iterable[int]) -> list[tuple[date, str]]:
    """The public holidays of these years, ascending."""
    known = holidays.country_holidays(country, subdiv=subdivision or None, years=list(years), language="en_US")
    return sorted(known.items())


@cache
def countries() -> dict[str, list[str]]:
    """ISO 3166 code → the codes of its subdivisions that have holidays of their own."""
    return dict(sorted(holidays.list_supported_countries(include_aliases=False).items()))


@cache
def country_names() -> list[tuple[str, str]]:
    """(code, English name) of each country, by name."""
    classes = {code: name for name, code, *_ in COUNTRIES.values()}
    named = [(code, _WORDS.sub(" ", classes.get(code, code))) for code in countries()]
    return sorted(named, key=lambda each: each[1])


_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
