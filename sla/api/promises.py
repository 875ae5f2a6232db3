"""Promises by the API: what is owed, overdue, given in time or late; and one clock with its story and receipt."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import ChoiceField, IdField, PersonIdField, Shape
from alignment.api.views import ApiView
from alignment.people.figures import FiguresOfRep
from alignment.people.models import User
from alignment.people.permissions import policy, require
from sla import subjects
from sla.models import Clock, ClockEvent, EventKind, SubjectKind
from sla.models.clock import CalendarOf, CancelReason
from sla.querysets import ClockQuerySet
from sla.receipt import Held, receipt

SOONEST = ("due_at", "id")

STATES: Mapping[str, Callable[[ClockQuerySet, datetime], ClockQuerySet]] = {
    "running": lambda clocks, at: clocks.running(),
    "overdue": lambda clocks, at: clocks.overdue(at),
    "met": lambda clocks, at: clocks.met(at),
    "breached": lambda clocks, at: clocks.breached(at),
    "excused": lambda clocks, at: clocks.excused(at),
    "paused": lambda clocks, at: clocks.running().filter(paused_until__isnull=False),
    "cancelled": lambda clocks, at: clocks.filter(cancelled_at__isnull=False),
}
"""What can be asked for; `breached` holds what was answered late and what is overdue, without what is excused."""


class PromiseQuery(PageQuery):
    state = ChoiceField(choices=list(STATES), required=False)
    kind = ChoiceField(choices=subjects.choices(), default=SubjectKind.DISPOSITION.value, help_text="What is promised.")
    policy = IdField(required=False)
    lead = IdField(required=False)
    owner = PersonIdField(required=False, help_text="Leads that this user holds.")
    due_from = serializers.DateTimeField(required=False, help_text="Due then or later.")
    due_before = serializers.DateTimeField(required=False, help_text="Due before that.")


class PromiseSerializer(Shape):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(source="subject_kind", choices=subjects.choices())
    subject = serializers.IntegerField(
        source="subject_id", help_text="What it is owed to: the lead, or of other kinds the deal or the dispute."
    )
    policy = serializers.IntegerField(source="policy_id", help_text="The rule of the version that it runs under.")
    lead = serializers.IntegerField(source="lead_id", allow_null=True, help_text="The lead that it is about.")
    pass_no = serializers.IntegerField(help_text="The lead's pass; of a deal, which of its updates.")
    started_at = serializers.DateTimeField(help_text="When it began to be owed, such as at the hand-off.")
    due_at = serializers.DateTimeField(help_text="Counts the whole of a pause while one runs.")
    paused_until = serializers.DateTimeField(allow_null=True, help_text="It stands still until then at most.")
    answered_at = serializers.DateTimeField(source="stopped_at", allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cancelled_why = serializers.ChoiceField(choices=CancelReason.choices, allow_null=True)
    is_breached = serializers.SerializerMethodField(help_text="Answered late, or overdue now.")

    is_excused = serializers.SerializerMethodField(help_text="Broken, and let pass by a verdict: no figure counts it.")

    def get_is_excused(self, clock: Clock) -> bool:
        return clock.is_excused(now())

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
        """What is owed or was given, the soonest due first: answers to leads, unless another `kind` is asked for."""
        query = asked(request, PromiseQuery)
        if "owner" in query:
            rep = get_object_or_404(User, pk=query["owner"])
            require(request.user, "funnel.of_rep", FiguresOfRep.of(rep))
        clocks = Clock.objects.filter(subject_kind=query["kind"])
        if "state" in query:
            clocks = STATES[query["state"]](clocks, now())
        columns = {
            "policy": "policy", "lead": "lead", "owner": "lead__owner", "due_from": "due_at__gte",
            "due_before": "due_at__lt",
        }  # fmt: skip
        clocks = clocks.filter(**{column: query[name] for name, column in columns.items() if name in query})
        return page(request, clocks, order=SOONEST, form=PromiseSerializer, query=query)


class EventSerializer(Shape):
    kind = serializers.ChoiceField(choices=EventKind.choices)
    at = serializers.DateTimeField(help_text="When it took effect.")
    recorded_at = serializers.DateTimeField(help_text="When Accord knew.")
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    detail = serializers.JSONField(help_text="Old and new values, and why.")


class HeldSerializer(Shape):
    holder = serializers.IntegerField(
        source="holder.pk", default=None, allow_null=True, help_text="Null: in no one's hands."
    )
    charged = serializers.IntegerField(source="charged.pk", default=None, allow_null=True)
    since_at = serializers.DateTimeField()
    until = serializers.DateTimeField()
    is_away = serializers.BooleanField()
    seconds = serializers.SerializerMethodField()
    share = serializers.FloatField(help_text="Of the time that counts, 0 to 1.")

    def get_seconds(self, held: Held) -> int:
        return round(held.time.total_seconds())


class ReceiptSerializer(Shape):
    charged = serializers.IntegerField(source="charged.pk", default=None, allow_null=True)
    held = HeldSerializer(many=True)


class OnePromiseSerializer(PromiseSerializer):
    promised = serializers.CharField(source="policy.promised", help_text="As people say it: “48 hours”.")
    rule = serializers.CharField(source="policy.name")
    calendar = serializers.IntegerField(source="calendar_id", allow_null=True)
    calendar_of = serializers.ChoiceField(choices=CalendarOf.choices, help_text="Whose calendar it is.")
    events = EventSerializer(many=True, source="told_events")
    receipt = ReceiptSerializer(source="told_receipt")


@policy("lead.view", by_token=True)
class OnePromise(ApiView):
    @extend_schema(operation_id="promises_retrieve", responses=OnePromiseSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """One clock: what is promised, its story, and its receipt."""
        clock = get_object_or_404(Clock.objects.select_related("policy"), pk=pk, lead__withdrawn_at=None)
        clock.told_events = list(ClockEvent.objects.filter(clock=clock))  # type: ignore[attr-defined]
        clock.told_receipt = receipt(clock, now())  # type: ignore[attr-defined]
        return Response(OnePromiseSerializer(clock).data)
