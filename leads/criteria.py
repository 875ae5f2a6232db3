"""Entry criteria of stages: what a lead must show before it may enter."""

from collections.abc import Collection, Iterable, Mapping

from django.contrib.postgres.fields import ArrayField
from django.db.models import Case, CharField, Expression, Func, Q, Value, When

from leads.models import Lead, Stage

FIELDS: Mapping[str, tuple[str, Q]] = {
    "name": ("a name", ~Q(name="")),
    "email": ("an e-mail address", ~Q(email_key="")),
    "phone": ("a phone number", ~Q(phone="")),
    "company": ("a company", Q(account__isnull=False) | ~Q(company_name="")),
    "title": ("a job title", ~Q(title="")),
    "owner": ("an owner", Q(owner__isnull=False)),
}
"""Lead fields that a stage may require: key → (how a sentence names it, when it holds)."""

CONFIRMATIONS: Mapping[str, str] = {
    "budget": "budget",
    "authority": "authority",
    "need": "need",
    "timeline": "timeline",
}
"""What a person may have to confirm (BANT): key → how a sentence names it."""


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
    rows = Lead.objects.filter(pk__in=lead_ids).values_list(
        "pk", *(missing_fields(stage.criteria["fields"]) for stage in demanding)
    )
    found: dict[int, dict[int, list[str]]] = {stage.pk: {} for stage in demanding}
    for lead_id, *missing in rows:
        for stage, names in zip(demanding, missing, strict=True):
            found[stage.pk][lead_id] = names
    return found


def sentence(stage: Stage, *, fields: Iterable[str], confirmations: Iterable[str], needs_deal: bool) -> str:
    """What is missing for `stage`, as a sentence; empty when nothing is."""
    missing = [FIELDS[name][0] for name in fields]
    missing += [f"{CONFIRMATIONS.get(name, name)} confirmed" for name in confirmations]
    if needs_deal:
        missing.append("an opportunity with an amount")
    if not missing:
        return ""
    listed = ", ".join(missing[:-1]) + " and " + missing[-1] if len(missing) > 1 else missing[0]
    return f"{stage.name} needs {listed}."
