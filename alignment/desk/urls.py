"""The addresses of the pages that put the apps together."""

from django.urls import path

from alignment.desk import bulk_views, views
from alignment.desk.wall import views as wall_views

urlpatterns = [
    path("", views.home, name="home"),
    path("queue/", views.queue, name="queue"),
    path("leads/", views.leads, name="leads"),
    path("leads/bulk/", bulk_views.bulk, name="bulk"),
    path("leads/bulk/<int:pk>/", bulk_views.change, name="bulk_change"),
    path("leads/bulk/<int:pk>/undo/", bulk_views.undo, name="bulk_undo"),
    path("search/", views.search, name="search"),
    path("leads/<int:pk>/", views.lead, name="lead"),
    path("wall/<str:token>/<slug:scene>/", wall_views.wall, name="wall"),
    path("setup/wall/", wall_views.walls, name="walls"),
    path("setup/wall/<int:pk>/revoke/", wall_views.wall_revoke, name="wall_revoke"),
]
