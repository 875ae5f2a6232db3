"""The addresses of a user's notifications, of long work, and of channels."""

from django.urls import path

from alignment.ops import channel_views, job_views, views

urlpatterns = [
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/unread/", views.unread, name="notifications_unread"),
    path("notifications/<int:pk>/", views.notification, name="notification"),
    path("jobs/", job_views.jobs, name="jobs"),
    path("jobs/<int:pk>/", job_views.job, name="job"),
    path("jobs/<int:pk>/stop/", job_views.stop, name="job_stop"),
    path("jobs/<int:pk>/resume/", job_views.resume, name="job_resume"),
    path("account/notifications/", channel_views.preferences, name="account_notifications"),
    path("account/notifications/test/", channel_views.mail_test, name="account_notifications_test"),
    path("setup/channels/", channel_views.channels, name="setup_channels"),
    path("setup/channels/new/", channel_views.channel_new, name="setup_channel_new"),
    path("setup/channels/<int:pk>/", channel_views.channel, name="setup_channel"),
    path("setup/channels/<int:pk>/test/", channel_views.channel_test, name="setup_channel_test"),
    path("setup/channels/<int:pk>/switch/", channel_views.channel_switch, name="setup_channel_switch"),
    path("setup/channels/<int:pk>/secret/", channel_views.channel_secret, name="setup_channel_secret"),
    path("setup/channels/<int:pk>/remove/", channel_views.channel_remove, name="setup_channel_remove"),
    path("setup/outgoing/", channel_views.outgoing, name="setup_outgoing"),
    path("setup/outgoing/again/", channel_views.outgoing_again, name="setup_outgoing_again"),
]
