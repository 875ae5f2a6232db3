"""The page that explains columns: what each holds, what is proposed and why, and what was chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from alignment.integrations.importers import choices as choosing
from alignment.integrations.importers import proposals
from alignment.integrations.importers.choices import ChoiceError, Choices
from alignment.integrations.importers.reading import lines
from alignment.integrations.models import Import

MOST_VALUES = 60
"""A column with more different values says no stage."""

SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the file: three values as examples, the target that is chosen, and why it was proposed."""

    index: int
    name: str
    examples: Sequence[str]
    target: str
    reason: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the status column and what it means; `given` describes moves that no case names."""

    index: int
    text: str
    case: str
    given: str = ""


class ColumnsPage:
    """The columns of one upload. `posted` is what somebody chose; without it the mapping or the proposal is shown."""

    def __init__(
        self, batch: Import, *, posted: Mapping[str, str] | None = None, start: Mapping[str, Any] | None = None
    ):
        self.batch, self.posted, self.start = batch, posted, start
        self.errors: dict[str, str] = {}

    @cached_property
    def sample(self) -> list[dict[str, str]]:
        """The first rows, by column."""
        return [line.cells for line in islice(lines(self.batch.path), SAMPLE_ROWS)]

    @cached_property
    def proposal(self) -> proposals.Proposal:
        return proposals.propose(self.batch.header, self.sample, name=self.batch.name)

    @cached_property
    def choices(self) -> Choices:
        """What stands in the form."""
        given = dict(self.start or self.batch.mapping or self.proposal.mapping)
        before = choosing.decompose(given, self.batch.header)
        chosen = _posted(before, self.posted) if self.posted is not None else before
        by = chosen.column(choosing.STATUS)
        if not by:
            return replace(chosen, cases={})
        cases = {value: chosen.cases.get(value) or _guess(value) for value in self._values(by)}
        return replace(chosen, cases=cases)

    def _values(self, column: str) -> list[str]:
        """All values of a column, in the order in which they come; the whole file is read."""
        found: dict[str, None] = {}
        for line in lines(self.batch.path):
            found[line.cells[column]] = None
            if len(found) > MOST_VALUES:
                raise ChoiceError(
                    f"“{column}” has more than {MOST_VALUES} different values: it names no stage.", column
                )
        return list(found)

    def mapping(self) -> dict[str, Any] | None:
        """The mapping that was chosen; None, with `errors`, where it does not make one."""
        try:
            return choosing.compose(self.choices)
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
    def columns(self) -> Iterator[Column]:
        for index, name in enumerate(self.batch.header):
            yield Column(
                index, name, self._examples(name), self._shown.targets.get(name, ""),
                self.proposal.reasons.get(name, ""), self.errors.get(name, ""),
            )  # fmt: skip

    @cached_property
    def _shown(self) -> Choices:
        try:
            return self.choices
        except ChoiceError as error:
            self.refuse(str(error), error.column)
        given = choosing.decompose(dict(self.start or self.batch.mapping or self.proposal.mapping), self.batch.header)
        return replace(_posted(given, self.posted) if self.posted is not None else given, cases={})

    @property
    def chosen(self) -> Choices:
        """The choices, as far as they can be read."""
        return self._shown

    @property
    def values(self) -> Iterator[Value]:
        moves = self._shown.base.get("moves")
        given = moves.get("cases", {}) if isinstance(moves, dict) else {}
        for index, (text, case) in enumerate(self._shown.cases.items()):
            yield Value(index, text, case, choosing.describe(given[text]) if case == choosing.AS_GIVEN else "")

    def _examples(self, name: str) -> list[str]:
        found = dict.fromkeys(row[name] for row in self.sample if row.get(name))
        return [text if len(text) <= 60 else f"{text[:57]}…" for text in islice(found, 3)]

    @property
    def targets(self) -> dict[str, dict[str, str]]:
        return choosing.FIELDS

    @property
    def entries(self) -> dict[str, str]:
        """Where a row can start that has no date."""
        return {case: label for case, label in choosing.CASES.items() if case.isupper()}

    @property
    def cases(self) -> dict[str, str]:
        return choosing.CASES

    @property
    def status(self) -> str:
        """The column that says how far each row came."""
        return self._shown.column(choosing.STATUS)


def _posted(before: Choices, posted: Mapping[str, str]) -> Choices:
    """What a form says; the names of its fields are made of the columns' places."""
    names = list(before.targets)
    targets = {name: posted.get(f"column-{index}", "") for index, name in enumerate(names)}
    known = {name: target if target in choosing.TARGETS else "" for name, target in targets.items()}
    asked = [key.removeprefix("value-") for key in posted if key.startswith("value-")]
    cases = {posted[f"value-{index}"]: posted.get(f"case-{index}", "") for index in asked}
    return replace(
        before,
        name=posted.get("name", "").strip()[:120] or before.name,
        targets=known,
        cases=cases,
        system=posted.get("system", "").strip()[:40],
        enters=posted.get("enters", "MGL"),
        source=posted.get("source", "").strip()[:120],
        campaign=posted.get("campaign", "").strip()[:120],
        unknown_owner=posted.get("unknown_owner", "none"),
        unknown_lead=posted.get("unknown_lead", "create"),
        promise=posted.get("promise", "none"),
        overwrite=posted.get("overwrite") == "yes",
    )


_WORDS = {
    "win": ("won", "customer"),
    "lose": ("lost",),
    "reject": ("unqualified", "disqualified", "rejected", "junk"),
    "recycle": ("nurtur", "recycle"),
    "SQO": ("opportunit", "sqo", "proposal", "negotiat"),
    "SQL": ("sales qualified", "sql", "accepted", "working", "contacted", "in progress"),
    "MQL": ("marketing qualified", "mql", "qualified"),
}


def _guess(value: str) -> str:
    said = value.casefold()
    return next((case for case, words in _WORDS.items() if any(word in said for word in words)), "MGL")
