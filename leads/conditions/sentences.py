"""Conditions in words: “the title contains director and the industry is retail”."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from leads.conditions.fields import FIELDS, Field, Kind
from leads.conditions.language import VALUELESS, WORDS, Group, Operator, Test


class Names:
    """What the values of choices are called; read when they are asked for, one query for each kind of value."""

    def __init__(self) -> None:
        self._known: dict[type[Any], dict[str, str]] = {}

    def of(self, field: Field) -> Mapping[str, str]:
        """Value → name of the choices of `field`; those in use first to last by name."""
        if field.choices is not None:
            return field.choices
        model = field.of
        assert model is not None
        if model not in self._known:
            rows = model._default_manager.order_by("name").values_list("key", "name")
            self._known[model] = dict(rows)
        return self._known[model]


def sentence(group: Group, names: Names) -> str:
    """The condition as a clause that goes on after “if”."""
    if not group.of:
        return "it is any lead"
    return _joined(
        [f"({sentence(part, names)})" if isinstance(part, Group) else _clause(part, names) for part in group.of],
        "and" if group.match == "all" else "or",
    )


def _clause(test: Test, names: Names) -> str:
    field = FIELDS[test.field.key]
    if field.kind == Kind.FLAG:
        return field.yes if test.operator == Operator.YES else field.no
    if test.operator in VALUELESS:
        return f"{field.says} {WORDS[test.operator]}"
    if test.operator == Operator.BETWEEN:
        low, high = test.values
        return f"{field.says} is between {_number(low)} and {_number(high)}"
    joiner = "nor" if test.operator in (Operator.IS_NOT, Operator.LACKS) else "or"
    return f"{field.says} {WORDS[test.operator]} {_joined(_said(test, names), joiner)}"


def _said(test: Test, names: Names) -> list[str]:
    if test.field.kind == Kind.NUMBER:
        return [_number(value) for value in test.values]
    known = names.of(test.field) if test.field.kind == Kind.CHOICE else {}
    return [known.get(value, value) for value in test.values]


def _number(value: Decimal) -> str:
    return f"{value.normalize():,f}"


def _joined(parts: Sequence[str], word: str) -> str:
    if word in ("and", "or") and len(parts) > 1 and any(" " in part for part in parts):
        return f" {word} ".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}" if len(parts) > 1 else parts[0]
