"""Which promise a subject is under: the first rule in force whose condition its lead meets."""

from collections.abc import Iterable, Mapping

from leads.conditions import ABOUT_PROMISED_LEAD, Group, parse
from leads.conditions.reading import met_by
from sla.models import Policy
from sla.subjects import SubjectKey, Whose


def condition_of(policy: Policy) -> Group:
    """What a lead must meet; an empty group holds always."""
    return parse(policy.condition, ABOUT_PROMISED_LEAD, may_be_empty=True)


def promised(keys: Mapping[SubjectKey, Whose], in_force: Iterable[Policy]) -> dict[SubjectKey, Policy]:
    """The policy of each subject that has one; those without, or under one that promises nothing, are left out. What is
    about no lead meets no condition, but a rule without one.

    One query at most: none where no rule has a condition.
    """
    rules = of_kinds(in_force)
    asked = [(each, condition_of(each)) for kind in {key.kind for key in keys} for each in rules.get(kind, ())]
    conditional = [(each, condition) for each, condition in asked if condition.of]
    met = met_by([condition for _, condition in conditional], _leads(keys)) if conditional else {}
    held = {lead_id: {conditional[number][0].pk for number in numbers} for lead_id, numbers in met.items()}
    of_all = {each.pk for each, condition in asked if not condition.of}
    found = {}
    for key, whose in keys.items():
        holds = of_all | held.get(whose.lead_id or 0, set())
        rule = next((each for each in rules.get(key.kind, ()) if each.pk in holds), None)
        if rule and rule.is_promised:
            found[key] = rule
    return found


def _leads(keys: Mapping[SubjectKey, Whose]) -> set[int]:
    return {whose.lead_id for whose in keys.values() if whose.lead_id}


def of_kinds(policies: Iterable[Policy]) -> Mapping[str, list[Policy]]:
    """The rules of each kind of subject, in their order."""
    found: dict[str, list[Policy]] = {}
    for each in sorted(policies, key=lambda policy: policy.position):
        found.setdefault(each.subject_kind, []).append(each)
    return found
