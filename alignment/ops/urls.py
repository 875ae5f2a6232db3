"""The addresses of a user's notifications."""

from django.urls import path

from alignment.ops import views

urlpatterns = [
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/unread/", views.unread, name="notifications_unread"),
    path("notifications/<int:pk>/", views.notification, name="notification"),
]
