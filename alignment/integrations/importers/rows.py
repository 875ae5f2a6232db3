"""From a row of a file to a lead as it arrives. Pure: problems are sentences, and nothing is guessed."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from alignment.integrations.importers.mapping import Mapping, MoveRule
from alignment.integrations.importers.reading import Line
from alignment.lib.emails import email_key_or_blank
from alignment.people.directory import Named
from leads.decisions import Step
from leads.drafts import DealDraft, Draft, Reference
from leads.milestones import Kind, QualifiedBy
from leads.models.lead import Consent
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


@dataclass(frozen=True, slots=True)
class Arrival:
    """A translated row: the lead, whom its owner column names, and remarks that do not stop it."""

    line: Line
    draft: Draft
    owner: Named | None
    remarks: tuple[str, ...] = ()


def translate(line: Line, mapping: Mapping, places: Places) -> Arrival:
    """The lead that a row describes. Raises RowError with the reason why it is none."""
    if line.fault:
        raise RowError(line.fault)
    key = line.text(mapping.key)
    if not key:
        raise RowError(f"The key column {mapping.key} is blank.")
    values = _values(line, mapping, mapping.constants, mapping.fields)
    if mapping.key_is_email:
        values["email"] = key
        if not email_key_or_blank(key):
            raise RowError(f"“{key}” is not an e-mail address.")
    remarks = []
    if values.get("email") and not email_key_or_blank(values["email"]):
        remarks.append(f"“{values['email']}” is not an e-mail address; it was kept as text.")
    steps = _steps(line, mapping, places)
    dated = [step.at for step in steps if step.at is not None]
    texts: dict[str, Any] = {name: values.get(name, "")[:200] for name in _TEXTS}
    facets: dict[str, Any] = {name: values.get(name) or None for name in _FACETS}
    return Arrival(
        line=line,
        draft=Draft(
            **texts,
            **facets,
            consent=_consent(values.get("consent", "")),
            attributes={column: line.cells[column] for column in mapping.attributes if line.text(column)},
            references=_references(key, mapping),
            steps=steps,
            deal=_deal(line, mapping, places, steps),
            owned_at=dated[-1] if dated else None,
            created_at=dated[0] if dated else None,
        ),
        owner=_owner(line, mapping),
        remarks=tuple(remarks),
    )


_TEXTS = ("name", "email", "phone", "title", "seniority", "company_name", "product_interest")
_FACETS = ("source", "campaign", "segment", "territory")


def person(line: Line, mapping: Mapping) -> Named:
    """The person that a row of a people file describes. Raises RowError."""
    if line.fault or not line.text(mapping.key):
        raise RowError(line.fault or f"The key column {mapping.key} is blank.")
    values = _values(line, mapping, mapping.constants, mapping.fields)
    return Named(
        f"{mapping.system}:{line.text(mapping.key)}",
        email=values.get("email", ""),
        name=values.get("name", ""),
        team=values.get("team", ""),
    )


def parse_date(text: str, mapping: Mapping, places: Places) -> datetime:
    """The moment that a cell names: a date without a time is midnight in the mapping's zone, else the company's.

    Raises RowError where no format fits, or outside 1990–2100.
    """
    return _moment(text, mapping.date_formats, mapping.zone or places.zone)


@lru_cache(maxsize=4_096)  # the same few days stand in row after row
def _moment(text: str, formats: tuple[str, ...], zone: ZoneInfo) -> datetime:
    for pattern in formats:
        try:
            found = datetime.fromisoformat(text) if pattern == "iso" else datetime.strptime(text, pattern)  # noqa: DTZ007
        except ValueError:
            continue
        if not EARLIEST <= found.date() <= LATEST:
            raise RowError(f"“{text}” lies outside the years 1990 to 2100.")
        return found if found.tzinfo else found.replace(tzinfo=zone)
    raise RowError(f"“{text}” is not a date as the mapping writes them ({', '.join(formats)}).")


def _values(
    line: Line, mapping: Mapping, constants: Dictionary[str, str], fields: Dictionary[str, str]
) -> dict[str, str]:
    """What a row says, by our names: the constants, and over them the cells as the mapping's `values` put them."""
    return {**constants, **{ours: _value(line, mapping, column) for ours, column in fields.items()}}


def _value(line: Line, mapping: Mapping, column: str) -> str:
    text = line.text(column)
    return mapping.values.get(column, {}).get(text, text)


def _steps(line: Line, mapping: Mapping, places: Places) -> tuple[Step, ...]:
    rules = mapping.moves.always
    if mapping.moves.by:
        value = line.text(mapping.moves.by)
        if value not in mapping.moves.cases:
            raise RowError(f"The mapping does not say what {mapping.moves.by} “{value}” means.")
        rules = mapping.moves.cases[value]
    return tuple(step for rule in rules if (step := _step(line, rule, mapping, places)) is not None)


_EXPLAINED = frozenset({Kind.REJECT, Kind.LOSE})


def _step(line: Line, rule: MoveRule, mapping: Mapping, places: Places) -> Step | None:
    text = line.text(rule.at) if rule.at else ""
    if rule.at and not text and not rule.or_undated:
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
        at=parse_date(text, mapping, places) if text else None,
        is_undated=not text,
        reason_id=reason,
        qualified_by=QualifiedBy.IMPORT if stage in places.mql_stages else "",
    )


def _references(key: str, mapping: Mapping) -> tuple[Reference, ...]:
    if mapping.key_is_email:
        return ()
    return (Reference(mapping.system, key[:200], mapping.url.replace("{key}", key) if mapping.url else ""),)


def _owner(line: Line, mapping: Mapping) -> Named | None:
    text = line.text(mapping.owner) if mapping.owner else ""
    if not text:
        return None
    email = email_key_or_blank(text)
    return Named(f"{mapping.system or 'import'}:{text}", email=email, name="" if email else text)


def _consent(text: str) -> str:
    meanings = {
        Consent.GRANTED.value: {"granted", "yes", "true", "1", "opt-in", "subscribed"},
        Consent.WITHDRAWN.value: {"withdrawn", "no", "false", "0", "opt-out", "unsubscribed"},
    }
    return next((value for value, words in meanings.items() if text.casefold() in words), "")


def _deal(line: Line, mapping: Mapping, places: Places, steps: tuple[Step, ...]) -> DealDraft | None:
    """The deal of a row whose lead reached SQO or was won; None before."""
    values = _values(line, mapping, mapping.deal_constants, mapping.deal)
    at_deal = [step for step in steps if step.kind in (Kind.WIN, Kind.LOSE) or step.stage_id in places.deal_stages]
    if not (mapping.deal or mapping.deal_constants) or not at_deal:
        return None
    key, closing = line.text(mapping.key), values.get("expected_close_on", "")
    return DealDraft(
        name=values.get("name") or " · ".join(filter(None, (values.get("product"), key)))[:200],
        currency=(values.get("currency") or places.currency).upper(),
        amount=_amount(values.get("amount", "")),
        kind=values.get("kind") or DealKind.NEW.value,
        product=values.get("product", ""),
        expected_close_on=parse_date(closing, mapping, places).date() if closing else None,
        opened_at=at_deal[0].at,
        is_undated=at_deal[0].at is None,
        references=() if mapping.key_is_email else (Reference(mapping.system, key[:200]),),
    )


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise RowError(f"“{text}” is not an amount.") from None
    if not amount.is_finite() or not 0 <= amount < Decimal(10) ** 12:
        raise RowError(f"“{text}” is not an amount between 0 and 999,999,999,999.99.")
    return amount.quantize(Decimal("0.01"))
