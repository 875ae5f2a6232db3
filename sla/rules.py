"""The rules of a version as data: reading what is stored, and refusing what cannot count.

A version's body is `{"rules": […]}`; a rule is a JSON object with the fields of `Rule`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from django.core.exceptions import ValidationError

from leads.conditions import ABOUT_PROMISED_LEAD, ConditionError, Group, parse
from sla.models import Policy, PolicySet, TargetUnit

MOST_RULES = 40
LONGEST = 1000
ANY_LEAD: dict[str, Any] = {"match": "all", "of": []}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as `sla.models.Policy` explains it; `when` is a condition as JSON."""

    name: str
    when: Mapping[str, Any] = field(default_factory=lambda: ANY_LEAD)
    is_promised: bool = True
    target: int = 48
    unit: str = TargetUnit.ELAPSED_HOURS.value
    floor_hours: int = 0
    calendar: int | None = None
    reminders: Sequence[int] = (50, 75, 90)
    propose_after: int = 4
    heads_after: int = 1
    hands_over: bool = False
    pauses: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """The stored form."""
        return {**asdict(self), "reminders": list(self.reminders), "pauses": list(self.pauses)}

    @property
    def condition(self) -> Group:
        """What a lead must meet. Raises ConditionError."""
        return parse(self.when, ABOUT_PROMISED_LEAD, may_be_empty=True)

    def as_policy(self, **columns: Any) -> Policy:
        """The policy that this rule becomes; not stored."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("when", "calendar")}
        return Policy(**given, condition=dict(self.when), calendar_id=self.calendar, **columns)


NAMES = {each.name for each in fields(Rule)}


def read(body: Any) -> list[Rule]:
    """The rules of a stored body; what is not known is left out, so that a draft can always be shown."""
    rules = body.get("rules", []) if isinstance(body, dict) else []
    return [Rule(**{name: value for name, value in each.items() if name in NAMES}) for each in rules]


def as_body(rules: Sequence[Rule]) -> dict[str, Any]:
    """The body that stores these rules."""
    return {"rules": [each.as_json() for each in rules]}


def checked(body: Any) -> dict[str, Any]:
    """The body as it may be published. Raises ValidationError with a sentence for each rule that cannot count."""
    rules = read(body)
    if len(rules) > MOST_RULES:
        raise ValidationError(f"A set has {MOST_RULES} rules at most.")
    mistakes = [
        f"Rule {number}: {mistake}" for number, rule in enumerate(rules, start=1) for mistake in mistakes_of(rule)
    ]
    if mistakes:
        raise ValidationError(mistakes)
    return as_body([replace(rule, name=rule.name.strip()) for rule in rules])


def floor_mistake(unit: str, floor_hours: int) -> str:
    """What is wrong with a floor, as a sentence; blank where nothing is. Whatever counts working time needs none."""
    counts_work = unit != TargetUnit.ELAPSED_HOURS
    return "A floor of working hours is for elapsed hours alone: leave it at 0." if counts_work and floor_hours else ""


def mistakes_of(rule: Rule) -> list[str]:
    """What is wrong with a rule, as sentences."""
    found = []
    if not rule.name.strip():
        found.append("Give it a name.")
    try:
        parse(rule.when, ABOUT_PROMISED_LEAD, may_be_empty=True)
    except ConditionError as refusal:
        found.append(str(refusal.message))
    if rule.unit not in TargetUnit.values:
        found.append("Say how the time is counted.")
    if rule.is_promised and not 0 < rule.target <= LONGEST:
        found.append(f"The time is between 1 and {LONGEST}.")
    if mistake := floor_mistake(rule.unit, rule.floor_hours):
        found.append(mistake)
    if rule.hands_over and not rule.propose_after:
        found.append("Say after how many working hours it is handed over by itself.")
    if any(not 0 < percentage < 100 for percentage in rule.reminders):
        found.append("A reminder comes after 1 to 99 per cent of the time.")
    return found


def publish(version: PolicySet) -> list[Policy]:
    """Make a policy of each rule of a version that now counts; returns them in order."""
    rules = read(version.body)
    return Policy.objects.bulk_create(
        [rule.as_policy(version=version, position=at, subject_kind=version.scope) for at, rule in enumerate(rules)]
    )
