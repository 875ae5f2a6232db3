"""Entry criteria of stages, and of joining a deal: what a lead must show before it may move."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, Case, CharField, Expression, Func, Q, Value, When

from leads.conditions.fields import ABOUT_SCORED_LEAD
from leads.conditions.language import Group, parse
from leads.conditions.reading import met_by
from leads.conditions.sentences import Names
from leads.conditions.sentences import sentence as clause
from leads.decisions import Step
from leads.milestones import Kind, QualifiedBy
from leads.models import Lead, Opportunity, Stage
from leads.models.opportunity import DealState
from leads.stages.stages import Stages
from leads.standing import Standing

FIELDS: Mapping[str, tuple[str, Q]] = {
    "name": ("a name", ~Q(name="")),
    "email": ("an e-mail address", ~Q(email_key="")),
    "phone": ("a phone number", ~Q(phone="")),
    "company": ("a company", Q(account__isnull=False) | ~Q(company_name="")),
    "title": ("a job title", ~Q(title="")),
    "product_interest": ("a product of interest", ~Q(product_interest="")),
    "source": ("a source", Q(source__isnull=False)),
    "segment": ("a segment", Q(segment__isnull=False)),
    "territory": ("a territory", Q(territory__isnull=False)),
    "industry": ("an industry of the account", Q(account__isnull=False) & ~Q(account__industry="")),
    "employees": ("a number of employees of the account", Q(account__employees__isnull=False)),
    "country": ("a country of the account", Q(account__isnull=False) & ~Q(account__country="")),
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
"""What a person may have to confirm (BANT): key → how a sentence names it. A company's own are named by themselves."""


def conditions_of(stage: Stage) -> list[Group]:
    """The conditions that a lead must meet to enter, one by one, so that a sentence can name those that it does not."""
    return parts(stage.criteria.get("conditions"))


def parts(stored: Any) -> list[Group]:
    """A stored condition (None: none) as conditions that must all hold."""
    group = parse(stored, ABOUT_SCORED_LEAD, may_be_empty=True) if stored else Group("all")
    return [Group("all", (part,)) for part in group.of] if group.match == "all" else [group]


def missing_fields(required: Iterable[str]) -> Expression:
    """A SQL array of the required fields that a lead lacks; the same expression serves moves and previews."""
    parts = [
        Case(When(FIELDS[name][1], then=None), default=Value(name), output_field=CharField())
        for name in sorted(required)
    ]
    array: ArrayField[list[str], list[str]] = ArrayField(CharField())
    filled = Func(*parts, template="array_remove(ARRAY[%(expressions)s]::text[], NULL)", output_field=array)
    return filled if parts else Func(template="ARRAY[]::text[]", output_field=array)


def lacking(stages: Collection[Stage], lead_ids: Collection[int]) -> dict[int, dict[int, list[str]]]:
    """For each of these stages and leads, the required fields that the lead lacks; one query, none without criteria."""
    demanding = [stage for stage in stages if stage.criteria.get("fields")]
    if not demanding:
        return {}
    rows = Lead.objects.filter(pk__any_of=lead_ids).values_list(
        "pk", *(missing_fields(stage.criteria["fields"]) for stage in demanding)
    )
    found: dict[int, dict[int, list[str]]] = {stage.pk: {} for stage in demanding}
    for lead_id, *missing in rows:
        for stage, names in zip(demanding, missing, strict=True):
            found[stage.pk][lead_id] = names
    return found


def unmet_conditions(stages: Collection[Stage], lead_ids: Collection[int]) -> dict[int, dict[int, list[Group]]]:
    """For each of these stages and leads, the conditions that the lead does not meet; one query, none without any."""
    asked = [(stage.pk, part) for stage in stages for part in conditions_of(stage)]
    if not asked:
        return {}
    found: dict[int, dict[int, list[Group]]] = {}
    for lead_id, met in met_by([part for _, part in asked], lead_ids).items():
        for index, (stage_id, part) in enumerate(asked):
            if index not in met:
                found.setdefault(stage_id, {}).setdefault(lead_id, []).append(part)
    return found


def sentence(
    stage: Stage,
    *,
    fields: Iterable[str],
    confirmations: Iterable[str],
    deal: Iterable[str],
    conditions: Sequence[Group] = (),
) -> str:
    """What is missing for `stage`, as a sentence; empty when nothing is."""
    missing = [FIELDS[name][0] for name in fields]
    missing += [f"{CONFIRMATIONS.get(name, name)} confirmed" for name in confirmations]
    if lacked := [DEAL_FIELDS[name][0] for name in deal]:
        missing.append(f"an opportunity with {listed(lacked)}")
    if not conditions:
        return f"{stage.name} needs {listed(missing)}." if missing else ""
    names = Names()
    asks = f"asks that {listed([clause(part, names) for part in conditions])}"
    return f"{stage.name} needs {listed(missing)}, and {asks}." if missing else f"{stage.name} {asks}."


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


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
    entering, leads = set(judged.values()), {steps[index].lead_id for index in judged}
    fields, conditions = lacking(entering, leads), unmet_conditions(entering, leads)
    deals = {index: _deal(steps[index], standings[steps[index].lead_id]) for index in judged}
    shown = _deal_fields({pk for index, pk in deals.items() if pk and judged[index].criteria.get("deal")})
    sentences = {
        index: sentence(
            stage,
            fields=fields.get(stage.pk, {}).get(steps[index].lead_id, ()),
            confirmations=[
                name for name in stage.criteria.get("confirmations", ()) if name not in steps[index].confirmations
            ],
            deal=[name for name in stage.criteria.get("deal", ()) if name not in shown.get(deals[index], ())],
            conditions=_asked_of(steps[index], conditions.get(stage.pk, {}).get(steps[index].lead_id, ())),
        )
        for index, stage in judged.items()
    }
    return {index: text for index, text in sentences.items() if text}


def _asked_of(step: Step, unmet: Iterable[Group]) -> list[Group]:
    """Who raised a hand needs no score: that is the other way to become an MQL."""
    raised = step.qualified_by == QualifiedBy.HAND_RAISE
    return [group for group in unmet if not (raised and any(test.field.alias == "score" for test in group.tests()))]


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
    if step.kind in (Kind.CORRECT, Kind.MAP):
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


def asks_of_deal(stage: Stage, name: str) -> str:
    """The sentence that `stage` asks for a field of the deal."""
    return f"{stage.name} needs {DEAL_FIELDS[name][0]}."


def deal_lacks(stage: Stage, facts: Mapping[str, Any]) -> dict[str, str]:
    """What `stage` asks for of the deal and what is blank in `facts`, both by the names of `DEAL_FIELDS` → the sentence
    that says so.
    """
    return {name: asks_of_deal(stage, name) for name in stage.criteria.get("deal", ()) if facts.get(name) in (None, "")}


def in_words(criteria: Mapping[str, Any]) -> str:
    """What a stage asks for, as it reads after “asks for”; blank where it asks for nothing."""
    asked = [FIELDS[name][0] for name in criteria.get("fields", ()) if name in FIELDS]
    asked += [f"{CONFIRMATIONS.get(name, name)} confirmed" for name in criteria.get("confirmations", ())]
    if of_deal := [DEAL_FIELDS[name][0] for name in criteria.get("deal", ()) if name in DEAL_FIELDS]:
        asked.append(f"an opportunity with {listed(of_deal)}")
    names = Names()
    asked += [f"that {clause(part, names)}" for part in parts(criteria.get("conditions"))]
    return listed(asked)
