"""The leads app: the lifecycle, who a lead is, and what happened to it."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LeadsConfig(AppConfig):
    """Seeds the defaults after each migration: rows from a migration vanish with the first flush of a test."""

    name = "leads"

    def ready(self) -> None:
        from leads.hygiene import merging_exact  # noqa: F401 (registers a kind of job)
        from leads.scoring import previewing, publishing  # noqa: F401 (register kinds of jobs)
        from leads.seed import seed_defaults

        post_migrate.connect(seed_defaults, sender=self)
