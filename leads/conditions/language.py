"""Reading conditions: from JSON to tests and groups, with a sentence about what is wrong and where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError

from leads.conditions.fields import Field, Kind

MOST_TESTS = 30
MOST_VALUES = 200
LONGEST_VALUE = 200


class Operator(StrEnum):
    """How a field is asked. Those of text and choices take any number of values and hold for any one of them."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    LACKS = "lacks"
    HAS_WORD = "has_word"
    STARTS_WITH = "starts_with"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    YES = "yes"
    NO = "no"
    KNOWN = "known"
    BLANK = "blank"


WORDS = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.CONTAINS: "contains",
    Operator.LACKS: "does not contain",
    Operator.HAS_WORD: "has the word",
    Operator.STARTS_WITH: "starts with",
    Operator.AT_LEAST: "is at least",
    Operator.AT_MOST: "is at most",
    Operator.BETWEEN: "is between",
    Operator.YES: "yes",
    Operator.NO: "no",
    Operator.KNOWN: "is known",
    Operator.BLANK: "is blank",
}

_BARE = (Operator.KNOWN, Operator.BLANK)
OPERATORS: Mapping[Kind, tuple[Operator, ...]] = {
    Kind.TEXT: (
        Operator.CONTAINS, Operator.HAS_WORD, Operator.IS, Operator.IS_NOT, Operator.LACKS, Operator.STARTS_WITH, *_BARE
    ),
    Kind.CHOICE: (Operator.IS, Operator.IS_NOT, *_BARE),
    Kind.NUMBER: (Operator.AT_LEAST, Operator.AT_MOST, Operator.BETWEEN, *_BARE),
    Kind.FLAG: (Operator.YES, Operator.NO),
}  # fmt: skip
"""What can be asked of a field of each kind; the first is proposed."""

VALUELESS = frozenset({Operator.YES, Operator.NO, Operator.KNOWN, Operator.BLANK})

Place = tuple[int, ...]
"""Where in a condition: the index of a test, or of a group and of a test in it."""


class ConditionError(ValidationError):
    """What is wrong with a condition, as a sentence; `place` says where."""

    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class Test:
    """One question to one field. Numbers are Decimals; values of other fields are strings."""

    field: Field
    operator: Operator
    values: tuple[Any, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The stored form."""
        stored = [_plain(value) if self.field.kind == Kind.NUMBER else value for value in self.values]
        return {"field": self.field.key, "operator": self.operator.value, "values": stored}


@dataclass(frozen=True, slots=True)
class Group:
    """All or any of its parts. Without parts it holds always."""

    match: str
    of: tuple["Test | Group", ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The stored form."""
        return {"match": self.match, "of": [part.as_json() for part in self.of]}

    def tests(self) -> Iterable[Test]:
        """Every test in it."""
        for part in self.of:
            if isinstance(part, Group):
                yield from part.tests()
            else:
                yield part


def parse(data: Any, about: Sequence[Field], *, may_be_empty: bool = False) -> Group:
    """The condition that `data` stores, about these fields. Raises ConditionError."""
    group = _group(data, {field.key: field for field in about}, (), depth=2)
    count = sum(1 for _ in group.tests())
    if not count and not may_be_empty:
        raise ConditionError("Add at least one condition.")
    if count > MOST_TESTS:
        raise ConditionError(f"A rule can have {MOST_TESTS} conditions at most.")
    return group


def _group(data: Any, fields: Mapping[str, Field], place: Place, depth: int) -> Group:
    parts = data.get("of") if isinstance(data, dict) else None
    if not isinstance(data, dict) or data.keys() != {"match", "of"} or not isinstance(parts, list):
        raise ConditionError("A group of conditions says which of them must hold.", place)
    if data["match"] not in ("all", "any"):
        raise ConditionError("Say whether all or any of these conditions must hold.", place)
    if place and not parts:
        raise ConditionError("Add a condition to this group, or remove it.", place)
    return Group(data["match"], tuple(_part(part, fields, (*place, at), depth - 1) for at, part in enumerate(parts)))


def _part(data: Any, fields: Mapping[str, Field], place: Place, depth: int) -> Test | Group:
    if isinstance(data, dict) and "of" in data:
        if not depth:
            raise ConditionError("Groups cannot be nested any deeper.", place)
        return _group(data, fields, place, depth)
    return _test(data, fields, place)


def _test(data: Any, fields: Mapping[str, Field], place: Place) -> Test:
    if not isinstance(data, dict) or not {"field", "operator"} <= data.keys() <= {"field", "operator", "values"}:
        raise ConditionError("A condition names a field, an operator and values.", place)
    field = fields.get(data["field"]) if isinstance(data["field"], str) else None
    if field is None:
        raise ConditionError(f"“{data['field']}” cannot be asked about here.", place)
    if data["operator"] not in OPERATORS[field.kind]:
        raise ConditionError(f"{field.label} cannot be asked that way.", place)
    operator = Operator(data["operator"])
    return Test(field, operator, _values(field, operator, data.get("values", []), place))


def _values(field: Field, operator: Operator, values: Any, place: Place) -> tuple[Any, ...]:
    if not isinstance(values, list) or len(values) > MOST_VALUES:
        raise ConditionError(f"{field.label}: give a list of {MOST_VALUES} values at most.", place)
    if operator in VALUELESS:
        if values:
            raise ConditionError(f"{field.label}: “{WORDS[operator]}” takes no value.", place)
        return ()
    if field.kind == Kind.NUMBER:
        return _numbers(field, operator, values, place)
    return _texts(field, operator, values, place)


def _numbers(field: Field, operator: Operator, values: list[Any], place: Place) -> tuple[Decimal, ...]:
    wanted = 2 if operator == Operator.BETWEEN else 1
    if len(values) != wanted:
        raise ConditionError(f"{field.label}: give {'two numbers' if wanted == 2 else 'a number'}.", place)
    numbers = tuple(_number(field, value, place) for value in values)
    if wanted == 2 and numbers[0] > numbers[1]:
        raise ConditionError(f"{field.label}: the first number must not be above the second.", place)
    return numbers


def _number(field: Field, value: Any, place: Place) -> Decimal:
    try:
        number = Decimal(str(value).strip()) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise ConditionError(f"{field.label}: “{value}” is not a number.", place)
    return number


def _texts(field: Field, operator: Operator, values: list[Any], place: Place) -> tuple[str, ...]:
    texts = tuple(dict.fromkeys(" ".join(value.split()) if isinstance(value, str) else "" for value in values))
    if not texts or "" in texts:
        asked = "choose at least one value" if field.kind == Kind.CHOICE else "say what to look for"
        raise ConditionError(f"{field.label}: {asked}.", place)
    if any(len(text) > LONGEST_VALUE or "\0" in text for text in texts):
        raise ConditionError(f"{field.label}: a value can have {LONGEST_VALUE} characters at most.", place)
    if field.choices is not None and not set(texts) <= field.choices.keys():
        raise ConditionError(f"{field.label}: choose from the list.", place)
    if operator == Operator.HAS_WORD and not all(words_of(text) for text in texts):
        raise ConditionError(f"{field.label}: a word has letters or digits.", place)
    return texts


def words_of(text: str) -> list[str]:
    """The runs of letters and digits in `text`."""
    return "".join(one if one.isalnum() else " " for one in text).split()


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)
