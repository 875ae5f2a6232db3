"""Exports that are recognised by their header: what each system calls its columns, and what they mean here. Data.

`names` goes from a sign (`@email`) to the names that the system's exports and reports use for that column; case, blanks
and punctuation do not matter. `mapping` is a mapping whose columns are signs (`fill` puts the file's columns in).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of export. `needs` are signs that the header must have, each a choice of several; of two presets that
    fit, the one counts that knows more columns. `foreign` are columns that say it is something else. `link` is the
    address of a record, with a name in brackets for what the file does not say, and `asks` the question for it.
    """

    name: str
    system: str
    needs: tuple[tuple[str, ...], ...]
    names: Mapping[str, Sequence[str]]
    mapping: Mapping[str, Any]
    foreign: Sequence[str] = ()
    link: str = ""
    asks: str = ""

    def columns(self, header: Sequence[str]) -> dict[str, str]:
        """Sign → the column of this header, for the signs that it has."""
        known = {folded(column): column for column in reversed(header)}
        found = {}
        for sign, names in self.names.items():
            column = next((known[folded(name)] for name in names if folded(name) in known), None)
            if column is not None:
                found[sign] = column
        return found

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a header is that of this export."""
        found = self.columns(header)
        known = {folded(column) for column in header}
        return all(any(sign in found for sign in signs) for signs in self.needs) and not any(
            folded(name) in known for name in self.foreign
        )


_MARKS = re.compile(r"[\W_]+")


def folded(name: str) -> str:
    """A column's name without case, blanks and punctuation: `First Name`, `first_name` and `FirstName` are one."""
    return _MARKS.sub("", name).casefold()


_NOTHING: Any = object()


def fill(template: Any, columns: Mapping[str, str]) -> Any:
    """A template with columns for its signs. `@sign` must be there: without its column the object that names it is
    left out; `@sign?` may be missing alone. `needs` in an object only asks for a sign, and `any` takes the first of
    its templates that is whole.
    """
    filled = _fill(template, columns)
    return {} if filled is _NOTHING else filled


def _fill(template: Any, columns: Mapping[str, str]) -> Any:
    if isinstance(template, str):
        return _text(template, columns)
    if isinstance(template, Mapping):
        return _object(template, columns)
    if isinstance(template, list | tuple):
        filled = [each for each in (_fill(value, columns) for value in template) if each is not _NOTHING]
        signs = any(isinstance(value, str) and value.startswith("@") for value in template)
        missing = any(_is_missing(value, columns) for value in template)
        return _NOTHING if missing or (signs and not filled) else filled
    return template


def _text(template: str, columns: Mapping[str, str]) -> Any:
    if template.startswith("@"):
        return columns.get(template.rstrip("?"), _NOTHING)
    return _IN_TEXT.sub(lambda found: f"{{{columns[found[1]]}}}" if found[1] in columns else "", template)


_IN_TEXT = re.compile(r"\{(@\w+)\}")


def _object(template: Mapping[str, Any], columns: Mapping[str, str]) -> Any:
    if "any" in template:
        filled = (_fill(each, columns) for each in template["any"])
        return next((each for each in filled if each is not _NOTHING), _NOTHING)
    result = {}
    for key, value in template.items():
        if any(_is_missing(each, columns) for each in (value if isinstance(value, list) else [value])):
            return _NOTHING
        ours, said = _fill(key, columns), _fill(value, columns)
        if ours is not _NOTHING and said is not _NOTHING and key != "needs":
            result[ours] = said
    return result


def _is_missing(value: Any, columns: Mapping[str, str]) -> bool:
    """Whether this is a sign that must have a column, and has none."""
    return isinstance(value, str) and value.startswith("@") and not value.endswith("?") and value not in columns
