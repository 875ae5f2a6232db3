"""The addresses of the pages that put the apps together."""

from django.urls import include, path

from alignment.desk import bulk_views, deal_views, views
from alignment.desk.saved import views as saved_views
from alignment.desk.wall import views as wall_views

urlpatterns = [
    path("", views.home, name="home"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("queue/", views.queue, name="queue"),
    path("leads/", views.leads, name="leads"),
    path("leads/bulk/", bulk_views.bulk, name="bulk"),
    path("leads/bulk/<int:pk>/", bulk_views.change, name="bulk_change"),
    path("leads/bulk/<int:pk>/undo/", bulk_views.undo, name="bulk_undo"),
    path("", include("alignment.desk.data.urls")),
    path("leads/columns/", saved_views.columns, name="lead_columns"),
    path("leads/views/new/", saved_views.new, name="view_new"),
    path("leads/views/<int:pk>/", saved_views.edit, name="view_edit"),
    path("leads/views/<int:pk>/replace/", saved_views.replace, name="view_replace"),
    path("leads/views/<int:pk>/begin/", saved_views.begin, name="view_begin"),
    path("leads/views/<int:pk>/delete/", saved_views.delete, name="view_delete"),
    path("search/", views.search, name="search"),
    path("leads/<int:pk>/", views.lead, name="lead"),
    path("deals/", deal_views.deals, name="deals"),
    path("deals/<int:pk>/", deal_views.deal, name="deal"),
    path("accounts/<int:pk>/", deal_views.account, name="account"),
    path("wall/<str:token>/<slug:scene>/", wall_views.wall, name="wall"),
    path("setup/wall/", wall_views.walls, name="walls"),
    path("setup/wall/<int:pk>/revoke/", wall_views.wall_revoke, name="wall_revoke"),
]
