"""The API's machinery: tokens, problems, pages, idempotent writes, the schema. Resources are in the apps."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "alignment.api"
