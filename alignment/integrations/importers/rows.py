"""What a row of a file says, whatever kind of rows they are. Pure: problems are sentences, and nothing is guessed."""

import re
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from urllib.parse import quote
from zoneinfo import ZoneInfo

from alignment.integrations.importers import notations, salesforce_ids
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.rules import Group, MoveRule, Rule
from alignment.lib.currencies import CURRENCIES
from alignment.lib.emails import email_key_or_blank
from alignment.people.directory import Named
from leads.decisions import Step
from leads.drafts import DealDraft, Reference
from leads.milestones import Kind, QualifiedBy
from leads.models.opportunity import DealKind

EARLIEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)


class RowError(Exception):
    """The row cannot be imported; the message says why."""


@dataclass(frozen=True, slots=True)
class Places:
    """What names in a mapping stand for in this install: stages by key or milestone, reasons by (kind, key)."""

    stages: Dictionary[str, int]
    reasons: Dictionary[tuple[str, str], int]
    zone: ZoneInfo
    currency: str
    mql_stages: frozenset[int]
    deal_stages: frozenset[int]


def person(line: Line, mapping: Mapping) -> Named:
    """The person that a row of a people file describes. Raises RowError."""
    values = values_of(line, mapping, mapping.constants, mapping.fields)
    return Named(
        f"{mapping.system}:{key_of(line, mapping)}",
        email=email_key_or_blank(values.get("email", "")),
        name=values.get("name", "")[:120],
        team=values.get("team", "")[:80],
    )


def is_skipped(line: Line, mapping: Mapping) -> bool:
    """Whether the mapping leaves rows like this one out."""
    return any(line.text(column).casefold() in values for column, values in mapping.skip.items())


def key_of(line: Line, mapping: Mapping) -> str:
    """What identifies the row. Raises RowError for a blank one, and for what is no row of the table."""
    key = " / ".join(filter(None, map(line.text, mapping.keys)))
    if line.fault or not key:
        raise RowError(line.fault or f"The key column {mapping.key} is blank.")
    return key


def date_of(line: Line, column: str, mapping: Mapping, places: Places) -> datetime | None:
    """The moment that a cell names, None for a blank one: a date without a time is midnight in the mapping's zone,
    else the company's.

    Raises RowError where the cell is written otherwise than the column, or outside 1990–2100.
    """
    text = line.text(column)
    if notations.is_nothing(text):
        return None
    zone = mapping.zone or places.zone
    notation = mapping.notations.get(column)
    if notation is None:
        return _moment(text, mapping.date_formats, zone)
    try:
        return _in_calendar(text, notations.moment(text, notation, zone))
    except notations.NotationError:
        raise RowError(f"“{text}” is not a date as {column} writes them{_WRITTEN[notation]}.") from None


_WRITTEN = {
    "dmy": " (day first)",
    "mdy": " (month first)",
    **dict.fromkeys(("iso", "epoch_s", "epoch_ms", "excel"), ""),
}


@lru_cache(maxsize=4_096)  # the same few days stand in row after row
def _moment(text: str, formats: tuple[str, ...], zone: ZoneInfo) -> datetime:
    for pattern in formats:
        try:
            found = datetime.fromisoformat(text) if pattern == "iso" else datetime.strptime(text, pattern)  # noqa: DTZ007
        except ValueError:
            continue
        return _in_calendar(text, found if found.tzinfo else found.replace(tzinfo=zone))
    raise RowError(f"“{text}” is not a date as the mapping writes them ({', '.join(formats)}).")


def _in_calendar(text: str, found: datetime) -> datetime:
    if not EARLIEST <= found.date() <= LATEST:
        raise RowError(f"“{text}” lies outside the years 1990 to 2100.")
    return found


def values_of(
    line: Line, mapping: Mapping, constants: Dictionary[str, str], fields: Dictionary[str, tuple[str, ...]]
) -> dict[str, str]:
    """What a row says, by our names: the constants, and over them the cells as the mapping's `values` put them."""
    values = dict(constants)
    for ours, columns in fields.items():
        if len(columns) == 1:
            values[ours] = _value(line, mapping, columns[0])
        else:
            values[ours] = " ".join(filter(None, (_value(line, mapping, column) for column in columns)))
    return values


def _value(line: Line, mapping: Mapping, column: str) -> str:
    text = line.text(column)
    meanings = mapping.values.get(column)
    return meanings.get(text, text) if meanings else text


def chosen(line: Line, group: Group[Rule]) -> tuple[Rule, ...]:
    """The rules of a group that a row meets. Raises RowError for a value that the group does not know."""
    if not group.by:
        return group.always
    value = " / ".join(line.text(column) for column in group.by)
    rules = group.chosen(value)
    if rules is None:
        raise RowError(f"The mapping does not say what {' / '.join(group.by)} “{value}” means.")
    return rules


def steps_of(line: Line, mapping: Mapping, places: Places) -> tuple[Step, ...]:
    """The moves that a row brings, in the mapping's order. Raises RowError."""
    rules = (rule for group in mapping.moves for rule in chosen(line, group))
    return tuple(step for rule in rules if (step := _step(line, rule, mapping, places)) is not None)


_EXPLAINED = frozenset({Kind.REJECT, Kind.LOSE})


def _step(line: Line, rule: MoveRule, mapping: Mapping, places: Places) -> Step | None:
    if rule.when_filled and not line.text(rule.when_filled):
        return None
    at = date_of(line, rule.at, mapping, places) if rule.at else None
    if rule.at and at is None and not rule.or_undated:
        return None
    stage = places.stages.get(rule.to) if rule.to else None
    if rule.to and stage is None:
        raise RowError(f"There is no stage “{rule.to}”.")
    named = rule.reason or ("not_recorded" if rule.kind in _EXPLAINED else "")
    reason = places.reasons.get((rule.kind, named)) if named else None
    if named and reason is None:
        raise RowError(f"There is no reason “{named}”.")
    return Step(
        0,
        rule.kind,
        stage_id=stage,
        at=at,
        is_undated=at is None,
        reason_id=reason,
        qualified_by=QualifiedBy.IMPORT if stage in places.mql_stages else "",
    )


def reference(key: str, mapping: Mapping, url: str = "") -> Reference:
    """What the mapping's system calls the thing, and where it is found there; {key} in `url` stands for the key."""
    known_as = record_id(key, mapping)
    address = url.replace("{key}", quote(known_as, safe="")) if url else ""
    return Reference(mapping.system, known_as, address if len(address) <= _LONGEST_URL else "")


_LONGEST_URL, _LONGEST_ID = 500, 200
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d{2}")


def record_id(key: str, mapping: Mapping) -> str:
    """The one form of an id that a system writes in several. Raises RowError for what cannot be one any more."""
    if _SHORTENED.fullmatch(key):
        raise RowError(f"A spreadsheet has shortened the id to “{key}”: export the file again and import it unopened.")
    if len(key) > _LONGEST_ID:
        raise RowError(f"“{key[:30]}…” is longer than {_LONGEST_ID} characters: that is no id.")
    return salesforce_ids.long(key) if mapping.ids == "salesforce" else key


def references_of(line: Line, key: str, mapping: Mapping) -> tuple[Reference, ...]:
    """What other systems call the lead of a row. Raises RowError."""
    keys = [key, *filter(None, map(line.text, mapping.references))]
    return tuple(reference(each, mapping, mapping.url) for each in keys)


def owner_of(line: Line, mapping: Mapping) -> Named | None:
    """Whom the owner column names; None for a blank one."""
    text = line.text(mapping.owner) if mapping.owner else ""
    if not text:
        return None
    email = email_key_or_blank(text) if "@" in text else ""
    return Named(f"{mapping.system or 'import'}:{text}"[:200], email=email, name="" if email else text[:120])


def deal_of(line: Line, mapping: Mapping, places: Places, key: str, *, opened: Step | None) -> DealDraft:
    """The deal that a row describes; `key` is what the mapping's system calls it. Raises RowError."""
    values = values_of(line, mapping, mapping.deal_constants, mapping.deal)
    closing = mapping.deal.get("expected_close_on", ("",))[0]
    expected = date_of(line, closing, mapping, places) if closing else None
    said = values.get("amount", "")
    return DealDraft(
        name=values.get("name", "")[:200] or _deal_name(line, mapping, values.get("product", ""), key),
        currency=_currency(values.get("currency", ""), said) or places.currency,
        amount=_amount(said, mapping.notations.get(mapping.deal.get("amount", ("",))[0], "decimal_point")),
        kind=_DEAL_KINDS.get(values.get("kind", "").casefold(), DealKind.NEW.value),
        product=values.get("product", "")[:120],
        expected_close_on=expected.date() if expected else None,
        opened_at=opened.at if opened else None,
        is_undated=opened is None or opened.at is None,
        references=(reference(key, mapping, mapping.url),) if key else (),
    )


def _deal_name(line: Line, mapping: Mapping, product: str, key: str) -> str:
    """What a deal is called that has no name: after its product, else its company, and the key of its row."""
    company = " ".join(filter(None, map(line.text, mapping.fields.get("company_name", ()))))
    return " · ".join(filter(None, (product or company, key or line.text(mapping.key))))[:200]


_DEAL_KINDS = {
    **{kind.value: kind.value for kind in DealKind},
    **dict.fromkeys(("existing customer - upgrade", "existingbusiness", "existing business", "upsell"), "expansion"),
    **dict.fromkeys(("existing customer - replacement", "existing customer - downgrade", "renewals"), "renewal"),
}


def _currency(said: str, amount: str) -> str:
    """The currency of a deal: that of its column, else the one beside the amount; empty where neither says."""
    code = said.upper() or notations.currency_of(amount)
    if said and code not in CURRENCIES:
        raise RowError(f"“{said}” is no currency code such as EUR or USD.")
    return code if code in CURRENCIES else ""


def _amount(text: str, notation: str) -> Decimal | None:
    if notations.is_nothing(text):
        return None
    try:
        amount = notations.amount(text, notation)
    except notations.NotationError:
        raise RowError(f"“{text}” is not an amount.") from None
    if not 0 <= amount < Decimal(10) ** 12:
        raise RowError(f"“{text}” is not an amount between 0 and 999,999,999,999.99.")
    return amount.quantize(Decimal("0.01"))
