"""How Accord itself is: a page for who runs it, and metrics for the program that watches it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from alignment.api.requests import TokenRequest
from alignment.api.views import ApiView
from alignment.health import metrics, signs
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest


@policy("health.view")
@require_GET
@never_cache
@vary_on_headers("HX-Request")
def health(request: SignedInRequest) -> HttpResponse:
    """The page, or for htmx the part that changes."""
    context = {"signs": signs.read(), "found_within": signs.FOUND_WITHIN, "patience": signs.PATIENCE}
    return render(request, "health/_signs.html" if request.htmx else "health/health.html", context)


@policy("health.view", by_token=True)
class Metrics(ApiView):
    @extend_schema(operation_id="metrics", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: TokenRequest) -> HttpResponse:
        """How Accord itself is, in the text format of Prometheus: lag, queues, what waits and what was given up."""
        return HttpResponse(metrics.render(signs.read()), content_type=metrics.CONTENT_TYPE)
