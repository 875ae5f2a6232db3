"""The row every install starts with: its company."""

from typing import Any

from django.apps import apps as installed_apps
from django.apps.registry import Apps


def seed_company(*, using: str, apps: Apps = installed_apps, **kwargs: Any) -> None:
    """post_migrate receiver; changes nothing where the row stands, and waits while its table is not migrated yet."""
    try:
        company = apps.get_model("people", "Company")
    except LookupError:
        return
    company.objects.using(using).get_or_create(pk=1)
