"""Routing by the API: the rules that count, why a lead went to whom, and leads that change hands."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, IdField, PersonIdField, Shape, read
from alignment.api.views import ApiView
from alignment.people.models import Scope
from alignment.people.permissions import policy
from leads import holders
from leads.api.leads import api_cause, standing_lead
from leads.conditions import Names, parse, sentence
from leads.hands import owners_for
from leads.holders import Assignment
from leads.models import Lead
from leads.models.route import How, Pool, RoutingDecision, RoutingVersion
from leads.routing import explaining
from leads.routing.choosing import Verdict
from leads.routing.reassigning import CLOSED, route_again
from leads.routing.rules import ABOUT

MOST_LEADS = 1_000
DECISIONS = 50


class RoutingRuleSerializer(Shape):
    name = serializers.CharField()
    sentence = serializers.CharField(help_text="What it asks, as a clause after “if”.")
    condition = serializers.JSONField(help_text="The same as it is stored.")
    pool = serializers.IntegerField(allow_null=True)
    person = serializers.IntegerField(allow_null=True)
    language = serializers.CharField(help_text="ISO 639-1, which the rep must speak; blank: any.")


class PoolSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    fallback = serializers.IntegerField(source="fallback_id")
    members = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_members(self, pool: Pool) -> list[int]:
        return sorted(each.user_id for each in pool.members.all() if each.left_at is None)


class RoutingSerializer(Shape):
    version = serializers.IntegerField(allow_null=True, help_text="Null: no rules are published.")
    published_at = serializers.DateTimeField(allow_null=True)
    attach = serializers.BooleanField(help_text="Leads of an account with an open deal join it.")
    account_owner = serializers.BooleanField(help_text="The owner of an account gets its leads first.")
    rules = RoutingRuleSerializer(many=True)
    otherwise = serializers.IntegerField(allow_null=True, help_text="The pool of what no rule is about.")
    pools = PoolSerializer(many=True)


@policy("routing.view", by_token=True)
class Routing(ApiView):
    @extend_schema(operation_id="routing_rules", responses=RoutingSerializer)
    def get(self, request: TokenRequest) -> Response:
        """The rules that count, in order, and the pools."""
        version = RoutingVersion.published()
        body: Mapping[str, Any] = version.body if version else {}
        names = Names()
        told = {
            "version": version.number if version else None,
            "published_at": version.published_at if version else None,
            "attach": body.get("attach", False),
            "account_owner": body.get("account_owner", False),
            "otherwise": body.get("otherwise"),
            "rules": [_rule(rule, names) for rule in body.get("rules", [])],
            "pools": Pool.objects.filter(retired_at=None).order_by("pk").prefetch_related("members"),
        }
        return Response(RoutingSerializer(told).data)


def _rule(rule: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {
        "name": rule["name"],
        "sentence": sentence(parse(rule["when"], ABOUT, may_be_empty=True), names),
        "condition": rule["when"],
        "pool": rule.get("pool"),
        "person": rule.get("person"),
        "language": rule.get("language", ""),
    }


class CandidateSerializer(Shape):
    person = serializers.IntegerField(source="user_id")
    name = serializers.CharField()
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    text = serializers.CharField(help_text="Why they got it or not, after their name.")


class DecisionSerializer(Shape):
    at = serializers.DateTimeField()
    pass_no = serializers.IntegerField()
    version = serializers.IntegerField(source="version.number")
    how = serializers.ChoiceField(choices=How.choices)
    person = serializers.IntegerField(source="user_id")
    pool = serializers.IntegerField(source="pool_id", allow_null=True)
    opportunity = serializers.IntegerField(source="opportunity_id", allow_null=True)
    score = serializers.IntegerField(source="points", allow_null=True, help_text="At that moment.")
    why = serializers.SerializerMethodField(help_text="In a sentence.")
    rule = serializers.SerializerMethodField(help_text="The rule that matched; blank where none was asked.")
    candidates = CandidateSerializer(source="lines", many=True)

    def get_why(self, decision: RoutingDecision) -> str:
        return explaining.headline(decision)

    def get_rule(self, decision: RoutingDecision) -> str:
        return explaining.rule_name(decision)


class DecisionsSerializer(Shape):
    results = DecisionSerializer(many=True)


@policy("lead.view", by_token=True)
class LeadRouting(ApiView):
    tag = "Leads"

    @extend_schema(operation_id="leads_routing", responses=DecisionsSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """Why the lead went to whom, the newest decision first; empty for a lead that was not routed."""
        rows = RoutingDecision.objects.filter(lead=standing_lead(pk)).order_by("-id")
        found = explaining.with_lines(rows.select_related("version", "pool", "user", "opportunity")[:DECISIONS])
        for decision, lines in found:
            decision.lines = lines  # type: ignore[attr-defined]
        return Response(DecisionsSerializer({"results": [decision for decision, _ in found]}).data)


class RouteBody(Body):
    why = serializers.CharField(max_length=200, help_text="Both the old and the new holder read it.")


@policy("lead.assign", by_token=True)
class Route(ApiView):
    tag, write_scope = "Moves", Scope.ADMIN

    @extend_schema(operation_id="leads_route", request=RouteBody, responses=DecisionsSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Let the published rules find a holder anew, whoever holds the lead."""
        lead = standing_lead(pk)
        if not lead.is_open:
            raise serializers.ValidationError({"why": [CLOSED]})
        data = read(RouteBody, request)
        _again([pk], data["why"], request)
        return LeadRouting().get(request, pk)


class ReassignBody(Body):
    leads = serializers.ListField(child=IdField(), min_length=1, max_length=MOST_LEADS)
    owner = PersonIdField(allow_null=True, required=False, help_text="Who is to hold them; null for nobody.")
    by_rules = serializers.BooleanField(default=False, help_text="The published rules choose; then without `owner`.")
    why = serializers.CharField(max_length=200, help_text="Both the old and the new holder read it.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["by_rules"] == ("owner" in data):
            raise serializers.ValidationError({"owner": ["Name an owner, or say `by_rules`."]})
        return data


class ReassignedSerializer(Shape):
    reassigned = serializers.ListField(child=serializers.IntegerField(), help_text="The leads that changed hands.")


@policy("lead.assign", by_token=True)
class Reassign(ApiView):
    tag, write_scope = "Moves", Scope.ADMIN

    @extend_schema(operation_id="leads_reassign", request=ReassignBody, responses=ReassignedSerializer)
    @once
    def post(self, request: TokenRequest) -> Response:
        """Hand many leads over, to somebody in sales, to nobody, or to whom the rules choose: all of them or none."""
        data = read(ReassignBody, request)
        standing = dict(Lead.objects.standing().filter(pk__any_of=data["leads"]).values_list("pk", "owner_id"))
        if unknown := sorted(set(data["leads"]) - standing.keys()):
            raise serializers.ValidationError({"leads": [f"There is no lead {unknown[0]}."]})
        if data["by_rules"]:
            _again(data["leads"], data["why"], request)
        else:
            _hold(data, request)
        after = dict(Lead.objects.filter(pk__any_of=standing).values_list("pk", "owner_id"))
        return Response({"reassigned": sorted(pk for pk, owner in after.items() if owner != standing[pk])})


def _again(lead_ids: list[int], why: str, request: TokenRequest) -> None:
    try:
        route_again(lead_ids=lead_ids, cause=api_cause(request), why=why)
    except ValidationError as refusal:
        raise serializers.ValidationError({"by_rules": refusal.messages}) from refusal


def _hold(data: Mapping[str, Any], request: TokenRequest) -> None:
    owner = data["owner"]
    if owner is not None and not owners_for(request.user).filter(pk=owner).exists():
        raise serializers.ValidationError({"owner": ["Nobody with this id is in sales."]})
    assignments = [Assignment(pk, owner) for pk in dict.fromkeys(data["leads"])]
    holders.hold(assignments=assignments, cause=api_cause(request), why=data["why"])
