"""The addresses of figures, below /api/v1/."""

from django.urls import path

from dashboards.api import clocks, metrics

urlpatterns = [
    path("metrics/funnel/", metrics.FunnelMetric.as_view(), name="api_metrics_funnel"),
    path("metrics/promises/", metrics.PromisesMetric.as_view(), name="api_metrics_promises"),
    path("clocks/", clocks.Clocks.as_view(), name="api_clocks"),
    path("breaches/", clocks.Breaches.as_view(), name="api_breaches"),
]
