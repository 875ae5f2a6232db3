"""The ordered rules of routing, as a version stores them in its body:

`{"attach": true, "account_owner": true, "otherwise": 1, "rules": [{"name", "when", "pool", "person", "language"}, …]}`

The first rule whose condition a lead meets sends it to its pool or its person; without one it goes to the pool
`otherwise`. Before any rule, with `attach`, a lead of an account with an open deal joins that deal; with
`account_owner` it goes to the owner of its account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from alignment.lib.languages import language_names
from alignment.people.models import User
from leads.conditions import ABOUT_SCORED_LEAD, ConditionError, Group, parse
from leads.models.route import Pool

ABOUT = ABOUT_SCORED_LEAD
MOST_RULES = 50
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a lead that meets `when` goes: to a pool or to a person, and the language that its rep must speak."""

    name: str
    when: Group
    pool_id: int | None = None
    person_id: int | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole set of rules. `otherwise` is None only in a draft that is not whole yet."""

    attach: bool = True
    account_owner: bool = True
    rules: tuple[Rule, ...] = ()
    otherwise: int | None = None
    json: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def pool_ids(self) -> set[int]:
        """Every pool that is named."""
        return {pk for pk in (self.otherwise, *(rule.pool_id for rule in self.rules)) if pk}

    @property
    def person_ids(self) -> set[int]:
        """Everybody who is named."""
        return {rule.person_id for rule in self.rules if rule.person_id}


def read(body: Mapping[str, Any]) -> Rules:
    """The rules that a body stores. Raises ValidationError with a sentence that names the rule."""
    rules = body.get("rules", [])
    if not isinstance(rules, list) or len(rules) > MOST_RULES:
        raise ValidationError(f"There can be {MOST_RULES} rules at most.")
    return Rules(
        attach=bool(body.get("attach", True)),
        account_owner=bool(body.get("account_owner", True)),
        rules=tuple(_rule(rule, at) for at, rule in enumerate(rules, start=1)),
        otherwise=body.get("otherwise"),
        json=body,
    )


def _rule(rule: Mapping[str, Any], at: int) -> Rule:
    name = str(rule.get("name", "")).strip()
    if not name or len(name) > LONGEST_NAME:
        raise ValidationError(f"Rule {at} needs a name of {LONGEST_NAME} characters at most.")
    try:
        when = parse(rule.get("when"), ABOUT, may_be_empty=True)
    except ConditionError as mistake:
        raise ValidationError(f"“{name}”: {mistake.message}") from mistake
    if bool(rule.get("pool")) == bool(rule.get("person")):
        raise ValidationError(f"“{name}” sends leads to a pool or to a person.")
    language = rule.get("language") or ""
    if language and language not in language_names():
        raise ValidationError(f"“{name}”: there is no language “{language}”.")
    return Rule(name, when, rule.get("pool"), rule.get("person"), language)


def check(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a version that may count: whole, and what it names is there. Raises ValidationError."""
    rules = read(body)
    if rules.otherwise is None:
        raise ValidationError("Say which pool gets the leads that no rule is about.")
    pools = {pool.pk: pool for pool in Pool.objects.filter(pk__in=rules.pool_ids)}
    people = {person.pk: person for person in User.objects.filter(pk__in=rules.person_ids)}
    if rules.otherwise not in pools or pools[rules.otherwise].retired_at:
        raise ValidationError("The pool that gets the rest is retired. Choose another one.")
    for rule in rules.rules:
        if rule.pool_id and (rule.pool_id not in pools or pools[rule.pool_id].retired_at):
            raise ValidationError(f"“{rule.name}” sends leads to a pool that is retired.")
        if rule.person_id and (rule.person_id not in people or not people[rule.person_id].is_active):
            raise ValidationError(f"“{rule.name}” sends leads to somebody who left.")
    return dict(body)


def rule_of(body: Mapping[str, Any], at: int | None) -> Mapping[str, Any] | None:
    """The stored rule at an index; None where there is none."""
    rules: Sequence[Mapping[str, Any]] = body.get("rules", [])
    return rules[at] if at is not None and at < len(rules) else None
