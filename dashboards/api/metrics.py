"""Figures by the API, with the filters of the page and in the form of `manage.py metric`."""

from datetime import datetime
from typing import Any

from django.utils.timezone import now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.problems import InvalidError
from alignment.api.reading import asked
from alignment.api.requests import TokenRequest
from alignment.api.shapes import ChoiceField, Shape
from alignment.api.views import ApiView
from alignment.people.models import Side
from alignment.people.permissions import policy
from dashboards import ledger, report
from dashboards.asking import filters_for
from dashboards.data import funnel_as_data, promises_as_data
from dashboards.filters import Accounts, Anchor, Basis, Compare, Deals, FilterError, Filters, Passes, Span
from dashboards.keeping import Keeper
from dashboards.metrics import funnel
from dashboards.metrics.answered import BY
from dashboards.metrics.funnel import Funnel
from dashboards.options import FACETS, NO_KEY, Options
from leads.milestones import Milestone
from sla import subjects

_kept: Keeper[Funnel] = Keeper()


def _choice(kind: Any, usual: str = "", **options: Any) -> ChoiceField:
    return ChoiceField(choices=[each.value for each in kind], required=False, help_text=usual, **options)


def filter_fields() -> dict[str, Any]:
    """The parameters that the pages' filter bar has, whichever metric is asked for."""
    return {
        "from": serializers.DateField(required=False, help_text="First day, in the company's zone."),
        "to": serializers.DateField(required=False, help_text="Last day."),
        "period": _choice(Span, "Without it and without dates: 12m."),
        "passes": _choice(Passes, "Without it: all."),
        "accounts": _choice(Accounts, "Target accounts alone, or all others. Without it: all."),
        "deals": _choice(Deals, "Without it: new."),
        **{
            facet.value: serializers.CharField(
                required=False, help_text=f"A key, of owners and teams an id; `{NO_KEY}` for none."
            )
            for facet in FACETS
        },
    }


def filters_of(request: TokenRequest, options: Options, at: datetime) -> Filters:
    """The filters that a request asks for. Raises InvalidError, and PermissionDenied as the pages do."""
    try:
        return filters_for(request.user, request.query_params.dict(), options=options, at=at)
    except FilterError as error:
        raise InvalidError([{"detail": sentence} for sentence in error.messages]) from error


FunnelQuery: Any = type(
    "FunnelQuery",
    (serializers.Serializer,),
    {
        **filter_fields(),
        "basis": _choice(Basis, "Without it: cohort."),
        "anchor": _choice(Anchor, "Without it: first."),
        "by": _choice(FACETS, "Counts each value of this too."),
    },
)
PromisesQuery: Any = type(
    "PromisesQuery",
    (serializers.Serializer,),
    {
        **filter_fields(),
        "by": _choice(BY, "Tells each value of this too."),
        "compare": _choice(Compare, "Beside the period before, 52 weeks before, or none. Without it: before."),
    },
)
PeriodSerializer: Any = type(
    "PeriodSerializer", (Shape,), {"from": serializers.DateField(), "to": serializers.DateField()}
)
ReachedSerializer: Any = type(
    "ReachedSerializer", (Shape,), {milestone.name: serializers.IntegerField() for milestone in Milestone}
)


class FunnelSerializer(Shape):
    metric = serializers.CharField()
    basis = serializers.ChoiceField(choices=[each.value for each in Basis])
    period = PeriodSerializer(allow_null=True, help_text="Null for all time.")
    n = serializers.IntegerField(help_text="Journeys that entered.")
    reached = ReachedSerializer(help_text="How many reached each milestone, or a later one.")
    undated = serializers.IntegerField(help_text="Of all time: how many entered at an unknown date.")
    by = serializers.ListField(
        child=serializers.DictField(), help_text="For each value of the facet `by`: its key, n and reached."
    )


@policy("funnel.view", by_token=True)
class FunnelMetric(ApiView):
    @extend_schema(operation_id="metrics_funnel", parameters=[FunnelQuery], responses=FunnelSerializer)
    def get(self, request: TokenRequest) -> Response:
        """The funnel, as the page counts it."""
        asked(request, FunnelQuery)
        at, options, given = now(), Options.load(), request.query_params.dict()
        filters = filters_of(request, options, at)
        measured = _kept.get(filters.question, at, lambda _: funnel.measure(filters, report.look(filters)))
        return Response(funnel_as_data(measured, options, is_grouped="by" in given))


class AttainedSerializer(Shape):
    met = serializers.IntegerField()
    breached = serializers.IntegerField(help_text="Given late, or overdue now; excused ones are in neither.")
    n = serializers.IntegerField(help_text="Both: the denominator.")
    attainment = serializers.FloatField(allow_null=True, help_text="Met ÷ n, 0 to 1; null where nothing was due.")


class LineSerializer(AttainedSerializer):
    promise = serializers.IntegerField(help_text="Its newest rule: what `promise` asks for in `/clocks/`.")
    kind = serializers.ChoiceField(choices=subjects.choices())
    side = serializers.ChoiceField(choices=Side.choices, help_text="Who promises it.")
    name = serializers.CharField()
    within = serializers.CharField(help_text="As people say it: “48 hours”.")
    is_in_force = serializers.BooleanField()
    promised = serializers.FloatField(allow_null=True, help_text="The share that is agreed, 0 to 1.")
    before = AttainedSerializer(allow_null=True, help_text="In the period that this one is compared with.")
    excused = serializers.IntegerField(help_text="Breaches that a verdict let pass.")
    open = serializers.IntegerField(help_text="Owed now, whenever due: neither paused nor overdue.")
    at_risk = serializers.IntegerField(help_text="Of the open ones, those with little time left.")
    paused = serializers.IntegerField()
    overdue = serializers.IntegerField()


class HandedOverSerializer(Shape):
    delivered = serializers.IntegerField(help_text="First-pass MQLs.")
    accepted = serializers.IntegerField()
    decided = serializers.IntegerField(help_text="Accepted, or rejected as marketing's miss.")
    acceptance = serializers.FloatField(allow_null=True)


class OfMarketingSerializer(HandedOverSerializer):
    planned_weeks = serializers.IntegerField(help_text="Weeks of the period that are over and have a plan.")
    kept_weeks = serializers.IntegerField(help_text="In how many of them as many were handed over as promised.")
    delivered_per_week = serializers.FloatField(allow_null=True, help_text="In these weeks.")
    planned_per_week = serializers.FloatField(allow_null=True)
    before = HandedOverSerializer(allow_null=True, help_text="In the period that this one is compared with.")
    promises = LineSerializer(many=True, help_text="What marketing owes by a clock, such as answers to disputes.")


class LineOfWeekSerializer(AttainedSerializer):
    promise = serializers.IntegerField()


WeekSerializer: Any = type(
    "WeekSerializer",
    (HandedOverSerializer,),
    {
        "from": serializers.DateField(),
        "to": serializers.DateField(),
        "planned": serializers.IntegerField(allow_null=True, help_text="Null where nothing is agreed."),
        "sales": LineOfWeekSerializer(many=True),
        "marketing": LineOfWeekSerializer(many=True),
    },
)


class PromisesMetricSerializer(Shape):
    metric = serializers.CharField()
    period = PeriodSerializer(allow_null=True, help_text="Null for all time.")
    compared = PeriodSerializer(allow_null=True, help_text="What it is compared with; null for nothing.")
    as_of = serializers.DateTimeField()
    n = serializers.IntegerField(help_text="Promises of sales that were due, of all kinds.")
    above_capacity = serializers.IntegerField(help_text="MQLs that wait above capacity now, charged to neither side.")
    marketing = OfMarketingSerializer()
    sales = LineSerializer(many=True)
    weeks = WeekSerializer(many=True, help_text="The last 13 weeks of the period that have begun.")
    by = serializers.ListField(
        child=serializers.DictField(), help_text="For each value of `by`: its key, n, and what was kept of each kind."
    )


@policy("promises.view", by_token=True)
class PromisesMetric(ApiView):
    @extend_schema(operation_id="metrics_promises", parameters=[PromisesQuery], responses=PromisesMetricSerializer)
    def get(self, request: TokenRequest) -> Response:
        """What each side promised and kept, as the page of promises tells it."""
        asked(request, PromisesQuery)
        at, options = now(), Options.load()
        measured = ledger.current(filters_of(request, options, at), at)
        return Response(promises_as_data(measured, options, is_grouped="by" in request.query_params))
