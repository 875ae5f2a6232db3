"""The people app: company, users, teams, roles, and who may do what."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from alignment.people.seed import seed_company


class PeopleConfig(AppConfig):
    name = "alignment.people"

    def ready(self) -> None:
        post_migrate.connect(seed_company, sender=self)
