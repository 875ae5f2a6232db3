"""Disputes by the API: contesting, answering, deciding, and reading what was decided."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import Problem
from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, ChoiceField, IdField, Shape, read
from alignment.api.views import ApiView
from alignment.people.models import Side, User
from alignment.people.permissions import policy, require
from leads.api.leads import standing_lead
from leads.models import Opportunity
from leads.models.opportunity import SourcedBy
from sla import contesting, disputes
from sla.models import Clock, Dispute, DisputeKind
from sla.models.dispute import DisputeQuerySet, Verdict

NEWEST = ("-id",)
STATES: Mapping[str, Callable[[DisputeQuerySet], DisputeQuerySet]] = {
    "open": DisputeQuerySet.open,
    "unanswered": DisputeQuerySet.unanswered,
    "escalated": DisputeQuerySet.escalated,
    "upheld": DisputeQuerySet.upheld,
    "stands": lambda found: found.filter(verdict=Verdict.STANDS),
}


class DisputeQuery(PageQuery):
    state = ChoiceField(choices=list(STATES), required=False)
    kind = ChoiceField(choices=DisputeKind.choices, required=False)
    lead = IdField(required=False)


class DisputeSerializer(Shape):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=DisputeKind.choices)
    side = serializers.ChoiceField(choices=Side.choices, help_text="Which side answers.")
    lead = serializers.IntegerField(source="lead_id", allow_null=True)
    transition = serializers.IntegerField(source="transition_id", allow_null=True, help_text="The contested move.")
    promise = serializers.IntegerField(source="clock_id", allow_null=True, help_text="The promise that was broken.")
    receipt = serializers.JSONField(allow_null=True, help_text="The receipt of that promise when it was contested.")
    deal = serializers.IntegerField(
        source="sourcing.opportunity_id", default=None, allow_null=True, help_text="The deal that somebody brought."
    )
    claimed = serializers.CharField(help_text="Who is said to have brought it; blank for other kinds.")
    raised_by = serializers.IntegerField(source="raised_by_id")
    raised_at = serializers.DateTimeField()
    evidence = serializers.CharField()
    evidence_url = serializers.CharField()
    asked = serializers.IntegerField(source="asked_id", allow_null=True, help_text="Whose answer is due.")
    due_at = serializers.DateTimeField(
        source="answer_due_at", allow_null=True, help_text="Null where no answer is promised."
    )
    answered_by = serializers.IntegerField(source="answered_by_id", allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField()
    escalated_at = serializers.DateTimeField(allow_null=True, help_text="From then on RevOps decides.")
    verdict = serializers.CharField(help_text="upheld, stands, or blank while it is open.")
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_why = serializers.CharField()


class ContestBody(Body):
    lead = IdField(required=False, help_text="Whose rejection or qualification is contested.")
    promise = IdField(required=False, help_text="The broken promise.")
    deal = IdField(required=False, help_text="The deal that `claimed` is said to have brought.")
    claimed = ChoiceField(choices=SourcedBy.choices, required=False)
    evidence = serializers.CharField(max_length=2000)
    evidence_url = serializers.URLField(max_length=500, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in ("lead", "promise", "deal")) != 1:
            raise serializers.ValidationError("Name what is contested: a lead, a promise or a deal.")
        if ("deal" in attrs) != ("claimed" in attrs):
            raise serializers.ValidationError({"claimed": ["Goes with a deal: who brought it."]})
        return attrs


class AnswerBody(Body):
    agrees = serializers.BooleanField()
    text = serializers.CharField(max_length=2000)


class VerdictBody(Body):
    verdict = ChoiceField(choices=Verdict.choices)
    why = serializers.CharField(max_length=2000)


@policy("dispute.view", POST="dispute.raise", by_token=True)
class Disputes(ApiView):
    tag = "Disputes"

    @extend_schema(operation_id="disputes_list", parameters=[DisputeQuery], responses=page_of(DisputeSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Disputes, the newest first."""
        query = asked(request, DisputeQuery)
        found = STATES[query["state"]](Dispute.objects.all()) if "state" in query else Dispute.objects.all()
        found = found.select_related("sourcing").with_due()
        found = found.filter(**{name: query[name] for name in ("kind", "lead") if name in query})
        return page(request, found, order=NEWEST, form=DisputeSerializer, query=query)

    @extend_schema(operation_id="disputes_contest", request=ContestBody, responses={201: DisputeSerializer})
    @once
    def post(self, request: TokenRequest) -> Response:
        """Contest the rejection of a lead (marketing), the qualification of one that is under way (sales), a broken
        promise, or who brought a deal.
        """
        data = read(ContestBody, request)
        said = {name: data[name] for name in ("evidence", "evidence_url")}
        return _told(_contest(data, said, request.user), status=201)


@policy("dispute.answer", by_token=True)
class DisputeAnswer(ApiView):
    tag = "Disputes"

    @extend_schema(operation_id="disputes_answer", request=AnswerBody, responses=DisputeSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """The other side's answer: who agrees takes the move back, else RevOps decides."""
        require(request.user, "dispute.answer", _one(pk))
        data: Any = read(AnswerBody, request)
        return _told(lambda: disputes.answer(dispute_id=pk, by=request.user, **data))


@policy("dispute.decide", by_token=True)
class DisputeDecision(ApiView):
    tag = "Disputes"

    @extend_schema(operation_id="disputes_decide", request=VerdictBody, responses=DisputeSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """The verdict on what was not agreed or not answered in time."""
        require(request.user, "dispute.decide", _one(pk))
        data: Any = read(VerdictBody, request)
        verdict = Verdict(data["verdict"])
        return _told(lambda: disputes.decide(dispute_id=pk, verdict=verdict, why=data["why"], by=request.user))


def _contest(data: Mapping[str, Any], said: Mapping[str, str], by: User) -> Callable[[], Dispute]:
    """The verb for what is named. Raises 404 where there is no such thing."""
    if "lead" in data:
        standing_lead(data["lead"])
        return lambda: contesting.contest_move(lead_id=data["lead"], by=by, **said)
    if "promise" in data:
        get_object_or_404(Clock, pk=data["promise"], lead__withdrawn_at=None)
        return lambda: contesting.contest_breach(clock_id=data["promise"], by=by, **said)
    get_object_or_404(Opportunity, pk=data["deal"], withdrawn_at=None)
    return lambda: contesting.contest_sourcing(opportunity_id=data["deal"], claimed=data["claimed"], by=by, **said)


def _one(pk: int) -> Dispute:
    found = Dispute.objects.filter(pk=pk).first()
    if found is None:
        raise Problem(404, "not_found", "There is nothing here", f"There is no dispute {pk}.")
    return found


def _told(verb: Callable[[], Dispute], status: int = 200) -> Response:
    """The dispute after it; 409 where it does not stand where this is possible."""
    try:
        dispute = verb()
    except ValidationError as refusal:
        raise Problem(409, "conflict", "This is not possible now", str(refusal.message)) from refusal
    return Response(DisputeSerializer(dispute).data, status=status)
