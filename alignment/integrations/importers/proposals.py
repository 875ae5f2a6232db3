"""What the columns of a file probably are, each with the reason: a preset's header, a column's name, its values. Pure.

Nothing is guessed that a wrong guess would spoil: how dates and amounts are written the whole column decides
(`notations`), and what it leaves open is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alignment.integrations.importers.choices import Choices, compose, decompose
from alignment.integrations.importers.notations import DateColumn, NumberColumn, is_nothing
from alignment.integrations.importers.presets import Preset, fill, folded
from alignment.integrations.importers.presets.known import recognised
from alignment.integrations.importers.targets import (
    AMOUNT,
    ATTRIBUTE,
    CLOSED,
    ID,
    IGNORE,
    STATUS,
    TARGETS,
    is_date,
)
from alignment.integrations.importers.words import NAMED, WHOLE_NAMES, meaning
from alignment.lib.emails import email_key_or_blank

_MOST_VALUES = 30
"""A column with more different values in sight says no stage."""

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping as files hold it (its key is empty where no column identifies a row), and why, by column.

    `preset` names the export that was recognised. `asks` is the question whose answer makes links back to the records
    (`linked`); empty where the export has none.
    """

    mapping: dict[str, Any]
    reasons: Mapping[str, str] = field(default_factory=dict)
    preset: str = ""
    link: str = ""
    asks: str = ""


def propose(header: Sequence[str], sample: Rows, *, name: str = "") -> Proposal:
    """What the columns of a table with these first rows are; `name` is what people call the import."""
    preset = recognised(header)
    return _of_preset(preset, header) if preset else _of_columns(header, sample, name or "Import")


def linked(mapping: Mapping[str, Any], proposal: Proposal, answer: str) -> dict[str, Any]:
    """The mapping with links back, for what somebody answered: a host, an address on it, or an account's number."""
    said = answer.strip().removeprefix("https://").removeprefix("http://").split("/")[0]
    if not said or not proposal.link:
        return dict(mapping)
    before, _, rest = proposal.link.partition("[")
    return {**mapping, "url": f"{before}{said}{rest.partition(']')[2]}"}


def _of_preset(preset: Preset, header: Sequence[str]) -> Proposal:
    columns = preset.columns(header)
    mapping = {name: said for name, said in fill(preset.mapping, columns).items() if said not in ({}, [])}
    label = preset.name.split()[0]
    reasons = {
        column: f"{label} calls it “{column}”."
        for column, target in decompose(mapping, header).targets.items()
        if target != IGNORE
    }
    return Proposal(mapping, reasons, preset.name, preset.link, preset.asks)


def _of_columns(header: Sequence[str], sample: Rows, name: str) -> Proposal:
    targets: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for column in header:
        values = [text for row in sample if (text := row.get(column, "").strip())]
        free = _free(targets)
        found = _by_name(column, values, free) or _by_values(values, free) or _rest(values)
        targets[column], reasons[column] = found
    _find_key(targets, reasons, sample)
    cases = _cases(targets, reasons, sample)
    choices = Choices(name=name, targets=targets, cases=cases, unknown_owner="add")
    return Proposal(compose(choices, is_draft=True), reasons)


def _free(targets: Mapping[str, str]) -> frozenset[str]:
    """The targets that a further column may have."""
    taken = set(targets.values()) - {ATTRIBUTE, IGNORE}
    whole = any(target == "field:name" and folded(column) in WHOLE_NAMES for column, target in targets.items())
    return frozenset(TARGETS.keys() - (taken if whole else taken - {"field:name"}))


def _is_dated(text: str) -> bool:
    seen = DateColumn()
    seen.add(text)
    return bool(seen.dates)


def _is_amount(text: str) -> bool:
    seen = NumberColumn()
    seen.add(text)
    return bool(seen.numbers)


def _looks_like(target: str, values: Sequence[str]) -> bool:
    """Whether values can be what a name promises."""
    if is_date(target):
        return _mostly(_is_dated, values)
    if target == AMOUNT:
        return _mostly(_is_amount, values)
    if target == "field:email":
        return not values or any("@" in text for text in values)
    return target != STATUS or 0 < len(set(values)) <= _MOST_VALUES


def _mostly(looks: Callable[[str], bool], values: Sequence[str]) -> bool:
    """Nine of ten: slips of single rows do not hide what a column is."""
    said = [text for text in values if not is_nothing(text)]
    return sum(map(looks, said)) >= 0.9 * len(said)


def _by_name(column: str, values: Sequence[str], free: frozenset[str]) -> tuple[str, str] | None:
    target = NAMED.get(folded(column))
    if target is None or target not in free or not _looks_like(target, values):
        return None
    label = TARGETS[target]
    return target, f"Its name says: {label[:1].lower()}{label[1:]}."


def _by_values(values: Sequence[str], free: frozenset[str]) -> tuple[str, str] | None:
    if len(values) >= 3 and "field:email" in free and all(email_key_or_blank(text) for text in values):
        return "field:email", f"All {len(values)} values in sight are e-mail addresses."
    return None


def _rest(values: Sequence[str]) -> tuple[str, str]:
    if not values:
        return IGNORE, "No row in sight fills it."
    return ATTRIBUTE, "Accord has no field for it: it is kept with the lead."


def _find_key(targets: dict[str, str], reasons: dict[str, str], sample: Rows) -> None:
    """Without an id and an address: the first column that says id and never says the same twice."""
    if ID in targets.values() or "field:email" in targets.values() or len(sample) < 2:
        return
    for column in targets:
        values = [row[column].strip() for row in sample]
        if folded(column).endswith(("id", "key", "number", "no")) and all(values) and len(set(values)) == len(values):
            targets[column], reasons[column] = ID, f"All {len(values)} values in sight are different."
            return


def _cases(targets: dict[str, str], reasons: dict[str, str], sample: Rows) -> dict[str, str]:
    """What the values of the status column mean. One whose values say nothing is kept with the lead instead, and so is
    a closing date without a column that says how it was closed.
    """
    status = next((column for column, target in targets.items() if target == STATUS), "")
    cases = {row[status].strip(): "" for row in sample} if status else {}
    cases = {value: meaning(value) for value in cases}
    if status and not set(cases.values()) - {"MGL"}:
        targets[status], reasons[status] = ATTRIBUTE, "Its values name no stage: it is kept with the lead."
        cases = {}
    for column, target in targets.items():
        if target == CLOSED and not cases:
            targets[column], reasons[column] = ATTRIBUTE, "No column says whether it was closed as won or lost."
    return cases
