"""What no production start accepts; the demo, which says so by `ACCORD_DEMO=1`, may."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured


def check_production(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """The part of `check --deploy` that is about Accord."""
    if settings.DEMO:
        message = "ACCORD_DEMO=1 opens the demo logins."
        return [checks.Warning(message, hint="Unset it in production.", id="accord.W001")]
    return [checks.Error(reason, id="accord.E001") for reason in unsafe_settings()]


def unsafe_settings() -> list[str]:
    """The reasons why the settings would give a production install away."""
    reasons = {
        "ACCORD_SECRET_KEY is not set, so anyone can forge a session.": (
            settings.SECRET_KEY == settings.DEFAULT_SECRET_KEY
        ),
        "ACCORD_DEBUG=1 shows code and data to every visitor who meets an error.": settings.DEBUG,
        "ACCORD_ALLOWED_HOSTS holds *, so links in mails can be made to lead anywhere.": "*" in settings.ALLOWED_HOSTS,
    }
    return [reason for reason, holds in reasons.items() if holds]


def refuse_unsafe_start() -> None:
    """Raises ImproperlyConfigured, with a sentence for each reason, where this process must not serve anyone."""
    if not settings.DEMO and (reasons := unsafe_settings()):
        raise ImproperlyConfigured("Accord does not start: " + " ".join(reasons))
