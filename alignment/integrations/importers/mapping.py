"""What a mapping file says: which column is what, how dates are written, which moves a row brings. Pure.

A mapping is a JSON object; `docs/import.md` shows one of each kind. Everything is checked before a row is read.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, available_timezones

from leads.causes import Promise
from leads.milestones import Kind, Milestone

LEAD_FIELDS = frozenset(
    [
        "name",
        "email",
        "phone",
        "title",
        "seniority",
        "company_name",
        "product_interest",
        "source",
        "campaign",
        "segment",
        "territory",
        "consent",
    ]
)
DEAL_FIELDS = frozenset(["name", "amount", "currency", "product", "kind", "expected_close_on"])
PERSON_FIELDS = frozenset(["name", "email", "team"])
UNKNOWN_OWNERS = ("add", "none", "reject")
UNKNOWN_LEADS = ("create", "reject")
MOVES = {Kind.ADVANCE, Kind.ACCEPT, Kind.REJECT, Kind.RECYCLE, Kind.WIN, Kind.LOSE}


class MappingError(Exception):
    """The mapping cannot be used; the message says what to change."""


@dataclass(frozen=True, slots=True)
class MoveRule:
    """A move that a row brings. `to` is a stage key or a milestone's name (advance only). `at` names its date column:
    without one the move is undated; a blank cell means that it did not happen, unless `or_undated`.
    """

    kind: Kind
    to: str = ""
    at: str = ""
    or_undated: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of every row (`always`), or those that the value of a column chooses (`cases`)."""

    always: tuple[MoveRule, ...] = ()
    by: str = ""
    cases: dict[str, tuple[MoveRule, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping. Field dictionaries go from our name to the column's; `constants` from our name to a value."""

    name: str
    kind: str
    system: str
    key: str
    key_is_email: bool
    fields: dict[str, str]
    constants: dict[str, str]
    attributes: tuple[str, ...]
    values: dict[str, dict[str, str]]
    date_formats: tuple[str, ...]
    zone: ZoneInfo | None
    moves: Moves
    deal: dict[str, str]
    deal_constants: dict[str, str]
    owner: str
    unknown_owner: str
    unknown_lead: str
    promise: Promise
    overwrite: bool
    url: str

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a file. Raises MappingError."""
        try:
            return cls.parse(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise MappingError(f"The mapping {path.name} cannot be read: {error}.") from error
        except json.JSONDecodeError as error:
            raise MappingError(f"The mapping {path.name} is not JSON: {error}.") from error

    @classmethod
    def parse(cls, given: Any) -> Self:
        """Check what a JSON document says. Raises MappingError."""
        if not isinstance(given, dict):
            raise MappingError("A mapping is a JSON object.")
        reader = _Reader(dict(given))
        kind = reader.choice("kind", ("leads", "people"), "leads")
        key = reader.section("key")
        if len(key) != 1 or next(iter(key)) not in ("external_id", "email"):
            raise MappingError('"key" names one column: {"external_id": "…"} or {"email": "…"}.')
        deal = reader.section("deal")
        owner = reader.section("owner")
        mapping = cls(
            name=reader.text("name", "Import"),
            kind=kind,
            system=reader.text("system"),
            key=next(iter(key.values())),
            key_is_email="email" in key,
            fields=reader.names("fields", LEAD_FIELDS if kind == "leads" else PERSON_FIELDS),
            constants=reader.names("constants", LEAD_FIELDS if kind == "leads" else PERSON_FIELDS),
            attributes=tuple(reader.listed("attributes")),
            values=reader.section("values"),
            date_formats=tuple(reader.listed("date_formats") or ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "iso"]),
            zone=_zone(reader.text("zone", "")),
            moves=_moves(reader.section("moves") if isinstance(given.get("moves"), dict) else reader.listed("moves")),
            deal=_known("deal.fields", deal.get("fields", {}), DEAL_FIELDS),
            deal_constants=_known("deal.constants", deal.get("constants", {}), DEAL_FIELDS),
            owner=owner.get("column", ""),
            unknown_owner=_choice("owner.unknown", owner.get("unknown", "none"), UNKNOWN_OWNERS),
            unknown_lead=reader.choice("unknown_lead", UNKNOWN_LEADS, "create"),
            promise=Promise(reader.choice("promise", [each.value for each in Promise], Promise.NONE.value)),
            overwrite=reader.flag("overwrite"),
            url=reader.text("url", ""),
        )
        reader.refuse_the_rest()
        if not mapping.key_is_email and not mapping.system:
            raise MappingError('A key by external id needs a "system": the name of where the ids come from.')
        return mapping

    @property
    def columns(self) -> set[str]:
        """The columns that a file must have."""
        rules = [*self.moves.always, *(rule for case in self.moves.cases.values() for rule in case)]
        named = {self.key, self.owner, self.moves.by, *self.fields.values(), *self.attributes, *self.deal.values()}
        return (named | {rule.at for rule in rules}) - {""}


class _Reader:
    """Takes what it knows out of a JSON object, so that a misspelt name is not silently ignored."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def text(self, name: str, default: str = "") -> str:
        value = self.given.pop(name, default)
        if not isinstance(value, str):
            raise MappingError(f'"{name}" must be a text.')
        return value

    def flag(self, name: str) -> bool:
        value = self.given.pop(name, False)
        if not isinstance(value, bool):
            raise MappingError(f'"{name}" must be true or false.')
        return value

    def choice(self, name: str, allowed: Any, default: str) -> str:
        return _choice(name, self.text(name, default), allowed)

    def section(self, name: str) -> dict[str, Any]:
        value = self.given.pop(name, {})
        if not isinstance(value, dict):
            raise MappingError(f'"{name}" must be an object.')
        return value

    def listed(self, name: str) -> list[Any]:
        value = self.given.pop(name, [])
        if not isinstance(value, list):
            raise MappingError(f'"{name}" must be a list.')
        return value

    def names(self, name: str, allowed: frozenset[str]) -> dict[str, str]:
        return _known(name, self.section(name), allowed)

    def refuse_the_rest(self) -> None:
        if self.given:
            raise MappingError(f"The mapping has names that mean nothing here: {', '.join(sorted(self.given))}.")


def _choice(name: str, value: str, allowed: Any) -> str:
    if value not in allowed:
        raise MappingError(f'"{name}" is one of {", ".join(allowed)}; it says "{value}".')
    return value


def _known(name: str, given: dict[str, Any], allowed: frozenset[str]) -> dict[str, str]:
    unknown = sorted(given.keys() - allowed)
    if unknown:
        raise MappingError(f'"{name}" does not know {", ".join(unknown)}; it knows {", ".join(sorted(allowed))}.')
    return {key: str(value) for key, value in given.items()}


def _zone(name: str) -> ZoneInfo | None:
    if name and name not in available_timezones():
        raise MappingError(f'"zone" is an IANA name such as Europe/Berlin; "{name}" is none.')
    return ZoneInfo(name) if name else None


def _moves(given: Any) -> Moves:
    if isinstance(given, list):
        return Moves(always=tuple(_move(rule) for rule in given))
    if not given:
        return Moves()
    if set(given) != {"by", "cases"}:
        raise MappingError('"moves" is a list, or an object with "by" (a column) and "cases" (value → list of moves).')
    return Moves(by=given["by"], cases={value: tuple(map(_move, rules)) for value, rules in given["cases"].items()})


def _move(given: dict[str, Any]) -> MoveRule:
    kind = given.get("kind", Kind.ADVANCE.value)
    if kind not in MOVES:
        raise MappingError(f'A move\'s "kind" is one of {", ".join(sorted(MOVES))}; one says "{kind}".')
    rule = MoveRule(**{**given, "kind": Kind(kind)})
    if (rule.kind == Kind.ADVANCE) != bool(rule.to):
        raise MappingError(
            f'An advance says where "to" (a stage, or one of {", ".join(Milestone.names)}); others do not.'
        )
    return rule
