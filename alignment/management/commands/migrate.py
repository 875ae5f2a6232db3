"""Django's `migrate`, quicker."""

from typing import Any

from django.core.management.commands import migrate

from alignment.lib.quick_migrations import keep_classes


class Command(migrate.Command):
    """Other commands that follow migrations read them as ever."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        keep_classes()
        return super().handle(*args, **options)
