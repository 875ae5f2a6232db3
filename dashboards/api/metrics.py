"""Figures by the API, with the filters of the page and in the form of `manage.py metric`."""

from typing import Any

from django.utils.timezone import now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.problems import InvalidError
from alignment.api.reading import asked
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Shape
from alignment.api.views import ApiView
from alignment.people.permissions import policy
from dashboards.asking import filters_for
from dashboards.data import as_data
from dashboards.filters import Accounts, Anchor, Basis, Deals, FilterError, Passes, Span
from dashboards.keeping import Keeper
from dashboards.metrics import funnel
from dashboards.metrics.funnel import Funnel
from dashboards.options import FACETS, NO_KEY, Options
from leads.milestones import Milestone

_kept: Keeper[Funnel] = Keeper()


def _choice(kind: Any, usual: str = "", **options: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=[each.value for each in kind], required=False, help_text=usual, **options)


FunnelQuery: Any = type(
    "FunnelQuery",
    (serializers.Serializer,),
    {
        "from": serializers.DateField(required=False, help_text="First day, in the company's zone."),
        "to": serializers.DateField(required=False, help_text="Last day."),
        "period": _choice(Span, "Without it and without dates: 12m."),
        "basis": _choice(Basis, "Without it: cohort."),
        "anchor": _choice(Anchor, "Without it: first."),
        "passes": _choice(Passes, "Without it: all."),
        "accounts": _choice(Accounts, "Target accounts alone, or all others. Without it: all."),
        "deals": _choice(Deals, "Without it: new."),
        "by": _choice(FACETS, "Counts each value of this too."),
        **{
            facet.value: serializers.CharField(
                required=False, help_text=f"A key, of owners and teams an id; `{NO_KEY}` for none."
            )
            for facet in FACETS
        },
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
        at, options = now(), Options.load()
        given = request.query_params.dict()
        try:
            filters = filters_for(request.user, given, options=options, at=at)
        except FilterError as error:
            raise InvalidError([{"detail": sentence} for sentence in error.messages]) from error
        key = (filters.query, filters.period, filters.calendar)
        measured = _kept.get(key, at, lambda _: funnel.measure(filters))
        return Response(as_data(measured, options, is_grouped="by" in given))
