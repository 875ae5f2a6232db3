"""Accounts and opportunities, and the stages and reasons that moves name."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.reading import FieldsQuery, PageQuery, asked, page, page_of, shown, wanted
from alignment.api.requests import TokenRequest
from alignment.api.shapes import IdField, PersonIdField, read
from alignment.api.views import ApiView
from alignment.people.permissions import policy, require
from leads import deals
from leads.api.asked import NewDealBody, OpportunityBody, with_rate
from leads.api.leads import api_cause
from leads.api.shapes import AccountSerializer, OpportunitySerializer, ReasonSerializer, StageSerializer
from leads.drafts import DealDraft
from leads.hands import owners_for
from leads.models import Account, Lead, Opportunity, Reason, Stage
from leads.models.opportunity import DealKind, DealState

NEWEST = ("-id",)


class AccountQuery(PageQuery):
    domain = serializers.CharField(required=False, help_text="The whole e-mail domain.")
    owner = PersonIdField(required=False)


@policy("lead.view", by_token=True)
class Accounts(ApiView):
    @extend_schema(operation_id="accounts_list", parameters=[AccountQuery], responses=page_of(AccountSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Companies that leads work for, the newest first."""
        query = asked(request, AccountQuery)
        rows = Account.objects.filter(**{name: query[name] for name in ("domain", "owner") if name in query})
        return page(request, rows, order=NEWEST, form=AccountSerializer, query=query)


@policy("lead.view", by_token=True)
class AccountDetail(ApiView):
    @extend_schema(operation_id="accounts_read", parameters=[FieldsQuery], responses=AccountSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """One company."""
        only = wanted(AccountSerializer, asked(request, FieldsQuery))
        account = Account.objects.filter(pk=pk).first()
        if account is None:
            raise Http404(f"There is no account {pk}.")
        return Response(shown(AccountSerializer, account, only))


class OpportunityQuery(PageQuery):
    state = serializers.ChoiceField(choices=DealState.choices, required=False)
    kind = serializers.ChoiceField(choices=DealKind.choices, required=False)
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
        columns = {"state": "state", "kind": "kind", "account": "account", "owner": "owner", "lead": "contacts__lead"}
        asked_for = {column: query[name] for name, column in columns.items() if name in query}
        rows = Opportunity.objects.filter(**asked_for, withdrawn_at=None).prefetch_related("references")
        return page(request, rows, order=NEWEST, form=OpportunitySerializer, query=query)

    @extend_schema(operation_id="opportunities_create", request=OpportunityBody, responses={201: OpportunitySerializer})
    @once
    def post(self, request: TokenRequest) -> Response:
        """Open a deal without a lead, for an account: a renewal, an expansion. A lead's deal is opened by `qualify`."""
        data = read(OpportunityBody, request)
        _check_named(data, request)
        owner, account = data.pop("owner"), data.pop("account")
        draft = DealDraft(**data, owner_id=owner or request.user.pk, account_id=account)
        [pk] = deals.open_deals(drafts=[draft], cause=api_cause(request))
        return Response(_one(pk), status=201, headers={"Location": reverse("api_opportunity", args=[pk])})


def _check_named(data: Mapping[str, Any], request: TokenRequest) -> None:
    """Raises ValidationError for an account or an owner that does not exist."""
    errors = {}
    if data.get("account") and not Account.objects.filter(pk=data["account"]).exists():
        errors["account"] = [f"There is no account {data['account']}."]
    if data.get("owner") and not owners_for(request.user).filter(pk=data["owner"]).exists():
        errors["owner"] = ["You may not hand a deal to this user, or nobody with this id is in sales."]
    if errors:
        raise serializers.ValidationError(errors)


def _deal(pk: int) -> Opportunity:
    deal = Opportunity.objects.select_related("owner").prefetch_related("references").filter(pk=pk).first()
    if deal is None:
        raise Http404(f"There is no opportunity {pk}.")
    if deal.withdrawn_at:
        raise Http404(f"Opportunity {pk} was taken back with the import that brought it in.")
    return deal


def _one(pk: int) -> dict[str, Any]:
    answer: dict[str, Any] = OpportunitySerializer(_deal(pk)).data
    return answer


@policy("lead.view", by_token=True, PATCH="lead.advance")
class OpportunityDetail(ApiView):
    @extend_schema(operation_id="opportunities_read", parameters=[FieldsQuery], responses=OpportunitySerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """One deal."""
        only = wanted(OpportunitySerializer, asked(request, FieldsQuery))
        return Response(shown(OpportunitySerializer, _deal(pk), only))

    @extend_schema(
        operation_id="opportunities_update", request=NewDealBody(partial=True), responses=OpportunitySerializer
    )
    @once
    def patch(self, request: TokenRequest, pk: int) -> Response:
        """Change a deal; each field that changes is kept as a row. Won and lost come from the moves of its lead."""
        deal = _deal(pk)
        require(request.user, "lead.advance", _whose(deal))
        given = read(NewDealBody, request, partial=True)
        whole = {name: getattr(deal, name) for name in ("amount", "currency", "rate")} | given
        if given.get("currency", deal.currency) != deal.currency and "rate" not in given:
            del whole["rate"]
        rate = with_rate(whole, whole["currency"])["rate"]
        deals.change(opportunity_id=pk, changes=given | {"rate": rate}, cause=api_cause(request))
        return Response(_one(pk))


def _whose(deal: Opportunity) -> Lead | Opportunity:
    """Whose deal the policy table is asked about: that of the lead that carries it, else its own owner's."""
    carried = Lead.objects.filter(contact_roles__opportunity=deal, contact_roles__is_primary=True)
    return carried.select_related("owner").first() or deal


@policy("lead.view", by_token=True)
class StageList(ApiView):
    @extend_schema(
        operation_id="stages_list",
        responses=inline_serializer("StageList", {"results": StageSerializer(many=True)}),
    )
    def get(self, request: TokenRequest) -> Response:
        """The stages that a lead can move to, in order."""
        return Response({"results": StageSerializer(Stage.objects.in_use(), many=True).data})


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
