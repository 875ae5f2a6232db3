"""Which leads rows are about: by the ids that they name, else by an address."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.rows import record_id
from alignment.lib.emails import email_key_or_blank
from leads import matching
from leads.drafts import Draft, Reference

_ADDRESS = re.compile(r"[^\s<>()\[\]\"]+")  # “Ana Costa (ana@acme.example)” holds one
_SEVERAL = re.compile("[;,]")


@dataclass(frozen=True, slots=True)
class Names:
    """What a row calls its leads, the most certain name first."""

    references: tuple[Reference, ...] = ()
    emails: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.references or self.emails)


def names_of(line: Line, mapping: Mapping) -> Names:
    """The names in the mapping's `lead` columns; a cell may hold several, with semicolons or commas between them."""
    references, emails = [], []
    for what, column in mapping.lead:
        for text in filter(None, map(str.strip, _SEVERAL.split(line.text(column)))):
            if what == "email":
                emails += [email_key_or_blank(found) for found in _ADDRESS.findall(text)]
            else:
                references.append(Reference(mapping.system, record_id(text, mapping)))
    return Names(tuple(references), tuple(filter(None, emails)))


def leads_of(rows: Sequence[Names]) -> list[list[int]]:
    """The leads that each row names, each once, the most certain first; two queries."""
    references = matching.known_references([Draft(references=names.references) for names in rows])
    emails = matching.known_emails(sorted({email for names in rows for email in names.emails}))
    return [list(dict.fromkeys(_known(names, references, emails))) for names in rows]


def _known(names: Names, references: dict[tuple[str, str], int], emails: dict[str, int]) -> Iterable[int]:
    for one in names.references:
        if found := references.get((one.system, one.external_id)):
            yield found
    for email in names.emails:
        if found := emails.get(email):
            yield found
