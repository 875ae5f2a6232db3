"""Rules of promises as people read them."""

from collections.abc import Iterable
from dataclasses import dataclass

from leads.conditions import ConditionError, Names, sentence
from sla.models.policy import span
from sla.rules import Rule


@dataclass(frozen=True, slots=True)
class Told:
    """A rule in words: its place, whom it is about, and what it promises (blank: nothing)."""

    at: int
    name: str
    asks: str
    promised: str
    further: str
    is_wrong: bool = False


def told(rules: Iterable[Rule], names: Names, noun: str = "lead") -> list[Told]:
    """Rules in words, about each `noun`; one query for each kind of choice that they name."""
    return [_told(at, rule, names, noun) for at, rule in enumerate(rules)]


def _told(at: int, rule: Rule, names: Names, noun: str) -> Told:
    try:
        condition, is_wrong = rule.condition, False
        asks = f"If {sentence(condition, names)}" if condition.of else f"For every {noun}"
    except ConditionError as mistake:
        asks, is_wrong = str(mistake.message), True
    promised = span(rule.target, rule.unit) if rule.is_promised else ""
    return Told(at, rule.name, asks, promised, _further(rule), is_wrong)


def _further(rule: Rule) -> str:
    parts = []
    if rule.floor_hours:
        parts.append(f"after {rule.floor_hours} working hours at the earliest")
    if rule.reminders:
        parts.append(f"reminders at {', '.join(f'{each}%' for each in rule.reminders)}")
    if rule.propose_after:
        done = "handed over by itself" if rule.hands_over else "a proposal to hand over"
        parts.append(f"{done} {rule.propose_after} working hours after a breach")
    if rule.heads_after:
        days = span(rule.heads_after, "business_days")
        parts.append(f"both heads {days} after it")
    return "; ".join(parts) if rule.is_promised else ""
