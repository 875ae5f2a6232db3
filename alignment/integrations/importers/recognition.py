"""What the columns of a table probably are, each with the reason: a preset's header, a column's name, its values.

Nothing is guessed that a wrong guess would spoil: what the whole column leaves open becomes a question.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alignment.integrations.importers import assigning, notations, reading
from alignment.integrations.importers.notations import DateColumn, NumberColumn
from alignment.integrations.importers.presets import Preset, fill, folded
from alignment.integrations.importers.presets.known import recognised
from alignment.integrations.importers.words import NAMED, TARGETS
from alignment.lib.emails import email_key_or_blank

IN_SIGHT = 500
"""Rows that examples and guesses by content are taken from; about dates and numbers all rows decide."""

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it is proposed as (`assigning.targets`), why, the first different values, and how many of the
    rows in sight fill it.
    """

    name: str
    target: str
    reason: str
    examples: tuple[str, ...]
    filled: int


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person can say. `kind` is `dates`, `numbers`, `key` or `link`; `choices` go from an answer to what it
    means, and are empty where the answer is written. The import needs an answer unless `is_optional`.
    """

    kind: str
    column: str
    text: str
    choices: Mapping[str, str] = field(default_factory=dict)
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping as files hold it, and how it came about. `preset` is the name of the one recognised, or empty."""

    mapping: dict[str, Any]
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]
    preset: str = ""


def propose(staged: Path, *, name: str = "") -> Proposal:
    """What the columns of a staged table are; the file is read once. `name` is the file's, for people.

    Raises NotATableError.
    """
    columns = reading.header(staged)
    rows = [line.cells for line in reading.sample(staged, IN_SIGHT) if not line.fault]
    preset = recognised(columns)
    if preset:
        mapping, reasons = _of_preset(preset, columns)
    else:
        mapping, reasons = _of_names(columns, rows, name)
    return review(staged, mapping, reasons=reasons, rows=rows)


def review(
    staged: Path,
    mapping: Mapping[str, Any],
    *,
    reasons: Mapping[str, str] | None = None,
    rows: Sequence[Mapping[str, str]] | None = None,
) -> Proposal:
    """A mapping, as somebody changed it perhaps, seen against the file again: what each column is, how its dates and
    numbers are written, and what is still to be asked.
    """
    columns = reading.header(staged)
    rows = [line.cells for line in reading.sample(staged, IN_SIGHT)] if rows is None else rows
    targets = assigning.targets(mapping, columns)
    written, questions = _written(staged, mapping)
    checked = {**mapping, "notations": written} if written else {**mapping}
    preset = recognised(columns)
    questions += _key_question(checked, columns, rows) + _link_question(checked, preset)
    told = reasons or {}
    return Proposal(
        mapping=checked,
        columns=tuple(
            Column(
                column,
                targets[column],
                told.get(column) or _said_of(targets[column]),
                _examples(column, rows),
                sum(bool(row[column].strip()) for row in rows),
            )
            for column in columns
        ),
        questions=tuple(questions),
        preset=preset.name if preset else "",
    )


def answered(mapping: Mapping[str, Any], question: Question, answer: str) -> dict[str, Any]:
    """The mapping with the answer to a question in it. An answer that is none leaves it as it was."""
    match question.kind:
        case "dates" | "numbers" if answer in question.choices:
            return {**mapping, "notations": {**mapping.get("notations", {}), question.column: answer}}
        case "key" if answer in question.choices:
            return assigning.assigned(mapping, answer, "key")
        case "link" if answer.strip():
            return {**mapping, "url": _linked(question.column, answer.strip())}
    return dict(mapping)


def _linked(link: str, answer: str) -> str:
    host = answer.removeprefix("https://").removeprefix("http://").split("/")[0]
    start, _, rest = link.partition("[")
    return f"{start}{host}{rest.partition(']')[2]}"


def _of_preset(preset: Preset, columns: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    found = preset.columns(columns)
    mapping = fill(preset.mapping, found)
    label = preset.name.split()[0]
    targets = assigning.targets(mapping, columns)
    reasons = {
        column: f"{label} calls this column “{column}”." for column in found.values() if targets[column] != "ignore"
    }
    return {name: said for name, said in mapping.items() if said not in ({}, [])}, reasons


def _of_names(
    columns: Sequence[str], rows: Sequence[Mapping[str, str]], name: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """A mapping from the names of columns and from what their cells look like; the first column that fits counts."""
    mapping: dict[str, Any] = {"name": name or "Import", "key": {}, "fields": {}}
    reasons: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        values = [text for row in rows if (text := row[column].strip())]
        target, why = _by_name(column, values, taken) or _by_content(values, taken) or _rest(values)
        if target not in ("field.name", "attribute", "ignore"):
            taken.add(target)
        if target == "field.name" and folded(column) in _WHOLE_NAMES:
            taken.add(target)
        reasons[column] = why
        if target != "ignore":
            mapping = assigning.assigned(mapping, column, target)
    return mapping, reasons


_WHOLE_NAMES = {"name", "fullname", "contactname", "leadname", "personname", "contact", "ansprechpartner"}


def _by_name(column: str, values: Sequence[str], taken: set[str]) -> tuple[str, str] | None:
    target = NAMED.get(folded(column))
    if target is None or target in taken:
        return None
    looks = _LOOKS.get(target.partition(".")[0] if target.startswith("date") else target)
    if looks and values and not all(looks(text) for text in values[:100]):
        return None
    return target, f"The column's name says {TARGETS[target].lower().removeprefix('date: ')}."


def _is_date(text: str) -> bool:
    column = DateColumn()
    column.add(text)
    return bool(column.dates)


def _is_number(text: str) -> bool:
    column = NumberColumn()
    column.add(text)
    return bool(column.numbers)


def _is_address(text: str) -> bool:
    return "@" in text


_LOOKS = {"date": _is_date, "created": _is_date, "deal.amount": _is_number, "field.email": _is_address}


def _by_content(values: Sequence[str], taken: set[str]) -> tuple[str, str] | None:
    if len(values) >= 3 and "field.email" not in taken and all(email_key_or_blank(text) for text in values):
        return "field.email", f"All {len(values)} values in sight are e-mail addresses."
    return None


def _rest(values: Sequence[str]) -> tuple[str, str]:
    if not values:
        return "ignore", "No row in sight fills this column."
    return "attribute", "Accord has no field of this name: the value is kept with the lead."


def _said_of(target: str) -> str:
    return "The mapping does not use this column." if target == "ignore" else "As the mapping says."


def _examples(column: str, rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for row in rows:
        if text := row[column].strip():
            found[text[:80]] = None
        if len(found) == _EXAMPLES:
            break
    return tuple(found)


def _written(staged: Path, mapping: Mapping[str, Any]) -> tuple[dict[str, str], list[Question]]:
    """Column → notation, for the columns that the mapping reads as dates and amounts; the whole file decides."""
    given = mapping.get("notations", {})
    dates = {column: DateColumn() for column in _date_columns(mapping) if column not in given}
    numbers = {column: NumberColumn() for column in _number_columns(mapping) if column not in given}
    watched: list[tuple[str, DateColumn | NumberColumn]] = [*dates.items(), *numbers.items()]
    if watched:
        for line in reading.lines(staged):
            for column, seen in watched:
                if text := line.cells[column].strip():
                    seen.add(text)
    found, questions = dict(given), []
    for column, seen in watched:
        if seen.notation:
            found[column] = seen.notation
        else:
            questions.append(_asked(column, seen))
    return found, questions


def _date_columns(mapping: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(column for target, column in assigning.uses(mapping) if column and _is_dated(target)))


def _is_dated(target: str) -> bool:
    return target.startswith("date.") or target in ("created", "deal.expected_close_on")


def _number_columns(mapping: Mapping[str, Any]) -> list[str]:
    return [column for target, column in assigning.uses(mapping) if target == "deal.amount"]


def _asked(column: str, seen: DateColumn | NumberColumn) -> Question:
    if isinstance(seen, DateColumn):
        kind, words = "dates", {"dmy": "day first", "mdy": "month first"}
        both, examples = (seen.day_first, seen.month_first), seen.open
    else:
        kind, words = "numbers", {"decimal_point": "decimal point", "decimal_comma": "decimal comma"}
        both, examples = (seen.comma, seen.point), seen.open
    if all(both):
        text = (
            f"“{column}” is written in two ways, as in “{both[0]}” and “{both[1]}”. Which one is right? Rows in the "
            "other one will be rejected."
        )
        choices = words
    else:
        example = examples[0]
        text = f"How is “{column}” written? Nothing in it decides what “{example}” means."
        choices = {each: f"{notations.shown(example, each)} ({said})" for each, said in words.items()}
    return Question(kind, column, text, choices)


def _key_question(
    mapping: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> list[Question]:
    if mapping.get("key"):
        return []
    whole = {}
    for column in columns:
        values = [row[column].strip() for row in rows]
        if values and all(values) and len(set(values)) == len(values):
            whole[column] = f"{column} (as in “{values[0][:40]}”)"
    return [
        Question(
            "key",
            "",
            "Which column identifies a row, so that the same file can be imported again without doubling anything? "
            "Otherwise choose the column of the e-mail addresses.",
            whole or {column: column for column in columns},
        )
    ]


def _link_question(mapping: Mapping[str, Any], preset: Preset | None) -> list[Question]:
    if preset is None or not preset.link or mapping.get("url"):
        return []
    return [Question("link", preset.link, preset.asks, is_optional=True)]
