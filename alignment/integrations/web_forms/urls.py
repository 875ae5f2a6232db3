"""The addresses of web forms: those of their set-up, and the one that websites post to."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from alignment.integrations.web_forms import public, views


class FormKeyConverter(StringConverter):
    """What keys are made of; everything else is no address of ours."""

    regex = "[A-Za-z0-9_-]{16,64}"


register_converter(FormKeyConverter, "form_key")

urlpatterns = [
    path("forms/<form_key:key>/", public.form, name="web_form"),
    path("setup/forms/", views.forms, name="setup_forms"),
    path("setup/forms/new/", views.form_new, name="setup_form_new"),
    path("setup/forms/<int:pk>/", views.form, name="setup_form"),
    path("setup/forms/<int:pk>/edit/", views.form_edit, name="setup_form_edit"),
    path("setup/forms/<int:pk>/retire/", views.form_retire, name="setup_form_retire"),
    path("setup/forms/<int:pk>/key/", views.form_key, name="setup_form_key"),
    path("setup/forms/<int:pk>/test/", views.form_test, name="setup_form_test"),
]
