"""What somebody chose for each column, as a form shows it, and the mapping that it makes; and back again. Pure.

A mapping can say more than the form asks: what the form does not ask for is carried over as it was.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alignment.integrations.importers.targets import (
    AS_GIVEN,
    ATTRIBUTE,
    CASES,
    CLOSED,
    CREATED,
    ID,
    IGNORE,
    KEPT,
    OWNER,
    SHARED,
    STATUS,
    TARGETS,
)
from alignment.integrations.importers.words import is_family_name
from leads.milestones import Milestone

Json = dict[str, Any]
Moves = list[Json]


class ChoiceError(Exception):
    """The choices do not make a mapping; `column` is where, blank for the whole."""

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Choices:
    """Column → target; value of the status column → case; column → how its dates or numbers are written; and what
    holds for the whole file.

    `enters` is the milestone of rows that bring no date. `base` is the mapping that these choices began with.
    """

    name: str
    targets: Mapping[str, str]
    cases: Mapping[str, str] = field(default_factory=dict)
    system: str = ""
    enters: str = "MGL"
    source: str = ""
    campaign: str = ""
    unknown_owner: str = "none"
    unknown_lead: str = "create"
    promise: str = "none"
    route: bool = False
    overwrite: bool = False
    notations: Mapping[str, str] = field(default_factory=dict)
    base: Json = field(default_factory=dict)

    def column(self, target: str) -> str:
        """The first column with this target; blank without one."""
        return next((column for column, chosen in self.targets.items() if chosen == target), "")


# From choices to a mapping ------------------------------------------------------------------------------------


def compose(choices: Choices, *, is_draft: bool = False) -> Json:
    """The mapping that these choices make; a draft may still lack the key. Raises ChoiceError."""
    mapping = {**choices.base, "name": choices.name, "promise": choices.promise, "overwrite": choices.overwrite}
    if choices.route:
        mapping |= {"route": True}
    else:
        mapping.pop("route", None)
    mapping |= {"constants": _constants(choices), "notations": dict(choices.notations)}
    if choices.base.get("kind", "leads") != "leads":
        return _preset(mapping, choices)
    _refuse_twins(choices)
    mapping |= {
        "key": {} if is_draft and not _has_key(choices) else _key(choices),
        "fields": _columns(choices, "field:"),
        "attributes": [column for column, target in choices.targets.items() if target == ATTRIBUTE],
        "created": choices.column(CREATED),
        "moves": _moves(choices),
        "unknown_lead": choices.unknown_lead,
        "system": choices.system or "file" if choices.column(ID) else "",
    }
    for name, said in (("owner", _owner(choices)), ("deal", _deal(choices))):
        mapping.pop(name, None)
        if said:
            mapping[name] = said
    return _without_taken(mapping, choices)


def _preset(mapping: Json, choices: Choices) -> Json:
    """What a preset says, with the answers for the whole file: its columns are not explained one by one."""
    answers: Json = {"unknown_lead": choices.unknown_lead, "notations": dict(choices.notations)}
    if "owner" in mapping:
        answers["owner"] = {**mapping["owner"], "unknown": choices.unknown_owner}
    return {**mapping, **answers}


def _refuse_twins(choices: Choices) -> None:
    first: dict[str, str] = {}
    for column, target in choices.targets.items():
        if target in first and target not in SHARED:
            label = TARGETS.get(target, target).lower()
            raise ChoiceError(f"“{first[target]}” is the {label} already: choose one of the two.", column)
        first[target] = column


def _has_key(choices: Choices) -> bool:
    return bool(choices.column(ID) or choices.column("field:email"))


def _key(choices: Choices) -> Json:
    if column := choices.column(ID):
        return {"external_id": column}
    if column := choices.column("field:email"):
        return {"email": column}
    raise ChoiceError(
        "Say which column holds the e-mail address, or an id: without one, running the file twice would bring in "
        "every lead twice."
    )


def _columns(choices: Choices, prefix: str) -> Json:
    found: dict[str, list[str]] = {}
    for column, target in choices.targets.items():
        if target.startswith(prefix):
            found.setdefault(target.removeprefix(prefix), []).append(column)
    found.get("name", []).sort(key=is_family_name)  # many files have it before the given name
    return {name: columns if len(columns) > 1 else columns[0] for name, columns in found.items()}


def _constants(choices: Choices) -> Json:
    given = {"source": choices.source, "campaign": choices.campaign}
    kept = {name: value for name, value in choices.base.get("constants", {}).items() if name not in given}
    return {**kept, **{name: value for name, value in given.items() if value}}


def _owner(choices: Choices) -> Json:
    column = choices.column(OWNER)
    return {"column": column, "unknown": choices.unknown_owner} if column else {}


def _deal(choices: Choices) -> Json:
    kept = {name: value for name, value in choices.base.get("deal", {}).items() if name != "fields"}
    fields = _columns(choices, "deal:")
    return {"fields": fields, **kept} if fields or kept else {}


def _without_taken(mapping: Json, choices: Choices) -> Json:
    """What the mapping did with a column ends where the form gives it another meaning."""
    before = decompose(choices.base, list(choices.targets)).targets if choices.base else {}
    taken = {column for column, target in before.items() if target == KEPT and choices.targets[column] != KEPT}
    if "references" in mapping:
        mapping["references"] = [column for column in mapping["references"] if column not in taken]
    if "skip" in mapping:
        mapping["skip"] = {column: values for column, values in mapping["skip"].items() if column not in taken}
    return mapping


_ADVANCES = [milestone.name for milestone in Milestone if milestone != Milestone.WON]
_CLOSES = ("win", "lose", "reject", "recycle")


def _moves(choices: Choices) -> Any:
    if choices.base and _said(choices) == _said(decompose(choices.base, list(choices.targets), choices.cases)):
        return choices.base.get("moves", [])
    if by := choices.column(STATUS):
        before = choices.base.get("moves")
        cases = {value: _case(case, choices, given(before, by, value)) for value, case in choices.cases.items()}
        return {"by": by, "cases": cases}
    if choices.column(CLOSED):
        raise ChoiceError(
            "A closing date needs the column that says whether it was won or lost.", choices.column(CLOSED)
        )
    return _always(choices)


def _said(choices: Choices) -> tuple[Any, ...]:
    """What the moves follow from."""
    placing = {column: target for column, target in choices.targets.items() if target.startswith((STATUS, "date:"))}
    kept = [column for column, target in choices.targets.items() if target == KEPT]
    return placing, kept, dict(choices.cases) if choices.column(STATUS) else {}, choices.enters


def _always(choices: Choices) -> Moves:
    given = choices.base.get("moves")
    details = {_rule_of(rule): rule for rule in given if "by" not in rule} if isinstance(given, list) else {}
    rules: Moves = []
    if choices.enters != "MGL":
        rules.append({"to": choices.enters})
    for target in (*(f"date:{name}" for name in _ADVANCES), *(f"date:{kind}" for kind in _CLOSES)):
        if column := choices.column(target):
            rule = {**_rule(target.removeprefix("date:")), "at": column}
            rules.append(details.get(_rule_of(rule), rule))
    return rules


def _rule(what: str) -> Json:
    return {"kind": what} if what in _CLOSES else {"to": what}


def _rule_of(rule: Json) -> tuple[str, str, str]:
    return rule.get("kind", "advance"), rule.get("to", ""), rule.get("at", "")


def _case(case: str, choices: Choices, before: Moves | None) -> Moves:
    if case == AS_GIVEN and before is not None:
        return before
    if case not in CASES:
        raise ChoiceError("Say what each value means.", choices.column(STATUS))
    return _case_moves(case, choices)


def _case_moves(case: str, choices: Choices) -> Moves:
    """The moves of a row that came as far as `case`: what is dated on the way, and then the case itself."""
    reached = {"win": "SQO", "lose": "SQO", "reject": "MQL", "recycle": "MQL"}.get(case, case)
    on_the_way = _ADVANCES[: _ADVANCES.index(reached) + 1]
    moves: Moves = []
    for name in on_the_way:
        column = choices.column(f"date:{name}")
        if column:
            moves.append({"to": name, "at": column, **({"or_undated": True} if name == reached else {})})
        elif name == reached:
            moves.append({"to": name})
    if case in _CLOSES:
        closing = choices.column(f"date:{case}") or (choices.column(CLOSED) if case in ("win", "lose") else "")
        moves.append({"kind": case, **({"at": closing, "or_undated": True} if closing else {})})
    return moves


# And back -----------------------------------------------------------------------------------------------------


def decompose(mapping: Json, header: Sequence[str], values: Iterable[str] = ()) -> Choices:
    """The choices that a mapping stands for, for a file with these columns and these values of its status column."""
    constants, moves = mapping.get("constants", {}), mapping.get("moves", [])
    targets = _targets(mapping, header)
    undated = [rule["to"] for rule in _plain(moves) if rule.get("to") and not rule.get("at")]
    choices = Choices(
        name=mapping.get("name", "Import"),
        targets=targets,
        system=mapping.get("system", ""),
        enters=undated[0] if undated and undated[0] in _ADVANCES else "MGL",
        source=constants.get("source", ""),
        campaign=constants.get("campaign", ""),
        unknown_owner=mapping.get("owner", {}).get("unknown", "none"),
        unknown_lead=mapping.get("unknown_lead", "create"),
        promise=mapping.get("promise", "none"),
        route=mapping.get("route", False),
        overwrite=mapping.get("overwrite", False),
        notations=mapping.get("notations", {}),
        base=mapping,
    )
    by = choices.column(STATUS)
    known = {value: given(moves, by, value) for value in values} if by else {}
    cases = {value: _named(what, choices) if what is not None else "" for value, what in known.items()}
    return replace(choices, cases=cases)


def _targets(mapping: Json, header: Sequence[str]) -> dict[str, str]:
    """Column → target; what the mapping reads in a way that the form has no word for is kept."""
    found = dict.fromkeys(_read(mapping), KEPT)
    for prefix, fields in (("field:", mapping.get("fields", {})), ("deal:", mapping.get("deal", {}).get("fields", {}))):
        for name, said in fields.items():
            columns = said if isinstance(said, list) else [said]
            found |= dict.fromkeys(columns, f"{prefix}{name}" if len(columns) == 1 or name == "name" else KEPT)
    found |= dict.fromkeys(mapping.get("attributes", ()), ATTRIBUTE)
    found |= _dated(mapping.get("moves", []))
    key = mapping.get("key", {})
    named = {
        mapping.get("created"): CREATED,
        mapping.get("owner", {}).get("column"): OWNER,
        key.get("email"): "field:email",
        _single(key.get("external_id")): ID,
    }
    groups = _groups(mapping.get("moves", []))
    if len(groups) == 1 and isinstance(groups[0]["by"], str):
        named[groups[0]["by"]] = STATUS
    found |= {column: target for column, target in named.items() if column}
    return {column: found.get(column, IGNORE) for column in header}


def _single(said: Any) -> str | None:
    return said if isinstance(said, str) else None


def _read(mapping: Json) -> Iterator[str]:
    """The columns that a mapping reads besides those of its fields."""
    said = mapping.get("key", {}).get("external_id")
    yield from said if isinstance(said, list) else ()
    yield from (*mapping.get("references", ()), *mapping.get("skip", {}))
    yield from (*mapping.get("touched", ()), *mapping.get("due", ()))
    yield from (column for each in mapping.get("lead", ()) for column in each.values())
    yield from filter(None, [mapping.get("deal", {}).get("key")])
    touch = mapping.get("touch", {})
    for group in (*_groups(mapping.get("moves", [])), *([touch] if "by" in touch else [])):
        yield from [group["by"]] if isinstance(group["by"], str) else group["by"]
    for rule in _rules(mapping.get("moves", [])):
        yield from filter(None, (rule.get("at"), rule.get("when_filled")))


def _groups(moves: Any) -> list[Json]:
    return [each for each in (moves if isinstance(moves, list) else [moves]) if "by" in each]


def _plain(moves: Any) -> Moves:
    listed = moves if isinstance(moves, list) else []
    return [rule for each in listed if "by" not in each for rule in each.get("always", [each])]


def _rules(moves: Any) -> Iterator[Json]:
    yield from _plain(moves)
    for group in _groups(moves):
        yield from (rule for case in group["cases"].values() for rule in case)
        yield from group.get("otherwise", ())


def given(moves: Any, by: str, value: str) -> Moves | None:
    """The moves that a mapping has for a value of its status column `by`; None where it does not know the value."""
    groups = _groups(moves or [])
    if len(groups) != 1 or groups[0]["by"] != by:
        return None
    cases = {each.casefold(): what for each, what in groups[0]["cases"].items()}
    found: Moves | None = cases.get(value.casefold(), groups[0].get("otherwise"))
    return found


def _dated(moves: Any) -> dict[str, str]:
    """Column → what it dates; a column that dates both won and lost says when it was closed."""
    found: dict[str, set[str]] = {}
    for rule in _rules(moves):
        if rule.get("at"):
            found.setdefault(rule["at"], set()).add(rule.get("to") or rule["kind"])
    single = {column: f"date:{next(iter(what))}" for column, what in found.items() if len(what) == 1}
    both = {column: CLOSED for column, what in found.items() if what == {"win", "lose"}}
    return {**{column: target for column, target in single.items() if target in TARGETS}, **both}


def _named(moves: Moves, choices: Choices) -> str:
    return next((case for case in CASES if _case_moves(case, choices) == moves), AS_GIVEN)


def describe(moves: Moves) -> str:
    """What moves that no case names do, in words."""
    said = [str(rule.get("to") or CASES.get(str(rule["kind"]), str(rule["kind"])).lower()) for rule in moves]
    return ", then ".join(said) or "nothing"
