"""Entry criteria of stages, and of joining a deal: what a lead must show before it may move."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, Case, CharField, Expression, Func, Q, Value, When

from leads.decisions import Step
from leads.milestones import Kind, QualifiedBy
from leads.models import Lead, Opportunity, Stage
from leads.models.opportunity import DealState
from leads.stages import Stages
from leads.standing import Standing

FIELDS: Mapping[str, tuple[str, Q]] = {
    "name": ("a name", ~Q(name="")),
    "email": ("an e-mail address", ~Q(email_key="")),
    "phone": ("a phone number", ~Q(phone="")),
    "company": ("a company", Q(account__isnull=False) | ~Q(company_name="")),
    "title": ("a job title", ~Q(title="")),
    "owner": ("an owner", Q(owner__isnull=False)),
}
"""Lead fields that a stage may require: key → (how a sentence names it, when it holds)."""

DEAL_FIELDS: Mapping[str, tuple[str, Q]] = {
    "amount": ("an amount", Q(amount__isnull=False)),
    "expected_close_on": ("an expected close date", Q(expected_close_on__isnull=False)),
    "probability": ("a probability", Q(probability__isnull=False)),
    "product": ("a product", ~Q(product="")),
    "owner": ("an owner", Q(owner__isnull=False)),
}
"""Fields of the deal that a stage may require: key → (how a sentence names it, when it holds)."""

CONFIRMATIONS: Mapping[str, str] = {
    "budget": "budget",
    "authority": "authority",
    "need": "need",
    "timeline": "timeline",
}
"""What a person may have to confirm (BANT): key → how a sentence names it."""


def missing(criteria: Mapping[str, Any]) -> Expression:
    """A SQL array of what a lead lacks: names of required `fields`, `score` where its points (as they were last
    reckoned) are below `criteria["score"]`, `fit` where its grade is below `criteria["fit"]`. The same expression
    serves moves and previews.
    """
    asked = {name: FIELDS[name][1] for name in sorted(criteria.get("fields", ()))}
    if least := criteria.get("score"):
        asked["score"] = Q(score__points__gte=least)
    if grade := criteria.get("fit"):
        asked["fit"] = Q(score__grade__lte=grade)
    parts = [Case(When(held, then=None), default=Value(name), output_field=CharField()) for name, held in asked.items()]
    array: ArrayField[list[str], list[str]] = ArrayField(CharField())
    filled = Func(*parts, template="array_remove(ARRAY[%(expressions)s]::text[], NULL)", output_field=array)
    return filled if parts else Func(template="ARRAY[]::text[]", output_field=array)


def lacking(stages: Collection[Stage], lead_ids: Collection[int]) -> dict[int, dict[int, list[str]]]:
    """For each of these stages and leads, what of `missing` the lead lacks; one query, none without such criteria."""
    demanding = [stage for stage in stages if stage.criteria.keys() & {"fields", "score", "fit"}]
    if not demanding:
        return {}
    rows = Lead.objects.filter(pk__any_of=lead_ids).values_list("pk", *(missing(stage.criteria) for stage in demanding))
    found: dict[int, dict[int, list[str]]] = {stage.pk: {} for stage in demanding}
    for lead_id, *lacked in rows:
        for stage, names in zip(demanding, lacked, strict=True):
            found[stage.pk][lead_id] = names
    return found


def sentence(stage: Stage, *, fields: Iterable[str], confirmations: Iterable[str], deal: Iterable[str]) -> str:
    """What is missing for `stage`, as a sentence; empty when nothing is."""
    lacks = [_named(stage, name) for name in fields]
    lacks += [f"{CONFIRMATIONS.get(name, name)} confirmed" for name in confirmations]
    if lacked := [DEAL_FIELDS[name][0] for name in deal]:
        lacks.append(f"an opportunity with {listed(lacked)}")
    return f"{stage.name} needs {listed(lacks)}." if lacks else ""


def _named(stage: Stage, name: str) -> str:
    """How a sentence names what a stage asks of a lead."""
    if name == "score":
        return f"a score of {stage.criteria['score']}"
    if name == "fit":
        grade = stage.criteria["fit"]
        return "a fit of A" if grade == "A" else f"a fit of {grade} or better"
    return FIELDS[name][0]


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)


def unmet(steps: Sequence[Step], standings: Mapping[int, Standing], stages: Stages) -> dict[int, str]:
    """Index of each step that asks for more than its lead shows → the sentence that says what is missing."""
    return _not_ready(steps, standings, stages) | _nothing_to_join(steps)


def _not_ready(steps: Sequence[Step], standings: Mapping[int, Standing], stages: Stages) -> dict[int, str]:
    judged = {
        index: stage
        for index, step in enumerate(steps)
        if not step.override and step.lead_id in standings
        if (stage := stages.of(step.kind, step.stage_id)) is not None and stage.criteria
        if _enters(step, standings[step.lead_id], stage)
    }
    if not judged:
        return {}
    fields = lacking(set(judged.values()), {steps[index].lead_id for index in judged})
    deals = {index: _deal(steps[index], standings[steps[index].lead_id]) for index in judged}
    shown = _deal_fields({pk for index, pk in deals.items() if pk and judged[index].criteria.get("deal")})
    sentences = {
        index: sentence(
            stage,
            fields=_asked_of(steps[index], fields.get(stage.pk, {}).get(steps[index].lead_id, ())),
            confirmations=[
                name for name in stage.criteria.get("confirmations", ()) if name not in steps[index].confirmations
            ],
            deal=[name for name in stage.criteria.get("deal", ()) if name not in shown.get(deals[index], ())],
        )
        for index, stage in judged.items()
    }
    return {index: text for index, text in sentences.items() if text}


def _asked_of(step: Step, lacked: Iterable[str]) -> list[str]:
    """Who raised a hand needs no score: that is the other way to become an MQL."""
    raised = step.qualified_by == QualifiedBy.HAND_RAISE
    return [name for name in lacked if not (raised and name in ("score", "fit"))]


def _deal_fields(deal_ids: Collection[int]) -> dict[int | None, set[str]]:
    """For each of these deals the fields of `DEAL_FIELDS` that it has; one query, none without deals."""
    if not deal_ids:
        return {}
    has = [
        Case(When(condition, then=True), default=False, output_field=BooleanField())
        for _, condition in DEAL_FIELDS.values()
    ]
    rows = Opportunity.objects.filter(pk__any_of=deal_ids).values_list("pk", *has)
    return {pk: {name for name, is_there in zip(DEAL_FIELDS, found, strict=True) if is_there} for pk, *found in rows}


def _enters(step: Step, standing: Standing, stage: Stage) -> bool:
    """Whether the step would bring the lead to the stage; evidence of what it has reached, and a correction, do not."""
    if step.kind == Kind.CORRECT:
        return False
    return not standing.passes or step.kind == Kind.REQUALIFY or stage.position > standing.passes[-1].stage.position


def _deal(step: Step, standing: Standing) -> int | None:
    return step.opportunity_id or (standing.passes[-1].opportunity_id if standing.passes else None)


def _nothing_to_join(steps: Sequence[Step]) -> dict[int, str]:
    """Leads join an open deal of their own company; of a deal without a company nobody knows better."""
    joining = {index: step for index, step in enumerate(steps) if step.kind == Kind.ATTACH}
    if not joining:
        return {}
    wanted = {step.opportunity_id for step in joining.values() if step.opportunity_id}
    deals = {deal.pk: deal for deal in Opportunity.objects.filter(pk__any_of=wanted)}
    leads = Lead.objects.filter(pk__any_of={step.lead_id for step in joining.values()})
    accounts = dict(leads.values_list("pk", "account_id"))
    found = {}
    for index, step in joining.items():
        deal = deals.get(step.opportunity_id or 0)
        if deal is None or deal.state != DealState.OPEN or deal.withdrawn_at:
            found[index] = "A lead can only join an open deal."
        elif deal.account_id not in (None, accounts.get(step.lead_id)):
            found[index] = "A lead can only join a deal of its own company."
    return found
