"""What every install starts with: sales' answer within 48 hours, and what both sides promise. Idempotent."""

from typing import Any

from django.apps import AppConfig
from django.db.models.functions import Now

from alignment.people.models import Side

POLICY = {
    "name": "Sales answers every marketing lead within 48 hours",
    "subject_kind": "disposition",
    "target_hours": 48,
}

# (key, side, name, target, unit)
PROMISES = [
    ("mqls_per_week", Side.MARKETING, "MQLs handed over", 160, "per_week"),
    ("acceptance", Side.MARKETING, "MQLs accepted by sales", 75, "percent"),
    ("answered", Side.SALES, "Answered within 48 hours", 90, "percent"),
    ("reasons", Side.SALES, "Rejections with a reason", 95, "percent"),
]


def seed_defaults(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Create what is missing, by key and version; a post_migrate receiver."""
    policies = sender.get_model("Policy")._default_manager.using(using)
    promises = sender.get_model("Promise")._default_manager.using(using)
    policies.get_or_create(key="answer", version=1, defaults={**POLICY, "published_at": Now()})
    for position, (key, side, name, target, unit) in enumerate(PROMISES):
        promises.get_or_create(
            key=key,
            version=1,
            defaults={"side": side, "name": name, "target": target, "unit": unit, "position": position},
        )
