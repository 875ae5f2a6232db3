"""The addresses of people, teams, company, first start and the user's own account."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
