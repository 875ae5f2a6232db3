"""The addresses of promises and disputes, below /api/v1/."""

from django.urls import path

from sla.api import disputes, promises

urlpatterns = [
    path("disputes/", disputes.Disputes.as_view(), name="api_disputes"),
    path("disputes/<int:pk>/answer/", disputes.DisputeAnswer.as_view(), name="api_dispute_answer"),
    path("disputes/<int:pk>/decide/", disputes.DisputeDecision.as_view(), name="api_dispute_decide"),
    path("promises/", promises.Promises.as_view(), name="api_promises"),
    path("promises/<int:pk>/", promises.OnePromise.as_view(), name="api_promise"),
]
