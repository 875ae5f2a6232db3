"""What comes next with a lead, by the API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import Problem
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, Shape, read
from alignment.api.views import ApiView
from alignment.lib.days import validate_day
from alignment.people.models import Scope
from alignment.people.permissions import policy, require
from leads import following
from leads.api.leads import api_cause, standing_lead
from leads.models import FollowUp, Lead


class FollowUpSerializer(Shape):
    lead = serializers.IntegerField(source="lead_id")
    next_step = serializers.CharField(help_text="Blank: none is planned.")
    next_on = serializers.DateField(allow_null=True)
    wakes_on = serializers.DateField(allow_null=True, help_text="Until then it is out of what is due.")


class StepBody(Body):
    step = serializers.CharField(max_length=following.STEP_LENGTH)
    on = serializers.DateField(validators=[validate_day])

    def validate_on(self, day: Any) -> Any:
        if day < timezone.localdate():
            raise serializers.ValidationError("Choose today or a day that is still to come.")
        return day


class SnoozeBody(Body):
    until = serializers.DateField(allow_null=True, validators=[validate_day], help_text="Null wakes the lead up.")

    def validate_until(self, day: Any) -> Any:
        if day and day <= timezone.localdate():
            raise serializers.ValidationError("Choose a day that is still to come.")
        return day


def _open(request: TokenRequest, pk: int) -> Lead:
    lead = standing_lead(pk)
    require(request.user, "lead.follow_up", lead)
    if not lead.is_open:
        raise Problem(409, "conflict", "The lead is not under way", "Nothing is next with a lead whose pass has ended.")
    return lead


def _told(lead: Lead) -> Response:
    return Response(FollowUpSerializer(FollowUp.objects.get(lead=lead)).data)


@policy("lead.follow_up", by_token=True)
class NextStep(ApiView):
    tag = "Follow-up"
    write_scope = Scope.ACTIVITIES

    @extend_schema(operation_id="leads_step", request=StepBody, responses=FollowUpSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Plan the next step with a lead, in place of the one before."""
        lead = _open(request, pk)
        data = read(StepBody, request)
        following.plan(lead_ids=[pk], step=data["step"], on=data["on"], cause=api_cause(request))
        return _told(lead)


@policy("lead.follow_up", by_token=True)
class Snooze(ApiView):
    tag = "Follow-up"
    write_scope = Scope.ACTIVITIES

    @extend_schema(operation_id="leads_snooze", request=SnoozeBody, responses=FollowUpSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Take a lead out of what is due until a day. Its promise runs on."""
        lead = _open(request, pk)
        following.snooze(lead_ids=[pk], until=read(SnoozeBody, request)["until"], cause=api_cause(request))
        return _told(lead)
