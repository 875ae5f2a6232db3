"""Leads: the list, one of them, adding one or a thousand, changing what is known."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import Problem, invalid_field, invalid_parameter, pointers
from alignment.api.reading import FieldsQuery, PageQuery, asked, page, page_of, shown, wanted
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, ChoiceField, IdField, many, read
from alignment.api.views import ApiView
from alignment.people.models import User
from alignment.people.permissions import policy, require
from leads import adding, dimensions, editing
from leads.api.facts import NOBODY, FactsBody, LeadBody, draft, facets_of, not_to_be_handed
from leads.api.shapes import LeadSerializer, RowResultSerializer
from leads.causes import Cause
from leads.dimensions import FACETS
from leads.hands import owners_for
from leads.intake import Received
from leads.milestones import CauseSource
from leads.models import Lead, Stage
from leads.querysets import NEWEST, LeadQuerySet
from leads.searching import candidates
from leads.states import STATES

MOST_LEADS = 1_000
NONE = "-"
RELATED = ("stage", "owner", *FACETS)


def api_cause(request: TokenRequest) -> Cause:
    """The cause of what a token's user writes."""
    return Cause(CauseSource.API, actor_id=request.user.pk)


def with_related(leads: LeadQuerySet, only: Iterable[str]) -> LeadQuerySet:
    """What the fields `only` are read from, at once."""
    found = leads.select_related(*RELATED)
    return found.prefetch_related("references") if "references" in only else found


def standing_lead(pk: int) -> Lead:
    """The lead, with its stage and holder. Raises Http404; for a merged one 410, which names the one it went into."""
    lead = Lead.objects.select_related("stage", "owner").filter(pk=pk).first()
    if lead is None:
        raise Http404(f"There is no lead {pk}.")
    if lead.merged_into_id:
        raise merged(pk, lead.merged_into_id)
    if lead.withdrawn_at:
        raise Http404(f"Lead {pk} was taken back with the import that brought it in.")
    return lead


def merged(pk: int, into_id: int) -> Problem:
    """410: the lead is in another one now."""
    sentence = f"Lead {pk} was merged into lead {into_id}."
    return Problem(410, "merged", "This lead was merged into another one", sentence, merged_into=into_id)


class LeadFilters(serializers.Serializer[Any]):
    """Which leads are meant."""

    q = serializers.CharField(required=False, max_length=200, help_text="Words of name, e-mail or company.")
    state = ChoiceField(choices=list(STATES), required=False, help_text="What became of it.")
    stage = serializers.CharField(required=False, help_text="The key of a stage.")
    source = serializers.CharField(required=False, help_text="A key; `-` for none.")
    campaign = serializers.CharField(required=False, help_text="A key; `-` for none.")
    segment = serializers.CharField(required=False, help_text="A key; `-` for none.")
    territory = serializers.CharField(required=False, help_text="A key; `-` for none.")
    owner = serializers.CharField(required=False, help_text="A user's id; `-` for nobody.")
    team = serializers.CharField(required=False, help_text="A team's id; `-` for none.")
    account = IdField(required=False)
    email = serializers.CharField(required=False, help_text="The whole address.")
    system = serializers.CharField(required=False, help_text="Together with external_id: what another system calls it.")
    external_id = serializers.CharField(required=False)
    moved_since = serializers.DateTimeField(required=False, help_text="Only leads that moved then or later.")


class LeadQuery(LeadFilters, PageQuery):
    """The leads that a list answers."""


@policy("lead.view", by_token=True, POST="lead.create")
class Leads(ApiView):
    @extend_schema(operation_id="leads_list", parameters=[LeadQuery], responses=page_of(LeadSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Leads, those that moved last first."""
        query = asked(request, LeadQuery)
        found = with_related(matching(query), wanted(LeadSerializer, query))
        return page(request, found, order=NEWEST, form=LeadSerializer, query=query)

    @extend_schema(operation_id="leads_create", request=LeadBody, responses={200: LeadSerializer, 201: LeadSerializer})
    @once
    def post(self, request: TokenRequest) -> Response:
        """Add a lead: 201 for a new one, 200 for one that is known by its address or a reference."""
        given = read(LeadBody, request)
        if error := not_to_be_handed(given, _owners(request.user, [given])):
            raise serializers.ValidationError(error)
        received = adding.add_all(drafts=[draft(given)], cause=api_cause(request), keep_holders=True)
        [lead_id] = received.lead_ids
        headers = {"Location": reverse("api_lead", args=[lead_id])}
        return Response(one(lead_id), status=201 if received.created else 200, headers=headers)


def matching(query: Mapping[str, Any]) -> LeadQuerySet:
    """The leads that filters mean, in no order. Raises InvalidError for one that names nothing."""
    leads = Lead.objects.standing()
    if "state" in query:
        leads = leads.filter(STATES[query["state"]][1])
    if "stage" in query:
        leads = leads.filter(stage=_key_of(Stage, "stage", query))
    for facet, model in FACETS.items():
        if facet in query:
            leads = leads.filter(**{facet: _key_of(model, facet, query)})
    for name in ("owner", "team"):
        if name in query:
            leads = leads.filter(**{name: _id_of(name, query[name])})
    if "email" in query:
        leads = leads.filter(email_key=query["email"].strip().lower())
    if "external_id" in query or "system" in query:
        leads = leads.filter(pk__in=_referenced(query))
    if "q" in query:
        leads = leads.filter(pk__in=candidates(query["q"]))
    columns = {"account": "account_id", "moved_since": "moved_at__gte"}
    return leads.filter(**{column: query[name] for name, column in columns.items() if name in query})


def _key_of(model: Any, name: str, query: Mapping[str, Any]) -> int | None:
    if query[name] == NONE and model is not Stage:
        return None
    found: int | None = model.objects.filter(key=query[name]).values_list("pk", flat=True).first()
    if found is None:
        raise invalid_parameter(name, f"There is no {name} “{query[name]}”.")
    return found


def _id_of(name: str, text: str) -> int | None:
    if text != NONE and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise invalid_parameter(name, f"Give an id, or {NONE} for none.")
    return None if text == NONE else int(text)


def _referenced(query: Mapping[str, Any]) -> Any:
    if not ("external_id" in query and "system" in query):
        raise invalid_parameter("external_id", "Name both the system and the external_id.")
    named = {f"references__{name}": query[name] for name in ("system", "external_id")}
    return Lead.objects.filter(**named).values("pk")


def one(lead_id: int, only: Iterable[str] = tuple(LeadSerializer().fields)) -> dict[str, Any]:
    """A lead as it is answered."""
    lead = with_related(Lead.objects.all(), only).get(pk=lead_id)
    answer: dict[str, Any] = shown(LeadSerializer, lead, set(only))
    return answer


def _owners(user: User, given: Iterable[Mapping[str, Any]]) -> set[int]:
    """Of the owners that these leads name, those that `user` may name; no query where none does."""
    named = {each["owner"] for each in given if each.get("owner")}
    return set(owners_for(user).filter(pk__in=named).values_list("pk", flat=True)) if named else set()


@policy("lead.create", by_token=True)
class LeadBatch(ApiView):
    @extend_schema(
        operation_id="leads_bulk",
        request=inline_serializer("LeadBatch", {"leads": many(LeadBody, most=MOST_LEADS)}),
        responses=inline_serializer(
            "LeadBatchResult",
            {
                "created": serializers.IntegerField(),
                "updated": serializers.IntegerField(),
                "known": serializers.IntegerField(),
                "invalid": serializers.IntegerField(),
                "results": RowResultSerializer(many=True),
            },
        ),
    )
    @once
    def post(self, request: TokenRequest) -> Response:
        """Add up to 1,000 leads. Each row has its own result; one that is not right does not stop the others."""
        rows = rows_of(request, "leads", MOST_LEADS)
        given, errors = check_rows(LeadBody, rows)
        owners = _owners(request.user, given.values())
        for index, data in list(given.items()):
            if error := not_to_be_handed(data, owners):
                errors[index] = list(pointers(error, f"/leads/{index}"))
                del given[index]
        received = adding.add_all(
            drafts=[draft(data) for data in given.values()], cause=api_cause(request), keep_holders=True
        )
        told = _results(len(rows), dict(zip(given, received.lead_ids, strict=True)), received, errors)
        counts = {
            status: sum(row["status"] == status for row in told)
            for status in ("created", "updated", "known", "invalid")
        }
        return Response({**counts, "results": told})


def rows_of(request: TokenRequest, name: str, most: int) -> list[Any]:
    """The list `name` of the body. Raises InvalidError unless it holds 1 to `most` rows."""
    data = request.data
    rows = data.get(name) if isinstance(data, dict) else None
    if not isinstance(rows, list) or set(data) != {name}:
        raise invalid_field(f"/{name}", f"Send an object with one list, “{name}”.")
    if not 0 < len(rows) <= most:
        raise invalid_field(f"/{name}", f"Send 1 to {most:,} at once; these are {len(rows):,}.")
    return rows


def check_rows(
    form: type[Body], rows: Sequence[Any], name: str = "leads"
) -> tuple[dict[int, Any], dict[int, list[dict[str, str]]]]:
    """Index → what a row says, of those that are right; index → its errors, of the others."""
    body, given, errors = form(), {}, {}
    for index, row in enumerate(rows):
        try:
            given[index] = body.run_validation(row)
        except serializers.ValidationError as error:
            errors[index] = list(pointers(error.detail, f"/{name}/{index}"))
    return given, errors


def _results(
    count: int, leads: Mapping[int, int], received: Received, errors: Mapping[int, list[dict[str, str]]]
) -> list[dict[str, Any]]:
    seen: set[int] = set()
    told = []
    for index in range(count):
        lead = leads.get(index)
        status = "invalid"
        if lead is not None:
            is_first = lead not in seen
            status = "created" if is_first and lead in received.created else "known"
            status = "updated" if status == "known" and lead in received.updated else status
            seen.add(lead)
        told.append({"index": index, "status": status, "lead": lead, "errors": errors.get(index, [])})
    return told


@policy("lead.view", by_token=True, PATCH="lead.edit")
class LeadDetail(ApiView):
    @extend_schema(operation_id="leads_read", parameters=[FieldsQuery], responses=LeadSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """One lead."""
        only = wanted(LeadSerializer, asked(request, FieldsQuery))
        return Response(one(standing_lead(pk).pk, only))

    @extend_schema(operation_id="leads_update", request=FactsBody(partial=True), responses=LeadSerializer)
    @once
    def patch(self, request: TokenRequest, pk: int) -> Response:
        """Change what is known about a lead; where it stands is changed by its moves."""
        lead = standing_lead(pk)
        require(request.user, "lead.edit", lead)
        given = read(FactsBody, request, partial=True)
        if not any(given.get(name, getattr(lead, name)) for name in ("name", "email", "company_name")):
            raise serializers.ValidationError(NOBODY)
        try:
            editing.edit(lead_id=pk, changes=_columns(given), cause=api_cause(request))
        except editing.EmailTakenError as error:
            raise Problem(
                409, "email_taken", "Another lead has this address", str(error), lead=error.lead.pk
            ) from error
        return Response(one(pk))


def _columns(given: Mapping[str, Any]) -> dict[str, Any]:
    """The facts by column; new sources, campaigns, segments and territories are made."""
    facts = facets_of(given)
    keys = dimensions.primary_keys(facts, dimensions.resolve([facts]))
    facets = {f"{name}_id": keys[f"{name}_id"] for name in FACETS if name in given}
    return {name: value for name, value in given.items() if name not in FACETS} | facets
