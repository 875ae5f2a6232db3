"""The addresses of clean data."""

from django.urls import path

from alignment.desk.data import views

urlpatterns = [
    path("data/", views.overview, name="data"),
    path("data/leads/<slug:finding>/", views.leads, name="data_leads"),
    path("data/duplicates/dismiss/", views.dismiss, name="data_dismiss"),
    path("data/duplicates/merge-exact/", views.merge_exact, name="data_merge_exact"),
    path("data/duplicates/<slug:kind>/", views.pairs, name="data_pairs"),
    path("data/merges/", views.merges, name="data_merges"),
]
