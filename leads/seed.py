"""What an install starts with: stages, reasons, tracks, the rules of scores and deals. Idempotent; never overwrites."""

from typing import Any

from django.apps import AppConfig
from django.db.models import Model
from django.db.models.functions import Now

from alignment.lib.domains import FREE_DOMAINS
from alignment.lib.seeding import is_up_to_date
from alignment.people.models import Side
from leads.milestones import Milestone
from leads.scoring import rules as scoring_rules

STAGES: list[dict[str, Any]] = [
    {
        "key": "mgl", "name": "Marketing generated", "milestone": Milestone.MGL, "owning_side": Side.MARKETING,
        "definition": "Somebody we know by name, brought in by marketing activity.",
    },
    {
        "key": "mql", "name": "Marketing qualified", "milestone": Milestone.MQL, "owning_side": Side.MARKETING,
        "definition": "Meets the agreed engagement and firmographic threshold, or raised a hand. Sales answers within "
        "48 hours: accepted, rejected with a reason, or recycled.",
    },
    {
        "key": "sql", "name": "Sales accepted", "milestone": Milestone.SQL, "owning_side": Side.SALES,
        "definition": "Sales has accepted the lead and works it.",
    },
    {
        "key": "sqo", "name": "Sales opportunity", "milestone": Milestone.SQO, "owning_side": Side.SALES,
        "definition": "Budget, authority, need and timeline are confirmed; an opportunity with an amount and an "
        "expected close date stands.",
        "criteria": {
            "confirmations": ["budget", "authority", "need", "timeline"], "deal": ["amount", "expected_close_on"],
        },
    },
    {
        "key": "proposal", "name": "Proposal", "milestone": Milestone.SQO, "owning_side": Side.SALES,
        "definition": "The buyer has a written offer.",
        "criteria": {"deal": ["amount"]},
    },
    {
        "key": "won", "name": "Customer", "milestone": Milestone.WON, "owning_side": Side.SALES,
        "definition": "The contract is signed.",
    },
]  # fmt: skip

# (kind, key, label, counts as marketing's miss, proposes recycling, offered)
REASONS = [
    ("reject", "no_budget", "No budget", True, False, True),
    ("reject", "wrong_persona", "Wrong persona", True, False, True),
    ("reject", "no_need_now", "No need now", False, True, True),
    ("reject", "bad_data", "Bad contact data", True, False, True),
    ("reject", "duplicate", "Duplicate", False, False, True),
    ("reject", "competitor", "Competitor", True, False, True),
    ("reject", "not_recorded", "Not recorded", False, False, False),
    ("recycle", "not_now", "Not now", False, False, True),
    ("recycle", "no_answer", "Could not be reached", False, False, True),
    ("recycle", "too_early", "Too early in the project", False, False, True),
    ("win", "fit", "Best fit for the need", False, False, True),
    ("win", "price", "Price", False, False, True),
    ("win", "relationship", "Trust in the people", False, False, True),
    ("win", "timing", "Fastest to start", False, False, True),
    ("win", "incumbent", "Customer already", False, False, True),
    ("lose", "price", "Price", False, False, True),
    ("lose", "competitor", "Chose a competitor", False, False, True),
    ("lose", "no_decision", "No decision", False, False, True),
    ("lose", "missing_feature", "Something was missing", False, False, True),
    ("lose", "no_budget", "Budget was cut", False, False, True),
    ("lose", "not_recorded", "Not recorded", False, False, False),
]

TRACKS = [("newsletter", "Newsletter", 90), ("long_term", "Long-term nurture", 180), ("event", "Event follow-up", 30)]


def seed_defaults(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Create what is missing, by key; a post_migrate receiver, which waits for all tables of the app."""
    if not is_up_to_date(sender, using):
        return
    stages, reasons, tracks, rules = (
        sender.get_model(name)._default_manager.using(using)
        for name in ("Stage", "Reason", "NurtureTrack", "DealRules")
    )
    rules.get_or_create(pk=1)
    stage_versions = sender.get_model("StageVersion")._default_manager.using(using)
    for position, values in enumerate(STAGES, start=1):
        stages.get_or_create(key=values["key"], defaults={**values, "position": position * 10})
    stage: Any
    for stage in stages.exclude(key__in=stage_versions.values("scope")):
        body = {name: getattr(stage, name) for name in ("name", "owning_side", "definition", "criteria")}
        stage_versions.create(
            scope=stage.key, number=1, state="published", body=body, note="As it came", published_at=Now()
        )
    for position, (kind, key, label, miss, recycle, offered) in enumerate(REASONS):
        defaults = {
            "label": label, "position": position, "counts_as_miss": miss,
            "proposes_recycle": recycle, "is_offered": offered, "means_duplicate": key == "duplicate",
        }  # fmt: skip
        reasons.get_or_create(kind=kind, key=key, defaults=defaults)
    _free_domains(sender.get_model("FreeDomain"), using)
    versions = sender.get_model("ScoringVersion")._default_manager.using(using)
    if not versions.filter(scope="").exists():
        body = scoring_rules.checked(scoring_rules.default_body())
        versions.create(number=1, state="published", body=body, note="What Accord starts with", published_at=Now())
    for key, name, days in TRACKS:
        tracks.get_or_create(key=key, defaults={"name": name, "revisit_after_days": days})


def _free_domains(model: type[Model], using: str) -> None:
    """The list that the packages bring today; one that is free no more stays until somebody asks for it."""
    rows = model._default_manager.using(using)
    if rows.count() < len(FREE_DOMAINS):
        rows.bulk_create([model(domain=domain) for domain in sorted(FREE_DOMAINS)], ignore_conflicts=True)
