"""The address for mail."""

from django.urls import path

from alignment.integrations.mail_drop import views

urlpatterns = [path("inbound/mail/", views.inbound_mail, name="inbound_mail")]
