"""The addresses of figures, below /api/v1/."""

from django.urls import path

from dashboards.api import metrics

urlpatterns = [
    path("metrics/funnel/", metrics.FunnelMetric.as_view(), name="api_metrics_funnel"),
]
