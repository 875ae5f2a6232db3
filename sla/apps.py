"""The sla app: what each side promised, and the clocks that hold sales to its answer."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SlaConfig(AppConfig):
    """Seeds the defaults after each migration: rows from a migration vanish with the first flush of a test. Makes the
    kinds of subject known that Accord comes with.
    """

    name = "sla"

    def ready(self) -> None:
        from sla import applying, preview_jobs  # noqa: F401 (register their jobs)
        from sla.seed import seed_defaults
        from sla.subjects import builtin  # noqa: F401 (registers the kinds)

        post_migrate.connect(seed_defaults, sender=self)
