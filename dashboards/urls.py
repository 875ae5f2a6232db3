"""The addresses of the dashboards."""

from django.urls import path

from dashboards import views

urlpatterns = [
    path("dash/funnel/", views.funnel, name="funnel"),
    path("dash/funnel/leads/", views.funnel_leads, name="funnel_leads"),
]
