"""The addresses of a user's notifications, and of long work."""

from django.urls import path

from alignment.ops import job_views, views

urlpatterns = [
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/unread/", views.unread, name="notifications_unread"),
    path("notifications/<int:pk>/", views.notification, name="notification"),
    path("jobs/", job_views.jobs, name="jobs"),
    path("jobs/<int:pk>/", job_views.job, name="job"),
    path("jobs/<int:pk>/stop/", job_views.stop, name="job_stop"),
    path("jobs/<int:pk>/resume/", job_views.resume, name="job_resume"),
]
