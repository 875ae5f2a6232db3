"""Feedback about a lead by the API: reading it, and telling the other side."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, Shape, read
from alignment.api.views import ApiView
from alignment.people.models import Scope, Side
from alignment.people.permissions import policy
from leads import feedback
from leads.api.leads import standing_lead
from leads.models import Feedback

NEWEST = ("-at", "-id")


class FeedbackBody(Body):
    text = serializers.CharField(max_length=2000, help_text="The other side is told: see `side`.")


class FeedbackSerializer(Shape):
    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    author = serializers.IntegerField(source="author_id")
    author_name = serializers.CharField(source="author.name")
    side = serializers.ChoiceField(choices=[*Side.choices, ("", "Neither")], help_text="Of its author.")
    text = serializers.CharField()
    at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)


@policy("lead.view", by_token=True, POST="lead.feedback")
class LeadFeedback(ApiView):
    tag = "Leads"
    write_scope = Scope.ACTIVITIES

    @extend_schema(operation_id="leads_feedback", parameters=[PageQuery], responses=page_of(FeedbackSerializer))
    def get(self, request: TokenRequest, pk: int) -> Response:
        """What the two sides told each other about one lead, the newest first."""
        query = asked(request, PageQuery)
        rows = Feedback.objects.filter(lead=standing_lead(pk)).select_related("author")
        return page(request, rows, order=NEWEST, form=FeedbackSerializer, query=query)

    @extend_schema(operation_id="leads_feedback_give", request=FeedbackBody, responses={201: FeedbackSerializer})
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Tell the other side: sales the owner of the campaign, marketing who holds the lead."""
        standing_lead(pk)
        given = feedback.give(lead_id=pk, text=read(FeedbackBody, request)["text"], by=request.user)
        return Response(FeedbackSerializer(given).data, status=201)
