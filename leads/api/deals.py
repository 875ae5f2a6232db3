"""Opportunities, and the stages and reasons that moves name."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import invalid_field
from alignment.api.reading import FieldsQuery, PageQuery, asked, page, page_of, shown, wanted
from alignment.api.requests import TokenRequest
from alignment.api.shapes import ChoiceField, IdField, PersonIdField, read
from alignment.api.views import ApiView
from alignment.ops.versions import VersionState
from alignment.people.permissions import policy, require
from leads.api.asked import DealBody, OpportunityBody, with_rate
from leads.api.leads import api_cause
from leads.api.shapes import OpportunitySerializer, ReasonSerializer, StageSerializer, StageVersionSerializer
from leads.deals import deals
from leads.drafts import DealDraft
from leads.hands import owners_for, salespeople, whose
from leads.models import Account, Opportunity, Reason, Stage, StageVersion
from leads.models.opportunity import DealKind, DealState, SourcedBy

NEWEST = ("-id",)


class OpportunityQuery(PageQuery):
    state = ChoiceField(choices=DealState.choices, required=False)
    kind = ChoiceField(choices=DealKind.choices, required=False)
    sourced_by = ChoiceField(choices=SourcedBy.choices, required=False)
    account = IdField(required=False)
    owner = PersonIdField(required=False)
    lead = IdField(required=False, help_text="Deals whose buying group holds this lead.")


@policy("lead.view", by_token=True, POST="deal.open")
class Opportunities(ApiView):
    @extend_schema(
        operation_id="opportunities_list", parameters=[OpportunityQuery], responses=page_of(OpportunitySerializer)
    )
    def get(self, request: TokenRequest) -> Response:
        """Deals, the newest first."""
        query = asked(request, OpportunityQuery)
        columns = {
            "state": "state",
            "kind": "kind",
            "sourced_by": "sourced_by",
            "account": "account",
            "owner": "owner",
            "lead": "contacts__lead",
        }
        asked_for = {column: query[name] for name, column in columns.items() if name in query}
        rows = Opportunity.objects.filter(**asked_for, withdrawn_at=None)
        rows = rows.select_related("stage", "reason").prefetch_related("references")
        return page(request, rows, order=NEWEST, form=OpportunitySerializer, query=query)

    @extend_schema(operation_id="opportunities_create", request=OpportunityBody, responses={201: OpportunitySerializer})
    @once
    def post(self, request: TokenRequest) -> Response:
        """Open a deal without a lead, for an account: a renewal, an expansion. A lead's deal is opened by `qualify`."""
        data = read(OpportunityBody, request)
        _check_named(data, request)
        columns = _columns(data)
        own = owners_for(request.user).filter(pk=request.user.pk).values_list("pk", flat=True).first()
        columns |= {"owner_id": columns["owner_id"] or own}
        if lacked := deals.asked_at_opening(columns):
            raise serializers.ValidationError({name: [said] for name, said in lacked.items()})
        draft = DealDraft(**columns)
        [pk] = deals.open_deals(drafts=[draft], cause=api_cause(request))
        return Response(one_deal(pk), status=201, headers={"Location": reverse("api_opportunity", args=[pk])})


def _columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, by column."""
    named = {f"{name}_id": data[name] for name in ("owner", "account") if name in data}
    stage = {"stage_id": data["stage"].pk} if data.get("stage") else {}
    return {name: value for name, value in data.items() if name not in ("owner", "account", "stage")} | named | stage


def _check_named(data: Mapping[str, Any], request: TokenRequest, standing: Opportunity | None = None) -> None:
    """Raises ValidationError for an account or an owner that does not exist."""
    errors = {}
    if data.get("account") and not Account.objects.filter(pk=data["account"]).exists():
        errors["account"] = [f"There is no account {data['account']}."]
    owners = salespeople() if standing else owners_for(request.user)
    is_new = standing is None or data.get("owner") != standing.owner_id
    if data.get("owner") and is_new and not owners.filter(pk=data["owner"]).exists():
        errors["owner"] = ["You may not hand a deal to this user, or nobody with this id is in sales."]
    if errors:
        raise serializers.ValidationError(errors)


def deal_of(pk: int) -> Opportunity:
    """The deal with this key. Raises Http404, also for one that was taken back."""
    deal = (
        Opportunity.objects.select_related("owner", "stage", "reason")
        .prefetch_related("references")
        .filter(pk=pk)
        .first()
    )
    if deal is None:
        raise Http404(f"There is no opportunity {pk}.")
    if deal.withdrawn_at:
        raise Http404(f"Opportunity {pk} was taken back with the import that brought it in.")
    return deal


def one_deal(pk: int) -> dict[str, Any]:
    """The deal as it is answered."""
    answer: dict[str, Any] = OpportunitySerializer(deal_of(pk)).data
    return answer


@policy("lead.view", by_token=True, PATCH="deal.edit")
class OpportunityDetail(ApiView):
    @extend_schema(operation_id="opportunities_read", parameters=[FieldsQuery], responses=OpportunitySerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """One deal."""
        only = wanted(OpportunitySerializer, asked(request, FieldsQuery))
        return Response(shown(OpportunitySerializer, deal_of(pk), only))

    @extend_schema(operation_id="opportunities_update", request=DealBody(partial=True), responses=OpportunitySerializer)
    @once
    def patch(self, request: TokenRequest, pk: int) -> Response:
        """Change a deal; each field that changes is kept as a row. Where a lead carries it, its stage is the lead's."""
        deal = deal_of(pk)
        require(request.user, "deal.edit", whose(deal))
        given = read(DealBody, request, partial=True)
        _check_named(given, request, standing=deal)
        whole = {name: getattr(deal, name) for name in ("amount", "currency", "rate")} | given
        if given.get("currency", deal.currency) != deal.currency and "rate" not in given:
            del whole["rate"]
        rate = with_rate(whole, whole["currency"])["rate"]
        try:
            deals.change(opportunity_id=pk, changes=_columns(given) | {"rate": rate}, cause=api_cause(request))
        except deals.DealError as error:
            raise invalid_field(f"/{error.field.removesuffix('_id')}", str(error)) from error
        return Response(one_deal(pk))


@policy("lead.view", by_token=True)
class StageList(ApiView):
    @extend_schema(
        operation_id="stages_list",
        responses=inline_serializer("StageList", {"results": StageSerializer(many=True)}),
    )
    def get(self, request: TokenRequest) -> Response:
        """The stages that a lead can move to, in order."""
        return Response({"results": StageSerializer(Stage.objects.in_use(), many=True).data})


@policy("stages.view", by_token=True)
class StageVersions(ApiView):
    @extend_schema(
        operation_id="stages_versions",
        responses=inline_serializer("StageVersionList", {"results": StageVersionSerializer(many=True)}),
    )
    def get(self, request: TokenRequest, key: str) -> Response:
        """What a stage was and is, and who signed it; the newest first."""
        rows = StageVersion.objects.filter(scope=key).exclude(state=VersionState.DRAFT)
        found = list(rows.prefetch_related("signatures").order_by("-number"))
        if not found:
            raise Http404(f"There is no stage {key}.")
        return Response({"results": StageVersionSerializer(found, many=True).data})


@policy("lead.view", by_token=True)
class ReasonList(ApiView):
    @extend_schema(
        operation_id="reasons_list",
        responses=inline_serializer("ReasonList", {"results": ReasonSerializer(many=True)}),
    )
    def get(self, request: TokenRequest) -> Response:
        """The reasons that both teams agreed on."""
        offered = Reason.objects.filter(retired_at=None, is_offered=True)
        return Response({"results": ReasonSerializer(offered, many=True).data})
