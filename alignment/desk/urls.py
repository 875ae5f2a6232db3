"""The addresses of the pages that put the apps together."""

from django.urls import path

from alignment.desk import views

urlpatterns = [
    path("", views.home, name="home"),
    path("queue/", views.queue, name="queue"),
    path("leads/", views.leads, name="leads"),
    path("search/", views.search, name="search"),
    path("leads/<int:pk>/", views.lead, name="lead"),
]
