"""The addresses of disputes."""

from django.urls import path

from sla import dispute_views

urlpatterns = [
    path("leads/<int:pk>/dispute/", dispute_views.contest, name="lead_dispute"),
    path("disputes/", dispute_views.dispute_list, name="disputes"),
    path("disputes/<int:pk>/", dispute_views.dispute, name="dispute"),
    path("disputes/<int:pk>/answer/", dispute_views.dispute_answer, name="dispute_answer"),
    path("disputes/<int:pk>/decide/", dispute_views.dispute_decide, name="dispute_decide"),
]
