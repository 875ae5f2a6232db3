"""The addresses at which Accord says how it is."""

from django.urls import path

from alignment.health import probes, views

urlpatterns = [
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("setup/health/", views.health, name="setup_health"),
    path("api/v1/metrics/", views.Metrics.as_view(), name="api_metrics"),
]
