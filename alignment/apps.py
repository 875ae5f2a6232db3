"""The project's own app: what holds all others together."""

import gc

from django.apps import AppConfig
from django.core.checks import Tags, register

from alignment.checks import check_production
from alignment.lib import lookups


class AlignmentConfig(AppConfig):
    name = "alignment"

    def ready(self) -> None:
        from alignment import wiring  # the models that it names are loaded only now

        # A set of leads is many objects and no garbage: looking for some every 700 objects took a fifth of a write.
        gc.set_threshold(100_000, 50, 100)
        lookups.register()
        wiring.connect()
        register(check_production, Tags.security, deploy=True)
