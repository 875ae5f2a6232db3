"""Disputes by the API: contesting a move, answering, deciding, and reading what was decided."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import Problem
from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, IdField, Shape, read
from alignment.api.views import ApiView
from alignment.people.permissions import policy, require
from leads.api.leads import standing_lead
from sla import disputes
from sla.models import Dispute, DisputeKind
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
    state = serializers.ChoiceField(choices=list(STATES), required=False)
    kind = serializers.ChoiceField(choices=DisputeKind.choices, required=False)
    lead = IdField(required=False)


class DisputeSerializer(Shape):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=DisputeKind.choices)
    lead = serializers.IntegerField(source="lead_id")
    transition = serializers.IntegerField(source="transition_id", help_text="The contested move.")
    raised_by = serializers.IntegerField(source="raised_by_id")
    raised_at = serializers.DateTimeField()
    evidence = serializers.CharField()
    evidence_url = serializers.CharField()
    asked = serializers.IntegerField(source="asked_id", allow_null=True, help_text="Whose answer is due.")
    due_at = serializers.DateTimeField()
    answered_by = serializers.IntegerField(source="answered_by_id", allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField()
    escalated_at = serializers.DateTimeField(allow_null=True, help_text="From then on RevOps decides.")
    verdict = serializers.CharField(help_text="upheld, stands, or blank while it is open.")
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_why = serializers.CharField()


class ContestBody(Body):
    lead = IdField()
    evidence = serializers.CharField(max_length=2000)
    evidence_url = serializers.URLField(max_length=500, allow_blank=True, default="")


class AnswerBody(Body):
    agrees = serializers.BooleanField()
    text = serializers.CharField(max_length=2000)


class VerdictBody(Body):
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    why = serializers.CharField(max_length=2000)


@policy("dispute.view", POST="dispute.raise", by_token=True)
class Disputes(ApiView):
    tag = "Disputes"

    @extend_schema(operation_id="disputes_list", parameters=[DisputeQuery], responses=page_of(DisputeSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Disputes, the newest first."""
        query = asked(request, DisputeQuery)
        found = STATES[query["state"]](Dispute.objects.all()) if "state" in query else Dispute.objects.all()
        found = found.filter(**{name: query[name] for name in ("kind", "lead") if name in query})
        return page(request, found, order=NEWEST, form=DisputeSerializer, query=query)

    @extend_schema(operation_id="disputes_contest", request=ContestBody, responses={201: DisputeSerializer})
    @once
    def post(self, request: TokenRequest) -> Response:
        """Contest the rejection of a lead (marketing) or the qualification of one that is under way (sales)."""
        data = read(ContestBody, request)
        standing_lead(data["lead"])
        return _told(
            lambda: disputes.contest(
                lead_id=data["lead"], evidence=data["evidence"], evidence_url=data["evidence_url"], by=request.user
            ),
            status=201,
        )


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
