"""The addresses of leads and what belongs to them, below /api/v1/."""

from django.urls import path

from leads.api import leads

urlpatterns = [
    path("leads/", leads.Leads.as_view(), name="api_leads"),
    path("leads/bulk/", leads.LeadBatch.as_view(), name="api_leads_bulk"),
    path("leads/<int:pk>/", leads.LeadDetail.as_view(), name="api_lead"),
]
