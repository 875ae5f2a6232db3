"""What a mapping says about moves and touches: rules for every row, or chosen by what a column says. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from leads.activities import SAID, Activity
from leads.milestones import Kind, Milestone
from leads.models.touchpoint import Direction

MOVES = {Kind.ADVANCE, Kind.ACCEPT, Kind.REJECT, Kind.RECYCLE, Kind.WIN, Kind.LOSE}

Rule = TypeVar("Rule")
IN_BRACES = re.compile(r"\{([^{}]+)\}")


class MappingError(Exception):
    """The mapping cannot be used; the message says what to change."""


@dataclass(frozen=True, slots=True)
class MoveRule:
    """A move that a row brings. `to` is a stage key or a milestone's name (advance only). `at` names its date column:
    without one the move is undated; a blank cell means that it did not happen, unless `or_undated`. With `when_filled`
    it happened only where that column says something.
    """

    kind: Kind
    to: str = ""
    at: str = ""
    or_undated: bool = False
    reason: str = ""
    when_filled: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rule reads."""
        return tuple(filter(None, (self.at, self.when_filled)))


@dataclass(frozen=True, slots=True)
class TouchRule:
    """What a row's touch is: the `kind` that lists group by, its `title` (`{column}` stands for the cell), and whether
    the buyer was engaged, a human took part, and sales was asked for. With `is_step` nothing has happened yet: the
    title is what sales means to do next.
    """

    kind: str
    title: str
    direction: str = Direction.INBOUND
    is_engaged: bool = True
    is_human: bool = True
    is_hand_raise: bool = False
    is_step: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the title names."""
        return tuple(IN_BRACES.findall(self.title))


@dataclass(frozen=True, slots=True)
class Group(Generic[Rule]):
    """Rules of every row (`always`), or those that the values of columns choose: `cases` by value, several columns
    joined by " / ", where `*` stands for any value of its column (of several that fit, the one counts that names the
    further column); `otherwise` for other values (None: such a row is refused).
    """

    always: tuple[Rule, ...] = ()
    by: tuple[str, ...] = ()
    cases: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    otherwise: tuple[Rule, ...] | None = None

    def all_rules(self) -> Iterator[Rule]:
        """Every rule that a row may meet."""
        yield from self.always
        for rules in self.cases.values():
            yield from rules
        yield from self.otherwise or ()

    def chosen(self, value: str) -> tuple[Rule, ...] | None:
        """The rules of a value, whatever its case; None where the group does not know it."""
        found = self.cases.get(value)
        if found is None:
            found = self.cases.get(value.casefold())
        if found is None:
            fitting = [case for case in self.cases if _stands_for(case, value.casefold())]
            found = self.cases[min(fitting, key=_openness)] if fitting else None
        return self.otherwise if found is None else found


def _stands_for(case: str, value: str) -> bool:
    """Whether a case with `*` among its parts is one of this value."""
    parts, said = case.split(" / "), value.split(" / ")
    return "*" in parts and len(parts) == len(said) and all(a in ("*", b) for a, b in zip(parts, said, strict=True))


def _openness(case: str) -> list[bool]:
    """The least of several cases is the one that names the further column; their order is not kept where mappings are
    stored.
    """
    return [part == "*" for part in reversed(case.split(" / "))]


def move_groups(given: Any) -> tuple[Group[MoveRule], ...]:
    """The moves of a mapping: a list of moves and groups, or one group. Raises MappingError."""
    listed = given if isinstance(given, list) else [given] if given else []
    return tuple(_group(each, move, "moves") for each in listed)


def touch_group(given: Any) -> Group[TouchRule]:
    """The touch of a mapping: one rule, or a group whose cases name one rule each. Raises MappingError."""
    return _group(given, touch, "touch")


def _group(given: Any, rule: Callable[[Any], Rule], name: str) -> Group[Rule]:
    if not isinstance(given, dict):
        raise MappingError(f'"{name}" holds objects.')
    if given.keys() == {"always"} and isinstance(given["always"], list):
        return Group(always=tuple(map(rule, given["always"])))
    if "by" not in given:
        return Group(always=(rule(given),))
    if not {"by", "cases"} <= set(given) <= {"by", "cases", "otherwise"} or not isinstance(given["cases"], dict):
        raise MappingError(
            f'A group in "{name}" is an object with "by" (a column), "cases" (value → list) and "otherwise" (a list).'
        )
    by = given["by"] if isinstance(given["by"], list) else [given["by"]]
    cases = {str(value): tuple(map(rule, rules)) for value, rules in given["cases"].items()}
    otherwise = tuple(map(rule, given["otherwise"])) if "otherwise" in given else None
    folded = {value.casefold(): rules for value, rules in cases.items()}
    return Group(by=tuple(by), cases={**folded, **cases}, otherwise=otherwise)


def move(given: Any) -> MoveRule:
    """One move. Raises MappingError."""
    kind = given.get("kind", Kind.ADVANCE.value) if isinstance(given, dict) else None
    if kind not in MOVES:
        raise MappingError(f'A move\'s "kind" is one of {", ".join(sorted(MOVES))}; one says "{kind}".')
    unknown = given.keys() - set(MoveRule.__slots__)
    if unknown:
        raise MappingError(f"A move has names that mean nothing here: {', '.join(sorted(unknown))}.")
    rule = MoveRule(**{**given, "kind": Kind(kind)})
    if (rule.kind == Kind.ADVANCE) != bool(rule.to):
        raise MappingError(
            f'An advance says where "to" (a stage, or one of {", ".join(Milestone.names)}); others do not.'
        )
    return rule


def touch(given: Any) -> TouchRule:
    """One touch: in its own words, as one of the activities of sales, or as a step to come. Raises MappingError."""
    if isinstance(given, dict) and given.keys() == {"step"}:
        return TouchRule("step", str(given["step"]), is_step=True)
    if isinstance(given, dict) and "activity" in given:
        return _activity(given)
    if not isinstance(given, dict) or not {"kind", "title"} <= given.keys() <= set(TouchRule.__slots__) - {"is_step"}:
        raise MappingError(
            'A touch has a "kind" and a "title", and may have direction, is_engaged, is_human, is_hand_raise; or '
            'an "activity" and a "title"; or a "step" alone.'
        )
    if given.get("direction", Direction.INBOUND) not in Direction.values:
        raise MappingError(f'The "direction" of a touch is one of {", ".join(Direction.values)}.')
    return TouchRule(**given)


def _activity(given: dict[str, Any]) -> TouchRule:
    """What came of sales' attempt to reach the lead, as if it had been logged here."""
    if given["activity"] not in Activity.values or given.keys() - {"activity", "title"}:
        raise MappingError(f'An "activity" is one of {", ".join(Activity.values)}, and may have a "title".')
    activity = Activity(given["activity"])
    kind, said = SAID[activity]
    title = f"{said}: {given['title']}" if given.get("title") else said
    return TouchRule(kind, title, Direction.OUTBOUND, is_engaged=activity == Activity.CONNECTED)
