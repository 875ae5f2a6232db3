"""A mapping seen from its columns: what each one is, and the same mapping with one that is something else. Pure.

Mappings here are the JSON objects that files hold and `Mapping.parse` checks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from alignment.integrations.importers.presets import folded
from alignment.integrations.importers.words import ORDER, TARGETS

_ENDS = {"WON": {"kind": "win"}, "LOST": {"kind": "lose"}, "REJECTED": {"kind": "reject"}}
_STEPS = ("MGL", "MQL", "SQL", "SQO", "WON", "LOST", "REJECTED")


def targets(mapping: Mapping[str, Any], columns: Sequence[str]) -> dict[str, str]:
    """Column → what it is (one of `words.TARGETS`, or `case` for a column whose value chooses moves or touches, `lead`
    for one that names the lead, `reference` for a further id, `skip` for one that leaves rows out); `ignore` for what
    the mapping does not use.
    """
    found = dict.fromkeys(columns, "ignore")
    for target, column in uses(mapping):
        if found.get(column) == "ignore":
            found[column] = target
    return found


def uses(mapping: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(target, column) for every use, the most telling one of a column first; columns may be blank."""
    key = mapping.get("key", {})
    yield "key", key.get("external_id", "")
    yield "field.email", key.get("email", "")
    yield from _fields("field", mapping.get("fields", {}))
    yield from ((_target_of(rule), rule.get("at", "")) for rule in _rules(mapping.get("moves", [])))
    for group in _groups(mapping.get("moves", []), mapping.get("touch")):
        yield from (("case", column) for column in _listed(group["by"]))
    yield from _fields("deal", mapping.get("deal", {}).get("fields", {}))
    yield "created", mapping.get("created", "")
    yield "owner", mapping.get("owner", {}).get("column", "")
    yield from (("lead", next(iter(each.values()))) for each in mapping.get("lead", []))
    for name, target in (("touched", "created"), ("references", "reference"), ("attributes", "attribute")):
        yield from ((target, column) for column in mapping.get(name, []))
    yield "reference", mapping.get("deal", {}).get("key", "")
    yield from (("skip", column) for column in mapping.get("skip", {}))


def _fields(section: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((f"{section}.{name}", column) for name, said in fields.items() for column in _listed(said))


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def _groups(moves: Any, touch: Any) -> Iterator[Mapping[str, Any]]:
    for each in [*_listed(moves), touch]:
        if isinstance(each, dict) and "by" in each:
            yield each


def _rules(moves: Any) -> Iterator[dict[str, Any]]:
    for each in _listed(moves):
        if "by" in each:
            for rules in [*each["cases"].values(), each.get("otherwise", [])]:
                yield from rules
        else:
            yield from each.get("always", [each])


def _target_of(rule: Mapping[str, Any]) -> str:
    end = next((name for name, said in _ENDS.items() if said["kind"] == rule.get("kind")), "")
    to = end or rule.get("to", "SQL")
    return f"date.{to}" if f"date.{to}" in TARGETS else "case"


def assigned(mapping: Mapping[str, Any], column: str, target: str) -> dict[str, Any]:
    """The mapping with this column as `target` (one of `words.TARGETS`) and nothing else."""
    after = without(mapping, column)
    section, _, name = target.partition(".")
    match section:
        case "key":
            after["key"] = {"external_id": column}
            after.setdefault("system", "file")
        case "field":
            _add_field(after, name, column)
        case "date":
            _add_move(after, name, column)
        case "deal":
            after.setdefault("deal", {}).setdefault("fields", {})[name] = column
        case "created":
            after["created"] = column
        case "owner":
            after["owner"] = {"unknown": "add", **after.get("owner", {}), "column": column}
        case "attribute":
            after["attributes"] = [*after.get("attributes", []), column]
    return _keyed(after)


def _add_field(mapping: dict[str, Any], name: str, column: str) -> None:
    fields = mapping.setdefault("fields", {})
    said = fields.get(name)
    if name != "name" or not said:
        fields[name] = column
        return
    both = [*_listed(said), column]
    fields[name] = sorted(both, key=lambda each: ORDER.get(folded(each), 0))


def _add_move(mapping: dict[str, Any], name: str, column: str) -> None:
    moves = mapping.get("moves", [])
    listed = _listed(moves)
    rule = {**_ENDS.get(name, {"to": name}), "at": column}
    place = _STEPS.index(name)
    at = next((i for i, each in enumerate(listed) if _place(each) > place), len(listed))
    mapping["moves"] = [*listed[:at], rule, *listed[at:]]


def _place(rule: Mapping[str, Any]) -> int:
    """Where a move stands among the milestones; groups stay behind what is dated."""
    if "by" in rule or "always" in rule:
        return len(_STEPS)
    target = _target_of(rule).removeprefix("date.")
    return _STEPS.index(target) if target in _STEPS else 0


def without(mapping: Mapping[str, Any], column: str) -> dict[str, Any]:
    """The mapping without any use of this column."""
    after = deepcopy(dict(mapping))
    for holder in (after, after.get("deal", {})):
        holder.update({"fields": _without_column(holder["fields"], column)} if "fields" in holder else {})
    for holder, name in ((after, "created"), (after.get("deal", {}), "key")):
        if holder.get(name) == column:
            del holder[name]
    for name in ("key", "owner"):
        if column in after.get(name, {}).values():
            after[name] = {}
    for name in ("attributes", "references", "touched", "lead"):
        if name in after:
            after[name] = [each for each in after[name] if each != column and column not in _named(each)]
    for name in ("values", "notations", "skip"):
        after.get(name, {}).pop(column, None)
    if "moves" in after:
        after["moves"] = _moves_without(after["moves"], column)
    return _keyed(after)


def _named(each: Any) -> list[Any]:
    return list(each.values()) if isinstance(each, dict) else []


def _without_column(fields: Mapping[str, Any], column: str) -> dict[str, Any]:
    kept = {}
    for name, said in fields.items():
        left = [each for each in _listed(said) if each != column]
        if left:
            kept[name] = left if len(left) > 1 else left[0]
    return kept


def _moves_without(moves: Any, column: str) -> list[Any]:
    kept = []
    for each in _listed(moves):
        if "by" in each:
            if column in _listed(each["by"]):
                continue
            cases = {value: _rules_without(rules, column) for value, rules in each["cases"].items()}
            more = {"otherwise": _rules_without(each["otherwise"], column)} if "otherwise" in each else {}
            kept.append({**each, "cases": cases, **more})
        elif "always" in each:
            kept.append({"always": _rules_without(each["always"], column)})
        else:
            kept += _rules_without([each], column)
    return kept


def _rules_without(rules: Iterable[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    kept = []
    for rule in rules:
        if rule.get("when_filled") == column or (rule.get("at") == column and not rule.get("or_undated")):
            continue
        kept.append({name: said for name, said in rule.items() if name != "at" or said != column})
    return kept


def _keyed(mapping: dict[str, Any]) -> dict[str, Any]:
    """Without an id the address identifies a row."""
    email = mapping.get("fields", {}).get("email")
    key = mapping.get("key") or {}
    if "external_id" not in key:
        mapping["key"] = {"email": email} if isinstance(email, str) else {}
    return mapping
