"""What an app stores after each migration waits until its tables stand as its code is."""

from importlib import import_module
from pkgutil import iter_modules

from django.apps import AppConfig
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder


def is_up_to_date(app: AppConfig, using: str) -> bool:
    """Whether all migrations of the app have run: `migrate` may stop at any, of any app, and tells all of them. Two
    queries.
    """
    done = MigrationRecorder(connections[using]).applied_migrations()
    modules = iter_modules(import_module(f"{app.name}.migrations").__path__)
    return all((app.label, module.name) in done for module in modules)
