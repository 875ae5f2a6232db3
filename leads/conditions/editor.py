"""The form of one condition: rows that are added and taken away, with or without JavaScript.

A view makes one from what was posted, else from what is stored. Where `is_being_edited`, a button that adds or removes
a row was pressed: the view shows the page again and stores nothing. The template is `conditions/_editor.html`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.datastructures import MultiValueDict

from leads.conditions.fields import Field, Kind
from leads.conditions.language import OPERATORS, VALUELESS, WORDS, ConditionError, Group, Operator, Place, parse
from leads.conditions.sentences import Names

MOST_ROWS = 40
EMPTY: dict[str, Any] = {"match": "all", "of": []}


@dataclass(slots=True)
class Row:
    """One test as the form shows it; `name` begins the names of its inputs."""

    name: str
    at: int
    field: Field
    operator: str
    values: list[str]
    group: int
    options: Sequence[tuple[str, str, bool]] = ()
    error: str = ""

    @property
    def operators(self) -> list[tuple[str, str, bool]]:
        """Value, words and whether it is chosen."""
        words = {Operator.YES: self.field.yes, Operator.NO: self.field.no} if self.is_flag else WORDS
        return [(one.value, words[one], one.value == self.operator) for one in OPERATORS[self.field.kind]]

    @property
    def is_flag(self) -> bool:
        """Whether the operator says it all."""
        return self.field.kind == Kind.FLAG

    @property
    def is_number(self) -> bool:
        """Whether it takes numbers."""
        return self.field.kind == Kind.NUMBER

    @property
    def is_choice(self) -> bool:
        """Whether its values are chosen from a list."""
        return self.field.kind == Kind.CHOICE

    @property
    def text(self) -> str:
        """The values as one line, with commas."""
        return ", ".join(self.values)

    @property
    def low(self) -> str:
        """The first number."""
        return self.values[0] if self.values else ""

    @property
    def high(self) -> str:
        """The second number, for “between”."""
        return self.values[1] if len(self.values) > 1 else ""

    def as_json(self) -> dict[str, Any]:
        """What the language reads."""
        bare = self.operator in VALUELESS
        return {"field": self.field.key, "operator": self.operator, "values": [] if bare else self.values}


class Editor:
    """The condition under the inputs that begin with `prefix`. `stored` is shown while nothing was posted."""

    def __init__(
        self,
        about: Sequence[Field],
        *,
        prefix: str,
        data: MultiValueDict[str, str] | None = None,
        stored: Mapping[str, Any] | None = None,
        names: Names | None = None,
        may_be_empty: bool = False,
    ) -> None:
        self.about, self.prefix, self.may_be_empty = about, prefix, may_be_empty
        self.names = names or Names()
        self.fields = {field.key: field for field in about}
        # A form that is shown for the first time is not told what to show by what somebody posted elsewhere.
        self.data = data if data and f"{prefix}-match" in data else None
        self.match = "all"
        self.rows: list[Row] = []
        self.groups = 0
        if self.data is None:
            self._show(stored or EMPTY)
        else:
            self._read(self.data)
            self._do(self.data)

    # What the template shows

    @property
    def blocks(self) -> list[tuple[int, list[Row]]]:
        """The rows of the outer group (0) and of each inner one."""
        return [(number, [row for row in self.rows if row.group == number]) for number in range(self.groups + 1)]

    @property
    def inner_match(self) -> str:
        """Inner groups say the other word."""
        return "any" if self.match == "all" else "all"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The fields that a row can be added for."""
        return [(field.key, field.label) for field in self.about]

    def rename(self, prefix: str) -> None:
        """Let the inputs begin with another prefix, since what stands before it has gone."""
        self.prefix = prefix
        for row in self.rows:
            row.name = f"{prefix}-{row.at}"

    # What was asked

    @property
    def is_being_edited(self) -> bool:
        """Whether a row is added or removed, so that nothing is to be stored."""
        asked = self.data.get("edit", "") if self.data else ""
        return asked.startswith(f"{self.prefix}:")

    @cached_property
    def value(self) -> Group | None:
        """The condition; None where a wrong row, else `error`, says what is wrong."""
        try:
            return parse(self.as_json(), self.about, may_be_empty=self.may_be_empty)
        except ConditionError as refusal:
            row = self._row_at(refusal.place)
            if row:
                row.error = str(refusal.message)
            else:
                self.error = str(refusal.message)
            return None

    @property
    def readable(self) -> Group | None:
        """The condition, if it is one already; marks nothing as wrong."""
        try:
            return parse(self.as_json(), self.about, may_be_empty=self.may_be_empty)
        except ConditionError:
            return None

    error = ""

    @property
    def is_wrong(self) -> bool:
        """Whether something was found to be wrong."""
        return bool(self.error or any(row.error for row in self.rows))

    def is_valid(self) -> bool:
        """Whether there is a `value`."""
        return self.value is not None

    def as_json(self) -> dict[str, Any]:
        """The rows as they stand, whether or not they can be read; inner groups without rows are left out."""
        parts: list[dict[str, Any]] = [row.as_json() for row in self.rows if not row.group]
        for _, rows in self.blocks[1:]:
            if rows:
                parts.append({"match": self.inner_match, "of": [row.as_json() for row in rows]})
        return {"match": self.match, "of": parts}

    def _row_at(self, place: Place) -> Row | None:
        outer = [row for row in self.rows if not row.group]
        inner = [rows for _, rows in self.blocks[1:] if rows]
        if not place:
            return None
        if place[0] < len(outer):
            return outer[place[0]]
        rows = inner[place[0] - len(outer)]
        return rows[place[1]] if len(place) > 1 else rows[0]

    # Reading

    def _show(self, stored: Mapping[str, Any]) -> None:
        self.match = stored.get("match", "all")
        for part in stored.get("of", []):
            if "of" in part:
                self.groups += 1
                for test in part["of"]:
                    self._add(test["field"], test["operator"], test.get("values", []), self.groups)
            else:
                self._add(part["field"], part["operator"], part.get("values", []), 0)

    def _read(self, data: MultiValueDict[str, str]) -> None:
        self.match = "any" if data.get(f"{self.prefix}-match") == "any" else "all"
        self.groups = min(_number(data.get(f"{self.prefix}-groups")), MOST_ROWS)
        for at in range(min(_number(data.get(f"{self.prefix}-rows")), MOST_ROWS)):
            name = f"{self.prefix}-{at}"
            if data.get("edit") == f"{self.prefix}:remove:{at}":
                continue
            key = data.get(f"{name}-field", "")
            group = min(_number(data.get(f"{name}-group")), self.groups)
            self._add(key, data.get(f"{name}-operator", ""), self._values(name, key, data), group)

    def _values(self, name: str, key: str, data: MultiValueDict[str, str]) -> list[str]:
        field = self.fields.get(key)
        if field is None:
            return []
        given = data.getlist(f"{name}-value")
        if field.kind == Kind.CHOICE:
            return given
        if field.kind == Kind.NUMBER:
            wanted = 2 if data.get(f"{name}-operator") == Operator.BETWEEN else 1
            return [text.strip() for text in given[:wanted]]
        return [text for value in given for text in (part.strip() for part in value.split(",")) if text]

    def _do(self, data: MultiValueDict[str, str]) -> None:
        asked = data.get("edit", "")
        if asked == f"{self.prefix}:group":
            self.groups += 1
        elif asked.startswith(f"{self.prefix}:add:"):
            group = min(_number(asked.rpartition(":")[2]), self.groups)
            key = data.get(f"{self.prefix}-new-{group}", "")
            if key in self.fields:
                self._add(key, OPERATORS[self.fields[key].kind][0], [], group)

    def _add(self, key: str, operator: str, values: Sequence[Any], group: int) -> None:
        field = self.fields.get(key)
        if field is None:
            return
        texts = [str(value) for value in values]
        row = Row(f"{self.prefix}-{len(self.rows)}", len(self.rows), field, operator, texts, group)
        if field.kind == Kind.CHOICE:
            known = dict(self.names.of(field))
            row.options = [(value, name, value in texts) for value, name in known.items()]
        self.rows.append(row)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 4 else 0
