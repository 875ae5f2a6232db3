"""The address of promises, below /api/v1/."""

from django.urls import path

from sla.api import promises

urlpatterns = [
    path("promises/", promises.Promises.as_view(), name="api_promises"),
    path("promises/<int:pk>/", promises.OnePromise.as_view(), name="api_promise"),
]
