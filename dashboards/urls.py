"""The addresses of the dashboards."""

from django.urls import path

from dashboards import campaign_views, promise_views, views

urlpatterns = [
    path("campaigns/", campaign_views.campaigns, name="campaigns"),
    path("campaigns/leads/", campaign_views.campaign_leads, name="campaign_leads"),
    path("dash/funnel/", views.funnel, name="funnel"),
    path("dash/funnel/leads/", views.funnel_leads, name="funnel_leads"),
    path("dash/promises/", promise_views.promises, name="promises"),
    path("dash/promises/clocks/", promise_views.promise_clocks, name="promise_clocks"),
]
