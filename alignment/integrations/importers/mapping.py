"""What a mapping file says: which column is what, how dates are written, which moves a row brings. Pure.

A mapping is a JSON object; `docs/import.md` shows one of each kind. Everything is checked before a row is read.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, available_timezones

from alignment.integrations.importers import notations
from alignment.integrations.importers.rules import Group, MappingError, MoveRule, TouchRule, move_groups, touch_group
from leads.causes import Promise

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
ID_FORMS = ("", "salesforce")
SYSTEM_LENGTH = 40
KINDS = ("leads", "deals", "touches", "people")


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping. Field dictionaries go from our name to columns, whose cells are joined by a blank;
    `constants` from our name to a value. `keys` are the columns that together identify a row.
    """

    name: str
    kind: str
    system: str
    keys: tuple[str, ...]
    key_is_email: bool
    ids: str
    fields: dict[str, tuple[str, ...]]
    constants: dict[str, str]
    attributes: tuple[str, ...]
    references: tuple[str, ...]
    values: dict[str, dict[str, str]]
    skip: dict[str, frozenset[str]]
    date_formats: tuple[str, ...]
    notations: dict[str, str]
    zone: ZoneInfo | None
    created: str
    moves: tuple[Group[MoveRule], ...]
    deal: dict[str, tuple[str, ...]]
    deal_constants: dict[str, str]
    deal_key: str
    lead: tuple[tuple[str, str], ...]
    touch: Group[TouchRule]
    touched: tuple[str, ...]
    due: tuple[str, ...]
    owner: str
    unknown_owner: str
    unknown_lead: str
    promise: Promise
    route: bool
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
        kind = reader.choice("kind", KINDS, "leads")
        key = reader.section("key")
        if len(key) != 1 or next(iter(key)) not in ("external_id", "email"):
            raise MappingError('"key" names one column: {"external_id": "…"} or {"email": "…"}.')
        allowed = PERSON_FIELDS if kind == "people" else LEAD_FIELDS
        deal, owner = reader.section("deal"), reader.section("owner")
        touch = reader.given.pop("touch", None)
        mapping = cls(
            name=reader.text("name", "Import"),
            kind=kind,
            system=reader.text("system"),
            keys=_keys(key, kind),
            key_is_email="email" in key,
            ids=reader.choice("ids", ID_FORMS, ""),
            fields=_joined("fields", reader.names("fields", allowed)),
            constants=_texts(reader.names("constants", allowed)),
            attributes=tuple(reader.listed("attributes")),
            references=tuple(reader.listed("references")),
            values=reader.section("values"),
            skip={column: frozenset(map(str.casefold, values)) for column, values in reader.section("skip").items()},
            date_formats=tuple(reader.listed("date_formats") or ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "iso"]),
            notations=_notations(reader.section("notations")),
            zone=_zone(reader.text("zone", "")),
            created=reader.text("created"),
            moves=move_groups(reader.given.pop("moves", [])),
            deal=_joined("deal.fields", _known("deal.fields", deal.get("fields", {}), DEAL_FIELDS)),
            deal_constants=_texts(_known("deal.constants", deal.get("constants", {}), DEAL_FIELDS)),
            deal_key=deal.get("key", ""),
            lead=_lead(reader.listed("lead")),
            touch=touch_group(touch) if touch is not None else Group(),
            touched=tuple(reader.listed("touched")),
            due=tuple(reader.listed("due")),
            owner=owner.get("column", ""),
            unknown_owner=_choice("owner.unknown", owner.get("unknown", "none"), UNKNOWN_OWNERS),
            unknown_lead=reader.choice("unknown_lead", UNKNOWN_LEADS, "create"),
            promise=Promise(reader.choice("promise", [each.value for each in Promise], Promise.NONE.value)),
            route=reader.flag("route"),
            overwrite=reader.flag("overwrite"),
            url=reader.text("url", ""),
        )
        reader.refuse_the_rest()
        mapping._agrees()
        return mapping

    def _agrees(self) -> None:
        if len(self.system) > SYSTEM_LENGTH:
            raise MappingError(f'The name of a "system" has at most {SYSTEM_LENGTH} characters.')
        if not self.key_is_email and not self.system:
            raise MappingError('A key by external id needs a "system": the name of where the ids come from.')
        if self.kind == "touches" and (not self.touched or not self.lead or not list(self.touch.all_rules())):
            raise MappingError(
                'Touches need "lead" (the columns that name the lead), "touched" (the columns that date the touch, the '
                'first filled one counts) and "touch" (what it is).'
            )
        if any(rule.is_step for rule in self.touch.all_rules()) and not self.due:
            raise MappingError('A "step" needs "due": the columns that say until when, the first filled one counts.')
        if self.kind in ("deals", "touches") and self.key_is_email:
            raise MappingError(f'The key of {self.kind} is an external id: {{"external_id": "…"}}.')

    @property
    def key(self) -> str:
        """The column that identifies a row; the first of several."""
        return self.keys[0]

    @property
    def columns(self) -> set[str]:
        """The columns that a file must have."""
        named = {*self.keys, self.owner, self.created, self.deal_key, *self.attributes, *self.references, *self.skip}
        named |= {column for columns in (*self.fields.values(), *self.deal.values()) for column in columns}
        named |= {column for _, column in self.lead} | {*self.touched, *self.due, *self.touch.by}
        named |= {column for rule in self.touch.all_rules() for column in rule.columns}
        return (named | self.moved) - {""}

    @property
    def moved(self) -> set[str]:
        """The columns that say which moves a row brings, and when they were made."""
        rules = {column for group in self.moves for rule in group.all_rules() for column in rule.columns}
        return rules | {column for group in self.moves for column in group.by}


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
    return dict(given)


def _zone(name: str) -> ZoneInfo | None:
    if name and name not in available_timezones():
        raise MappingError(f'"zone" is an IANA name such as Europe/Berlin; "{name}" is none.')
    return ZoneInfo(name) if name else None


def _joined(name: str, given: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Our name → columns: a column, or a list of columns whose cells are joined."""
    columns = {ours: tuple(said) if isinstance(said, list) else (said,) for ours, said in given.items()}
    if not all(isinstance(each, str) for several in columns.values() for each in several):
        raise MappingError(f'"{name}" goes from our name to a column, or to a list of columns.')
    return columns


def _texts(given: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in given.items()}


def _notations(given: dict[str, Any]) -> dict[str, str]:
    for column, notation in given.items():
        _choice(f"notations.{column}", notation, (*notations.DATES, *notations.NUMBERS))
    return given


def _keys(given: dict[str, Any], kind: str) -> tuple[str, ...]:
    """The columns of a checked `key`; only touches may have several."""
    said = next(iter(given.values()))
    columns = tuple(said) if isinstance(said, list) else (said,)
    if (
        not columns
        or not all(isinstance(column, str) for column in columns)
        or (len(columns) > 1 and kind != "touches")
    ):
        raise MappingError('"key" names one column: {"external_id": "…"} or {"email": "…"}.')
    return columns


def _lead(given: list[Any]) -> tuple[tuple[str, str], ...]:
    """How a row names its lead: (what the column holds, the column), tried in order."""
    if not all(isinstance(each, dict) and len(each) == 1 and each.keys() <= {"external_id", "email"} for each in given):
        raise MappingError('"lead" is a list of {"external_id": "…"} and {"email": "…"}, tried in order.')
    return tuple(pair for each in given for pair in each.items())
