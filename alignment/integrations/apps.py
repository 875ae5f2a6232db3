"""The integrations app: what comes in from files and other systems, and goes out to them."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "alignment.integrations"

    def ready(self) -> None:
        from alignment.integrations import undoing  # noqa: F401 (registers a kind of job)
        from alignment.integrations.importers import job  # noqa: F401 (registers a kind of job)
