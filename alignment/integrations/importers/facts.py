"""What rows say of whom they are about, column by column: a column is looked up once for all rows. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line
from alignment.lib.emails import email_key_or_blank
from leads.models.lead import Consent, Lead


class Facts(NamedTuple):
    """The fields of a draft (`leads.drafts.Draft`) that are one cell each, in its order."""

    name: str
    email: str
    phone: str
    title: str
    seniority: str
    company_name: str
    product_interest: str
    source: str | None
    campaign: str | None
    segment: str | None
    territory: str | None
    consent: str


TEXTS, FACETS = Facts._fields[:7], Facts._fields[7:11]
LENGTHS: dict[str, int] = {name: getattr(Lead._meta.get_field(name), "max_length", 0) for name in TEXTS}
"""Text → how many characters it holds."""


class Table:
    """The rows of one file with what a mapping calls their columns; all are as wide as the header."""

    def __init__(self, read: Sequence[Line], mapping: Mapping) -> None:
        self._read, self._mapping = read, mapping
        self._texts = {name: self._column(name) for name in TEXTS}

    def facts(self) -> Iterator[Facts]:
        """What each row says; texts are cut where they are too long."""
        texts = [[text[:length] for text in self._texts[name]] for name, length in LENGTHS.items()]
        facets = [[text or None for text in self._column(name)] for name in FACETS]
        consents = map(_consent, self._column("consent"))
        return map(Facts._make, zip(*texts, *facets, consents, strict=True))

    def remarks(self) -> Iterator[tuple[str, ...]]:
        """What there is to say of the texts of each row."""
        found: dict[int, list[str]] = {}
        for name, length in LENGTHS.items():
            for place in _places(len(text) > length for text in self._texts[name]):
                found.setdefault(place, []).append(_cut(name, self._texts[name][place]))
        for place in _places(bool(text) and not email_key_or_blank(text) for text in self._texts["email"]):
            text = self._texts["email"][place]
            found.setdefault(place, []).append(f"“{text}” is not an e-mail address; it was kept as text.")
        return (tuple(found.get(place, ())) for place in range(len(self._read)))

    def _column(self, name: str) -> Sequence[str]:
        """What each row says of one thing, by our name: as the mapping's `values` put the cells, else its constant."""
        if name == "email" and self._mapping.key_is_email:
            return self._cells(self._mapping.key)
        if name not in self._mapping.fields:
            return list(repeat(self._mapping.constants.get(name, ""), len(self._read)))
        parts = [self._meant(column) for column in self._mapping.fields[name]]
        return parts[0] if len(parts) == 1 else [" ".join(filter(None, each)) for each in zip(*parts, strict=True)]

    def _meant(self, column: str) -> list[str]:
        cells, meanings = self._cells(column), self._mapping.values.get(column)
        return [meanings.get(cell, cell) for cell in cells] if meanings else cells

    def _cells(self, column: str) -> list[str]:
        place = self._read[0].places[column] if self._read else 0
        return [line.values[place].strip() for line in self._read]


def _places(said: Iterable[bool]) -> list[int]:
    return [place for place, each in enumerate(said) if each]


def _cut(name: str, text: str) -> str:
    what = name.replace("_", " ")
    return f"“{text[:30]}…” is longer than {LENGTHS[name]} characters: the rest of the {what} was cut."


@lru_cache(maxsize=1_024)
def _consent(text: str) -> str:
    return _CONSENTS.get(text.casefold(), "")


_CONSENTS = {
    **dict.fromkeys(("granted", "yes", "true", "1", "opt-in", "subscribed"), Consent.GRANTED.value),
    **dict.fromkeys(("withdrawn", "no", "false", "0", "opt-out", "unsubscribed"), Consent.WITHDRAWN.value),
}
