"""The addresses of saved views, below /api/v1/."""

from django.urls import path

from alignment.desk.saved import api

urlpatterns = [
    path("views/", api.Views.as_view(), name="api_views"),
    path("views/<int:pk>/", api.View.as_view(), name="api_view"),
    path("views/<int:pk>/delete/", api.ViewDelete.as_view(), name="api_view_delete"),
]
