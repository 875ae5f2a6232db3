"""The project's own app: what holds all others together."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from alignment.checks import check_production
from alignment.lib import lookups


class AlignmentConfig(AppConfig):
    name = "alignment"

    def ready(self) -> None:
        from alignment import wiring  # the models that it names are loaded only now

        lookups.register()
        wiring.connect()
        register(check_production, Tags.security, deploy=True)
