"""The page that explains columns: what each holds, what is proposed and why, and what was chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

from alignment.integrations.importers import choices as choosing
from alignment.integrations.importers import deciding, notations, proposals, targets
from alignment.integrations.importers.choices import ChoiceError, Choices
from alignment.integrations.importers.reading import lines, sample
from alignment.integrations.importers.words import meaning
from alignment.integrations.models import NOUNS, Import

MOST_VALUES = 60
"""A column with more different values says no stage."""

FEW = 6
"""So many columns that are left out are shown among the others."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: three values as examples, the target that is chosen, and why it was proposed."""

    index: int
    name: str
    examples: Sequence[str]
    target: str
    label: str
    reason: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the status column and what it means; `given` describes moves that no case names."""

    index: int
    text: str
    case: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Dates or amounts that can be read in two ways: `readings` are (notation, what a real value would mean)."""

    column: str
    index: int
    example: str
    readings: Sequence[tuple[str, str]]
    chosen: str


class ColumnsPage:
    """The columns of one upload. `posted` is what somebody chose; without it the mapping or the proposal is shown."""

    def __init__(
        self, batch: Import, *, posted: Mapping[str, str] | None = None, start: Mapping[str, Any] | None = None
    ) -> None:
        self.batch, self.posted, self.start = batch, posted, start
        self.errors: dict[str, str] = {}

    @cached_property
    def sample(self) -> list[dict[str, str]]:
        """The first rows, by column."""
        return [line.cells for line in sample(self.batch.path)]

    @cached_property
    def proposal(self) -> proposals.Proposal:
        return proposals.propose(self.batch.header, self.sample, name=self.batch.name)

    @cached_property
    def _first(self) -> Choices:
        """What the form says before what follows from the whole file."""
        base = dict(self.start or self.batch.mapping or self.proposal.mapping)
        asked = self.posted or {}
        values = [asked[name] for name in asked if name.startswith("value-")]
        before = choosing.decompose(base, self.batch.header, values)
        return _posted(before, self.posted) if self.posted is not None else before

    @cached_property
    def _seen(self) -> "_Seen":
        """What all rows say about the columns that decide something; the file is read once."""
        return _look(self.batch, self._first)

    @cached_property
    def choices(self) -> Choices:
        """What stands in the form, completed by what the whole file says."""
        chosen = self._first
        by = chosen.column(targets.STATUS)
        known = choosing.decompose(chosen.base, self.batch.header, self._seen.values).cases if by else {}
        return replace(
            chosen,
            cases={value: chosen.cases.get(value) or known.get(value) or meaning(value) for value in self._seen.values},
            notations=self._seen.notations | {each.column: each.chosen for each in self.questions if each.chosen},
        )

    @cached_property
    def questions(self) -> list[Question]:
        """What no row decides."""
        asked = self.posted or {}
        index = {name: number for number, name in enumerate(self.batch.header)}
        return [
            Question(
                column,
                index[column],
                example,
                [
                    (notation, notations.shown(example, notation))
                    for notation in (("dmy", "mdy") if is_date else notations.NUMBERS)
                ],
                asked.get(f"notation-{index[column]}", "") or self._first.notations.get(column, ""),
            )
            for column, example, is_date in self._seen.open
        ]

    def mapping(self) -> dict[str, Any] | None:
        """The mapping that was chosen; None, with `errors`, where it does not make one."""
        try:
            if self._seen.error:
                raise ChoiceError(self._seen.error, self.choices.column(targets.STATUS))
            for each in self.questions:
                if not each.chosen:
                    raise ChoiceError(f"Say below how “{each.example}” is meant.", each.column)
            mapping = choosing.compose(self.choices)
            return proposals.linked(mapping, self.proposal, (self.posted or {}).get("link", ""))
        except ChoiceError as error:
            self.refuse(str(error), error.column)
        return None

    def refuse(self, message: str, column: str = "") -> None:
        """Say beside a column, or above the form, what is wrong."""
        self.errors[column] = message

    # What the template reads

    @property
    def error(self) -> str:
        """What is wrong with the whole."""
        return self.errors.get("", "")

    @property
    def is_plain(self) -> bool:
        """Whether the form can say what the mapping says; else a preset explains the columns."""
        return str(self.choices.base.get("kind", "leads")) == "leads"

    @property
    def noun(self) -> str:
        """What the rows are."""
        return NOUNS[str(self.choices.base.get("kind", "leads"))]

    @property
    def asks(self) -> str:
        """The question whose answer makes links back to the records; blank where there is none, or they are known."""
        return "" if self.choices.base.get("url") else self.proposal.asks

    @property
    def columns(self) -> Iterator[Column]:
        for index, name in enumerate(self.batch.header):
            target, reason = self.choices.targets.get(name, ""), self.proposal.reasons.get(name, "")
            label = targets.TARGETS.get(target, "Used as the preset says")
            yield Column(index, name, self._examples(name), target, label, reason, self.errors.get(name, ""))

    @property
    def used(self) -> list[Column]:
        """The columns that are shown at once: all of them, unless many are left out."""
        hidden = {column.index for column in self.left_out}
        return [column for column in self.columns if column.index not in hidden]

    @cached_property
    def left_out(self) -> list[Column]:
        """The columns that nothing is made of, where there are many."""
        found = [column for column in self.columns if not column.target and not column.error]
        return found if len(found) > FEW else []

    @property
    def values(self) -> Iterator[Value]:
        moves, by = self.choices.base.get("moves"), self.choices.column(targets.STATUS)
        for index, (text, case) in enumerate(self.choices.cases.items()):
            given = choosing.given(moves, by, text)
            yield Value(
                index, text, case, choosing.describe(given) if case == targets.AS_GIVEN and given is not None else ""
            )

    def _examples(self, name: str) -> list[str]:
        found = dict.fromkeys(row[name] for row in self.sample if row.get(name, "").strip())
        return [text if len(text) <= 60 else f"{text[:57]}…" for text in islice(found, 3)]

    @property
    def targets(self) -> dict[str, dict[str, str]]:
        return targets.FIELDS

    @property
    def entries(self) -> dict[str, str]:
        """Where a row can start that has no date."""
        return {case: label for case, label in targets.CASES.items() if case.isupper()}

    @property
    def cases(self) -> dict[str, str]:
        return targets.CASES

    @property
    def status(self) -> str:
        """The column that says how far each row came."""
        return self.choices.column(targets.STATUS)


@dataclass
class _Seen:
    """The values of the status column, how dates and amounts are written, and (column, example, whether a date) of
    those that can be read in two ways.
    """

    values: list[str] = field(default_factory=list)
    notations: dict[str, str] = field(default_factory=dict)
    open: list[tuple[str, str, bool]] = field(default_factory=list)
    error: str = ""


def _look(batch: Import, chosen: Choices) -> _Seen:
    by, seen = chosen.column(targets.STATUS), _Seen()
    dated = {column for column, target in chosen.targets.items() if targets.is_date(target)}
    dated |= set(deciding.dated(chosen.base)) & {
        name for name, target in chosen.targets.items() if target == targets.KEPT
    }
    amounts = {column for column, target in chosen.targets.items() if target == targets.AMOUNT}
    written: dict[str, notations.DateColumn | notations.NumberColumn] = {
        column: notations.DateColumn() if column in dated else notations.NumberColumn()
        for column in chosen.targets
        if column in dated | amounts
    }
    values: dict[str, None] = {}
    for line in lines(batch.path) if by or written else ():
        if by and len(values) <= MOST_VALUES:
            values[line.text(by)] = None
        for column, said in written.items():
            if text := line.text(column):
                said.add(text)
    if len(values) > MOST_VALUES:
        seen.error = f"“{by}” has more than {MOST_VALUES} different values: it names no stage."
    else:
        seen.values = list(values)
    for column, said in written.items():
        if said.notation:
            seen.notations[column] = said.notation
        elif example := _open_example(said):
            seen.open.append((column, example, column in dated))
    return seen


def _open_example(said: notations.DateColumn | notations.NumberColumn) -> str:
    """A value that can be read in two ways, else one of those that contradict each other."""
    if said.open:
        return said.open[0]
    return said.day_first if isinstance(said, notations.DateColumn) else said.point


def _posted(before: Choices, posted: Mapping[str, str]) -> Choices:
    """What a form says; the names of its fields are made of the columns' places."""
    chosen = {name: posted.get(f"column-{index}", "") for index, name in enumerate(before.targets)}
    known = {name: target if target in (*targets.TARGETS, targets.KEPT) else "" for name, target in chosen.items()}
    asked = [key.removeprefix("value-") for key in posted if key.startswith("value-")]
    return replace(
        before,
        name=posted.get("name", "").strip()[:120] or before.name,
        targets=known if any(key.startswith("column-") for key in posted) else before.targets,
        cases={posted[f"value-{index}"]: posted.get(f"case-{index}", "") for index in asked},
        system=posted.get("system", "").strip()[:40],
        enters=posted.get("enters", "MGL"),
        source=posted.get("source", "").strip()[:80],
        campaign=posted.get("campaign", "").strip()[:80],
        unknown_owner=posted.get("unknown_owner", "none"),
        unknown_lead=posted.get("unknown_lead", "create"),
        promise=posted.get("promise", "none"),
        route=posted.get("route") == "yes",
        overwrite=posted.get("overwrite") == "yes",
    )
