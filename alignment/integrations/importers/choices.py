"""What somebody chose for each column, as a form shows it, and the mapping that it makes; and back again. Pure.

A mapping can say more than the form asks: what the form does not ask for is carried over as it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leads.milestones import Milestone

Json = dict[str, Any]
Moves = list[Json]

IGNORE, ATTRIBUTE, ID, OWNER, STATUS, CLOSED = "", "attribute", "id", "owner", "status", "date:close"

FIELDS = {
    "Person": {
        "field:name": "Name",
        "field:email": "E-mail",
        "field:phone": "Phone",
        "field:title": "Job title",
        "field:seniority": "Seniority",
        "field:consent": "Consent to be contacted",
    },
    "Company and interest": {
        "field:company_name": "Company",
        "field:product_interest": "Product interest",
        "field:territory": "Territory",
        "field:segment": "Segment",
    },
    "Where it came from": {
        "field:source": "Source",
        "field:campaign": "Campaign",
        ID: "Id in the other system",
    },
    "Sales": {OWNER: "Owner", STATUS: "Stage or status"},
    "Dates": {
        "date:MGL": "Date it came in (MGL)",
        "date:MQL": "Date marketing handed it over (MQL)",
        "date:SQL": "Date sales accepted it (SQL)",
        "date:SQO": "Date it became an opportunity (SQO)",
        "date:win": "Date it was won",
        "date:lose": "Date it was lost",
        CLOSED: "Date it was closed, won or lost",
        "date:reject": "Date sales rejected it",
        "date:recycle": "Date it went back to nurture",
    },
    "Deal": {
        "deal:name": "Deal: name",
        "deal:amount": "Deal: amount",
        "deal:currency": "Deal: currency",
        "deal:product": "Deal: product",
        "deal:kind": "Deal: kind",
        "deal:expected_close_on": "Deal: expected close",
    },
    "Nothing of these": {ATTRIBUTE: "Keep with the lead", IGNORE: "Leave out"},
}
"""Target → what people call it, by group."""

TARGETS = {target: label for group in FIELDS.values() for target, label in group.items()}
SHARED = frozenset({IGNORE, ATTRIBUTE})
"""The targets that more than one column may have."""

CASES = {
    "MGL": "Came in (MGL)",
    "MQL": "Handed over to sales (MQL)",
    "SQL": "Accepted by sales (SQL)",
    "SQO": "Opportunity (SQO)",
    "win": "Won",
    "lose": "Lost",
    "reject": "Rejected by sales",
    "recycle": "Back to nurture",
}
"""What a value of the status column can mean."""

AS_GIVEN = "given"
"""A value means what the mapping said before, which none of `CASES` says."""


class ChoiceError(Exception):
    """The choices do not make a mapping; `column` is where, blank for the whole."""

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Choices:
    """Column → target; value of the status column → case; and what holds for the whole file.

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
    overwrite: bool = False
    date_formats: tuple[str, ...] = ()
    base: Json = field(default_factory=dict)

    def column(self, target: str) -> str:
        """The first column with this target; blank without one."""
        return next((column for column, chosen in self.targets.items() if chosen == target), "")


# From choices to a mapping ------------------------------------------------------------------------------------


def compose(choices: Choices) -> Json:
    """The mapping that these choices make. Raises ChoiceError."""
    _refuse_twins(choices)
    mapping = {name: value for name, value in choices.base.items() if name not in _ASKED}
    mapping |= {
        "name": choices.name,
        "key": _key(choices),
        "fields": _columns(choices, "field:", choices.base.get("fields", {})),
        "attributes": [column for column, target in choices.targets.items() if target == ATTRIBUTE],
        "constants": _constants(choices),
        "moves": _moves(choices),
        "unknown_lead": choices.unknown_lead,
        "promise": choices.promise,
        "overwrite": choices.overwrite,
    }
    if choices.column(ID):
        mapping["system"] = choices.system or "file"
    elif mapping.get("system"):
        del mapping["system"]
    if choices.date_formats:
        mapping["date_formats"] = list(choices.date_formats)
    if owner := choices.column(OWNER):
        mapping["owner"] = {"column": owner, "unknown": choices.unknown_owner}
    if deal := _deal(choices):
        mapping["deal"] = deal
    return mapping


_ASKED = frozenset("name key fields attributes constants moves unknown_lead promise overwrite owner deal".split())


def _refuse_twins(choices: Choices) -> None:
    first: dict[str, str] = {}
    for column, target in choices.targets.items():
        if target in first and target not in SHARED:
            label = TARGETS.get(target, target)
            raise ChoiceError(f"“{first[target]}” is the {label.lower()} already: choose one of the two.", column)
        first[target] = column


def _key(choices: Choices) -> Json:
    if column := choices.column(ID):
        return {"external_id": column}
    if column := choices.column("field:email"):
        return {"email": column}
    raise ChoiceError(
        "Say which column holds the e-mail address, or an id: without one, running the file twice would bring in "
        "every lead twice."
    )


def _columns(choices: Choices, prefix: str, before: Mapping[str, Any]) -> Json:
    chosen = {
        target.removeprefix(prefix): column for column, target in choices.targets.items() if target.startswith(prefix)
    }
    # What is made of several columns is carried over as long as none of the choices takes its place.
    several = {name: said for name, said in before.items() if not isinstance(said, str) and name not in chosen}
    return {**several, **chosen}


def _constants(choices: Choices) -> Json:
    kept = {
        name: value for name, value in choices.base.get("constants", {}).items() if name not in ("source", "campaign")
    }
    given = {"source": choices.source, "campaign": choices.campaign}
    return {**kept, **{name: value for name, value in given.items() if value}}


def _deal(choices: Choices) -> Json:
    before: Json = choices.base.get("deal", {})
    fields = _columns(choices, "deal:", before.get("fields", {}))
    deal = {"fields": fields} if fields else {}
    if before.get("constants"):
        deal["constants"] = before["constants"]
    return deal


_ADVANCES = [milestone.name for milestone in Milestone if milestone != Milestone.WON]
_CLOSES = ("win", "lose", "reject", "recycle")


def _moves(choices: Choices) -> Any:
    if by := choices.column(STATUS):
        given = choices.base.get("moves")
        before: Json = given.get("cases", {}) if isinstance(given, dict) and given.get("by") == by else {}
        return {
            "by": by,
            "cases": {value: _case(case, choices, before.get(value, [])) for value, case in choices.cases.items()},
        }
    if choices.column(CLOSED):
        raise ChoiceError(
            "A closing date needs the column that says whether it was won or lost.", choices.column(CLOSED)
        )
    return _always(choices)


def _always(choices: Choices) -> Moves:
    given = choices.base.get("moves")
    details = {_rule_of(rule): rule for rule in given} if isinstance(given, list) else {}
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


def _case(case: str, choices: Choices, before: Moves) -> Moves:
    if case == AS_GIVEN:
        return before
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
    targets = dict.fromkeys(header, IGNORE)
    targets |= {column: f"field:{name}" for name, column in mapping.get("fields", {}).items() if column in targets}
    deal = mapping.get("deal", {}).get("fields", {})
    targets |= {column: f"deal:{name}" for name, column in deal.items() if column in targets}
    targets |= dict.fromkeys((column for column in mapping.get("attributes", ()) if column in targets), ATTRIBUTE)
    moves = mapping.get("moves", [])
    rules = moves if isinstance(moves, list) else [rule for case in moves.get("cases", {}).values() for rule in case]
    targets |= {column: target for column, target in _dated(rules).items() if column in targets}
    key = mapping.get("key", {})
    named = {key.get("external_id"): ID, key.get("email"): "field:email", mapping.get("owner", {}).get("column"): OWNER}
    if isinstance(moves, dict):
        named[moves.get("by")] = STATUS
    targets |= {column: target for column, target in named.items() if column in targets}
    return _whole(mapping, targets, moves, values)


def _whole(mapping: Json, targets: Mapping[str, str], moves: Any, values: Iterable[str]) -> Choices:
    constants = mapping.get("constants", {})
    undated = [rule["to"] for rule in moves if rule.get("to") and not rule.get("at")] if isinstance(moves, list) else []
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
        overwrite=mapping.get("overwrite", False),
        date_formats=tuple(mapping.get("date_formats", ())),
        base=mapping,
    )
    given = moves.get("cases", {}) if isinstance(moves, dict) else {}
    cases = {value: _named(given[value], choices) if value in given else "" for value in [*given, *values]}
    return Choices(**{name: getattr(choices, name) for name in choices.__slots__ if name != "cases"}, cases=cases)


def _dated(rules: Iterable[Json]) -> dict[str, str]:
    """Column → what it dates; a column that dates both won and lost says when it was closed."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        if rule.get("at"):
            found.setdefault(rule["at"], set()).add(rule.get("to") or rule["kind"])
    return {
        column: CLOSED if what == {"win", "lose"} else f"date:{next(iter(what))}"
        for column, what in found.items()
        if what == {"win", "lose"} or f"date:{next(iter(what))}" in TARGETS
    }


def _named(moves: Moves, choices: Choices) -> str:
    return next((case for case in CASES if _case_moves(case, choices) == moves), AS_GIVEN)


def describe(moves: Moves) -> str:
    """What moves that no case names do, in words."""
    said = [rule.get("to") or CASES.get(rule.get("kind", ""), rule.get("kind", "")).lower() for rule in moves]
    return ", then ".join(said) or "nothing"
