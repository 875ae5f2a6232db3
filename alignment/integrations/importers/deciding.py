"""How a staged table writes the dates and amounts that a mapping reads: every row counts, and the file is read once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alignment.integrations.importers.notations import DateColumn, NumberColumn
from alignment.integrations.importers.reading import lines


@dataclass(frozen=True, slots=True)
class Decided:
    """Column → notation where the column decides; and the columns that leave it open, with all that they say."""

    notations: dict[str, str]
    open: dict[str, DateColumn | NumberColumn]


def decide(staged: Path, mapping: Mapping[str, Any]) -> Decided:
    """The notations of the columns that the mapping reads as dates and amounts; those that it names already stand.

    Raises NotATableError.
    """
    found = dict(mapping.get("notations", {}))
    seen: dict[str, DateColumn | NumberColumn] = {column: DateColumn() for column in dated(mapping)}
    seen |= {column: NumberColumn() for column in amounts(mapping)}
    seen = {column: said for column, said in seen.items() if column not in found}
    for line in lines(staged) if seen else ():
        for column, said in seen.items():
            if text := line.text(column):
                said.add(text)
    found |= {column: said.notation for column, said in seen.items() if said.notation}
    return Decided(found, {column: said for column, said in seen.items() if not said.notation})


def dated(mapping: Mapping[str, Any]) -> list[str]:
    """The columns that a mapping, as files hold it, reads as dates."""
    columns = [mapping.get("created", ""), *mapping.get("touched", ()), *mapping.get("due", ())]
    columns += [rule.get("at", "") for rule in _rules(mapping.get("moves", []))]
    closing = mapping.get("deal", {}).get("fields", {}).get("expected_close_on", "")
    return [column for column in dict.fromkeys([*columns, *_listed(closing)]) if column]


def amounts(mapping: Mapping[str, Any]) -> list[str]:
    """The columns that a mapping reads as amounts."""
    return [column for column in _listed(mapping.get("deal", {}).get("fields", {}).get("amount", "")) if column]


def _rules(moves: Any) -> Iterator[Mapping[str, Any]]:
    for each in _listed(moves):
        if "by" in each:
            for rules in (*each["cases"].values(), each.get("otherwise", ())):
                yield from rules
        else:
            yield from each.get("always", [each])


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]
