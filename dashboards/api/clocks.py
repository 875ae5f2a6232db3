"""The clocks behind the figures of promises by the API, with the page's filters: all of them, or what was broken."""

from typing import Any

from django.utils.timezone import now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.problems import InvalidError
from alignment.api.reading import PageQuery, asked, cut, following, page_of, shown, wanted
from alignment.api.requests import TokenRequest
from alignment.api.shapes import ChoiceField, Shape
from alignment.api.views import ApiView
from alignment.people.models import Side
from alignment.people.permissions import policy
from dashboards.api.metrics import filter_fields, filters_of
from dashboards.clock_figures import FIGURES, OpenedClocks
from dashboards.clock_list import ORDER, RELATED, Row, told
from dashboards.figures import FigureError
from dashboards.metrics.attainment import promised
from dashboards.options import Options
from sla import subjects

OF_PROMISE: dict[str, Any] = {
    "promise": serializers.CharField(required=False, help_text="One promise, as `/metrics/promises/` names it."),
    "side": ChoiceField(
        choices=Side.choices, required=False, help_text="Whose promise, where both sides make it. Without it: sales."
    ),
    "kind": ChoiceField(choices=subjects.choices(), required=False, help_text="What is promised."),
}
BreachQuery: Any = type("BreachQuery", (PageQuery,), {**filter_fields(), **OF_PROMISE})
ClockQuery: Any = type(
    "ClockQuery",
    (PageQuery,),
    {
        **filter_fields(),
        **OF_PROMISE,
        "figure": ChoiceField(
            choices=list(FIGURES),
            default="judged",
            help_text="Due in the period: judged, met, breached, excused. Now: open, at_risk, paused, overdue.",
        ),
    },
)


class ShareSerializer(Shape):
    who = serializers.CharField(help_text="Blank: in no one's hands. A role, where the name is not for you.")
    seconds = serializers.SerializerMethodField()
    share = serializers.FloatField(source="part", help_text="Of the time that counts, 0 to 1.")

    def get_seconds(self, share: Any) -> int:
        return round(share.time.total_seconds())


class ClockSerializer(Shape):
    id = serializers.IntegerField(source="clock.pk")
    lead = serializers.IntegerField(source="clock.lead_id", allow_null=True)
    pass_no = serializers.IntegerField(source="clock.pass_no")
    kind = serializers.ChoiceField(source="clock.subject_kind", choices=subjects.choices())
    about = serializers.CharField(help_text="What it is owed to: the lead, the deal or the dispute, by name.")
    promise = serializers.CharField(source="clock.policy.name")
    within = serializers.CharField(source="clock.policy.promised")
    started_at = serializers.DateTimeField(source="clock.started_at")
    due_at = serializers.DateTimeField(source="clock.due_at")
    answered_at = serializers.DateTimeField(source="clock.stopped_at", allow_null=True)
    paused_until = serializers.DateTimeField(source="clock.paused_until", allow_null=True)
    excused_at = serializers.DateTimeField(source="clock.excused_at", allow_null=True)
    late_by_seconds = serializers.SerializerMethodField(help_text="Null where it is not late.")
    is_contested = serializers.BooleanField()
    held = ShareSerializer(many=True, help_text="The receipt: who had the lead in hand for how long.")
    charged = serializers.CharField(help_text="Who answers for the breach, named as in `held`.")

    def get_late_by_seconds(self, row: Row) -> int | None:
        return None if row.late_by is None else round(row.late_by.total_seconds())


CLOCKS = page_of(ClockSerializer)


@policy("promises.view", by_token=True)
class Clocks(ApiView):
    @extend_schema(operation_id="clocks_list", parameters=[ClockQuery], responses=CLOCKS)
    def get(self, request: TokenRequest) -> Response:
        """The clocks of a figure, the last due first, with their receipts."""
        return _page(request, asked(request, ClockQuery))


@policy("promises.view", by_token=True)
class Breaches(ApiView):
    @extend_schema(operation_id="breaches_list", parameters=[BreachQuery], responses=CLOCKS)
    def get(self, request: TokenRequest) -> Response:
        """The promises of sales that were due in the period and broken, the last due first, with their receipts."""
        return _page(request, {**asked(request, BreachQuery), "figure": "breached"})


def _page(request: TokenRequest, query: dict[str, Any]) -> Response:
    at = now()
    only = wanted(ClockSerializer, query)
    filters = filters_of(request, Options.load(), at)
    try:
        opened = OpenedClocks.find(
            {name: str(query.get(name, "")) for name in ("figure", "promise", "side", "kind")}, promised()
        )
    except FigureError as error:
        raise InvalidError([{"detail": str(error)}]) from error
    found, more = cut(opened.rows(filters, at).select_related(*RELATED), order=ORDER, query=query)
    rows = told(found, request.user, at)
    behind = following(request, found, ORDER) if more else None
    return Response({"results": shown(ClockSerializer, rows, only, many=True), "next": behind})
