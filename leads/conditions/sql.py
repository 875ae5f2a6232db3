"""Conditions as SQL: one boolean expression for any number of rows, never null, with every value a bound parameter."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from leads.conditions.fields import Field, Kind
from leads.conditions.language import Group, Operator, Test, words_of

_JOINS = {
    "account": "LEFT JOIN leads_account account ON account.id = lead.account_id",
    "score": "LEFT JOIN leads_score score ON score.lead_id = lead.id",
}


@dataclass(frozen=True, slots=True)
class Sql:
    """An expression with its parameters, and the aliases (`lead`, `account`, `score`, `touch`) that it reads."""

    text: str
    params: tuple[Any, ...]
    aliases: frozenset[str]


def from_leads(aliases: Collection[str]) -> str:
    """What follows FROM for expressions over leads that read these aliases."""
    return " ".join(["leads_lead lead", *(join for alias, join in _JOINS.items() if alias in aliases)])


def compiled(group: Group) -> Sql:
    """The condition as an expression that is true or false, whatever is missing: what is blank is not what was asked.

    So “is not retail” holds where the industry is not known, and “at least 50” does not where the number is not.
    """
    parts = [compiled(part) if isinstance(part, Group) else _test(part) for part in group.of]
    if not parts:
        return Sql("TRUE", (), frozenset())
    word = " AND " if group.match == "all" else " OR "
    return Sql(f"({word.join(part.text for part in parts)})", _params(parts), _aliases(parts))


def _params(parts: Iterable[Sql]) -> tuple[Any, ...]:
    return tuple(param for part in parts for param in part.params)


def _aliases(parts: Iterable[Sql]) -> frozenset[str]:
    return frozenset().union(*(part.aliases for part in parts))


def _test(test: Test) -> Sql:
    field = test.field
    make = {Kind.TEXT: _text, Kind.NUMBER: _number, Kind.CHOICE: _choice, Kind.FLAG: _flag}[field.kind]
    text, params = make(field, test.operator, test.values)
    return Sql(text, params, frozenset({field.alias}))


def _text(field: Field, operator: Operator, values: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    asked = f"lower(coalesce({field.sql}, ''))"
    lowered = "ARRAY(SELECT lower(value) FROM unnest(%s::text[]) value)"
    match operator:
        case Operator.KNOWN:
            return f"{asked} <> ''", ()
        case Operator.BLANK:
            return f"{asked} = ''", ()
        case Operator.IS:
            return f"{asked} = ANY({lowered})", (list(values),)
        case Operator.IS_NOT:
            return f"{asked} <> ALL({lowered})", (list(values),)
        case Operator.HAS_WORD:
            return f"{asked} ~ ANY({lowered})", ([_as_words(value) for value in values],)
        case Operator.STARTS_WITH:
            return f"{asked} LIKE ANY({lowered})", ([f"{_as_pattern(value)}%" for value in values],)
        case Operator.LACKS:
            return f"{asked} NOT LIKE ALL({lowered})", ([f"%{_as_pattern(value)}%" for value in values],)
        case _:
            return f"{asked} LIKE ANY({lowered})", ([f"%{_as_pattern(value)}%" for value in values],)


def _as_pattern(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _as_words(value: str) -> str:
    """The words one after the other, each whole."""
    return f"(^|[^[:alnum:]]){'[^[:alnum:]]+'.join(words_of(value))}($|[^[:alnum:]])"


def _number(field: Field, operator: Operator, values: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    match operator:
        case Operator.KNOWN:
            return f"({field.sql}) IS NOT NULL", ()
        case Operator.BLANK:
            return f"({field.sql}) IS NULL", ()
        case Operator.BETWEEN:
            return f"coalesce({field.sql} BETWEEN %s AND %s, FALSE)", values
        case Operator.AT_LEAST:
            return f"coalesce({field.sql} >= %s, FALSE)", values
        case _:
            return f"coalesce({field.sql} <= %s, FALSE)", values


def _choice(field: Field, operator: Operator, values: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    blank = f"{field.sql} IS NULL" if field.of else f"coalesce({field.sql}, '') = ''"
    if operator == Operator.KNOWN:
        return f"NOT ({blank})", ()
    if operator == Operator.BLANK:
        return f"({blank})", ()
    among = "%s::text[]"
    if field.of:
        among = f"ARRAY(SELECT id FROM {field.of._meta.db_table} WHERE key = ANY(%s::text[]))"
    held = f"coalesce({field.sql} = ANY({among}), FALSE)"
    return (held if operator == Operator.IS else f"NOT {held}"), (list(values),)


def _flag(field: Field, operator: Operator, values: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    held = f"coalesce({field.sql}, FALSE)"
    return (held if operator == Operator.YES else f"NOT {held}"), ()
