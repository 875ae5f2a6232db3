"""Which promises start where: at which stage of a lead the clock of each kind begins, and by which rules."""

from dataclasses import dataclass

from leads.conditions import Names
from leads.conditions.language import Group, Operator, Test
from leads.models import Stage
from leads.stages.stages import Stages
from sla.models import PolicySet
from sla.rules import Rule, read
from sla.rules_in_words import Told, told
from sla.subjects import Subject, subjects


@dataclass(frozen=True, slots=True)
class Started:
    """A kind of promise that can start at a stage, and the rules that count for leads there, in their order."""

    subject: Subject
    rules: list[Told]


def starting_at(stage: Stage) -> list[Started]:
    """The kinds of promises that begin at the milestone of the stage. Whoever comes into its first stage is promised
    what rules for all say; a later stage only what a rule says that names it, unless clocks begin again and again, as
    those of deals do. Conditions are about a lead, whatever is timed.
    """
    stages, names, found = Stages.load(), Names(), []
    for subject in subjects():
        first = subject.starts_at(stages) if subject.starts_at else None
        if first and first.milestone == stage.milestone:
            published = PolicySet.published(subject.kind)
            rules = read(published.body) if published else []
            is_met = first == stage or not subject.is_pass
            given = zip(rules, told(rules, names, subject.noun), strict=True)
            counting = [words for rule, words in given if _may_hold(rule, stage, is_met=is_met)]
            found.append(Started(subject, counting))
    return found


def _may_hold(rule: Rule, stage: Stage, *, is_met: bool) -> bool:
    """Whether the rule can be about a lead that stands in the stage when a clock begins; `is_met`: if it names none."""
    named = [test for test in _tests(rule.condition) if test.field.key == "stage"]
    if not named:
        return is_met
    return any((stage.key in test.values) == (test.operator == Operator.IS) for test in named)


def _tests(group: Group) -> list[Test]:
    return [test for part in group.of for test in (_tests(part) if isinstance(part, Group) else [part])]
