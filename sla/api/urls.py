"""The addresses of promises and disputes, below /api/v1/."""

from django.urls import path

from sla.api import agreement, disputes, promises, rules

urlpatterns = [
    path("agreement/", agreement.InForce.as_view(), name="api_agreement"),
    path("agreement/plan/", agreement.Plan.as_view(), name="api_agreement_plan"),
    path("disputes/", disputes.Disputes.as_view(), name="api_disputes"),
    path("disputes/<int:pk>/answer/", disputes.DisputeAnswer.as_view(), name="api_dispute_answer"),
    path("disputes/<int:pk>/decide/", disputes.DisputeDecision.as_view(), name="api_dispute_decide"),
    path("pause-reasons/", rules.PauseReasons.as_view(), name="api_pause_reasons"),
    path("promise-rules/", rules.PromiseRules.as_view(), name="api_promise_rules"),
    path("promises/", promises.Promises.as_view(), name="api_promises"),
    path("promises/<int:pk>/", promises.OnePromise.as_view(), name="api_promise"),
]
