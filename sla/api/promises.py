"""Promises by the API: which answers are owed, overdue, given in time or late."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils.timezone import now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import IdField, PersonIdField, Shape
from alignment.api.views import ApiView
from alignment.people.permissions import policy
from sla.models import Clock
from sla.models.clock import CancelReason
from sla.querysets import ClockQuerySet

SOONEST = ("due_at", "id")

STATES: Mapping[str, Callable[[ClockQuerySet, datetime], ClockQuerySet]] = {
    "running": lambda clocks, at: clocks.running(),
    "overdue": lambda clocks, at: clocks.overdue(at),
    "met": lambda clocks, at: clocks.met(at),
    "breached": lambda clocks, at: clocks.breached(at),
    "cancelled": lambda clocks, at: clocks.filter(cancelled_at__isnull=False),
}
"""What can be asked for; `breached` holds what was answered late and what is overdue."""


class PromiseQuery(PageQuery):
    state = serializers.ChoiceField(choices=list(STATES), required=False)
    lead = IdField(required=False)
    owner = PersonIdField(required=False, help_text="Leads that this user holds.")
    due_from = serializers.DateTimeField(required=False, help_text="Due then or later.")
    due_before = serializers.DateTimeField(required=False, help_text="Due before that.")


class PromiseSerializer(Shape):
    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    pass_no = serializers.IntegerField()
    started_at = serializers.DateTimeField(help_text="When marketing handed the lead over.")
    due_at = serializers.DateTimeField(help_text="When sales' answer is due.")
    answered_at = serializers.DateTimeField(source="stopped_at", allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cancelled_why = serializers.ChoiceField(choices=CancelReason.choices, allow_null=True)
    is_breached = serializers.SerializerMethodField(help_text="Answered late, or overdue now.")

    def get_is_breached(self, clock: Clock) -> bool:
        return clock.is_breached(now())

    def to_representation(self, instance: Clock) -> Any:
        told = super().to_representation(instance)
        if "cancelled_why" in told:
            told["cancelled_why"] = told["cancelled_why"] or None
        return told


@policy("lead.view", by_token=True)
class Promises(ApiView):
    @extend_schema(operation_id="promises_list", parameters=[PromiseQuery], responses=page_of(PromiseSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Sales' answers to handed-over leads, the soonest due first."""
        query = asked(request, PromiseQuery)
        clocks = Clock.objects.dispositions()
        if "state" in query:
            clocks = STATES[query["state"]](clocks, now())
        columns = {"lead": "lead", "owner": "lead__owner", "due_from": "due_at__gte", "due_before": "due_at__lt"}
        clocks = clocks.filter(**{column: query[name] for name, column in columns.items() if name in query})
        return page(request, clocks, order=SOONEST, form=PromiseSerializer, query=query)
