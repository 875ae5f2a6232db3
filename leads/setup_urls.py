"""The addresses at which the lifecycle is set up."""

from django.urls import path

from leads.views import reasons

urlpatterns = [
    path("setup/reasons/", reasons.setup_reasons, name="setup_reasons"),
    path("setup/reasons/new/", reasons.setup_reason_new, name="setup_reason_new"),
    path("setup/reasons/<int:pk>/", reasons.setup_reason, name="setup_reason"),
    path("setup/reasons/<int:pk>/retire/", reasons.setup_reason_retire, name="setup_reason_retire"),
    path("setup/reasons/<int:pk>/move/", reasons.setup_reason_move, name="setup_reason_move"),
    path("setup/reasons/proposals/<int:pk>/sign/", reasons.setup_reason_sign, name="setup_reason_sign"),
    path("setup/reasons/proposals/<int:pk>/decline/", reasons.setup_reason_decline, name="setup_reason_decline"),
    path("setup/reasons/proposals/<int:pk>/withdraw/", reasons.setup_reason_withdraw, name="setup_reason_withdraw"),
]
