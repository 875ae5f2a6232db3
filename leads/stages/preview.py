"""What new criteria of a stage would mean: how many of the leads that stand in it would not meet them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from leads import criteria
from leads.conditions.reading import leads_that_meet
from leads.conditions.sentences import Names, sentence
from leads.models import Opportunity, Stage
from leads.stages.mapping import standing_in


@dataclass(frozen=True, slots=True)
class Preview:
    """Of `standing` leads, `unmet` would not meet the criteria today; `lacks` says what is missing and for how many."""

    standing: int
    unmet: int
    lacks: tuple[tuple[str, int], ...]


def preview(stage: Stage, asked: Mapping[str, Any]) -> Preview:
    """Criteria as a body tells them, asked of the open leads in the stage; confirmations are asked of people, and not
    counted. One query.
    """
    tests = _tests(asked)
    counts = {f"lack_{index}": Count("pk", filter=~test) for index, (_, test) in enumerate(tests)}
    all_met = Q()
    for _, test in tests:
        all_met &= test
    met = Count("pk", filter=all_met) if tests else Count("pk")
    found = standing_in(stage).aggregate(standing=Count("pk"), met=met, **counts)
    lacks = [(words, found[f"lack_{index}"]) for index, (words, _) in enumerate(tests)]
    return Preview(
        found["standing"], found["standing"] - found["met"], tuple((words, count) for words, count in lacks if count)
    )


def _tests(asked: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What is asked, in words, and when it holds of a lead."""
    tests: list[tuple[str, Any]] = [criteria.FIELDS[name] for name in asked.get("fields", ())]
    for name in asked.get("deal", ()):
        words, holds = criteria.DEAL_FIELDS[name]
        carried = Opportunity.objects.filter(
            holds, journeys__lead=OuterRef("pk"), journeys__pass_no=OuterRef("pass_no")
        )
        tests.append((f"an opportunity with {words}", Q(Exists(carried))))
    names = Names()
    conditions = criteria.parts(asked.get("conditions"))
    return tests + [(f"that {sentence(part, names)}", Q(pk__in=leads_that_meet(part))) for part in conditions]
