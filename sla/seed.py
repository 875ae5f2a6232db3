"""What every install starts with: three promises of sales, the time that a dispute has for its answer, pause reasons,
and what both sides promise. Idempotent.
"""

from typing import Any

from django.apps import AppConfig
from django.db.models.functions import Now

from alignment.lib.seeding import is_up_to_date
from alignment.people.models import Side

LADDER = {"reminders": [50, 75, 90], "propose_after": 4, "heads_after": 1}
PAUSES = ["away", "later", "waiting"]
ANY_LEAD: dict[str, Any] = {"match": "all", "of": []}
RAISED_HAND = {"match": "all", "of": [{"field": "raised_hand", "operator": "yes", "values": []}]}

# Kind of subject → the rules of its first version.
POLICIES: dict[str, list[dict[str, Any]]] = {
    "disposition": [
        {"name": "Sales answers every marketing lead within 48 hours", "when": ANY_LEAD, "target": 48},
    ],
    "first_touch": [
        {
            "name": "A hand-raiser gets a human touch within one working hour", "when": RAISED_HAND, "target": 1,
            "unit": "working_hours", "reminders": [50],
        },
    ],
    "worked": [
        {
            "name": "An accepted lead gets a human touch within one business day", "when": ANY_LEAD, "target": 1,
            "unit": "business_days",
        },
    ],
    "dispute_answer": [
        {
            "name": "The other side answers a dispute within 48 hours", "when": ANY_LEAD, "target": 48,
            "propose_after": 0,
        },
    ],
}  # fmt: skip
DEFAULTS = {
    **LADDER,
    "is_promised": True,
    "unit": "elapsed_hours",
    "floor_hours": 0,
    "calendar": None,
    "pauses": PAUSES,
}

# (key, name, cap in hours)
PAUSE_REASONS = [
    ("away", "The buyer is away", 14 * 24),
    ("later", "The buyer asked for a later date", 7 * 24),
    ("waiting", "We wait for something from the buyer", 72),
]

# (key, side, name, target, unit)
PROMISES = [
    ("answered", Side.SALES, "Answered within 48 hours", 90, "percent"),
    ("first_touch", Side.SALES, "Hand-raisers touched in time", 90, "percent"),
    ("worked", Side.SALES, "Accepted leads touched in time", 90, "percent"),
    ("reasons", Side.SALES, "Rejections with a reason", 95, "percent"),
]


def seed_defaults(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Create what is missing, by kind or key; a post_migrate receiver, which waits for all tables of the app."""
    if not is_up_to_date(sender, using):
        return
    for kind, rules in POLICIES.items():
        _policies(sender, using, kind, [{**DEFAULTS, **rule} for rule in rules])
    reasons = sender.get_model("PauseReason")._default_manager.using(using)
    for position, (key, name, cap_hours) in enumerate(PAUSE_REASONS):
        reasons.get_or_create(key=key, defaults={"name": name, "cap_hours": cap_hours, "position": position})
    promises = sender.get_model("Promise")._default_manager.using(using)
    for position, (key, side, name, target, unit) in enumerate(PROMISES):
        promises.get_or_create(
            key=key,
            version=1,
            defaults={"side": side, "name": name, "target": target, "unit": unit, "position": position},
        )


def _policies(sender: AppConfig, using: str, kind: str, rules: list[dict[str, Any]]) -> None:
    """The first version of the rules for this kind, unless there is one."""
    versions = sender.get_model("PolicySet")._default_manager.using(using)
    if versions.filter(scope=kind).exists():
        return
    version = versions.create(
        scope=kind, number=1, state="published", body={"rules": rules}, published_at=Now(), note="As Accord comes"
    )
    policies = sender.get_model("Policy")._default_manager.using(using)
    for position, rule in enumerate(rules):
        given = {name: value for name, value in rule.items() if name not in ("when", "calendar")}
        policies.create(version=version, position=position, subject_kind=kind, condition=rule["when"], **given)
