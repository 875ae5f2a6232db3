"""Every address of Accord, app by app."""

from django.urls import include, path

urlpatterns = [
    path("", include("alignment.people.urls")),
]
