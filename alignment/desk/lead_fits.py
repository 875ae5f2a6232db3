"""The filters of lists that ask how ready leads are and how well their accounts suit us."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q

from leads.models import AccountProfile, TargetAccount
from leads.scoring import reading

SCORES = {"20": "20 and more", "40": "40 and more", "60": "60 and more", "80": "80 and more", "100": "100 and more"}
FITS = {"A": "A", "B": "B or better", "C": "C or better", "D": "D"}
TARGETS = {"yes": "target accounts", "no": "others"}
TIERS = {"1": "Tier 1", "2": "Tier 2", "3": "Tier 3", "-": "No profile"}

CHOICES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "score": ("Score", SCORES),
    "fit": ("Fit", FITS),
    "target": ("Accounts", TARGETS),
    "tier": ("Profile", TIERS),
}
"""Name in the address → label, and value → words."""


def chosen(asked: Mapping[str, str]) -> dict[str, str]:
    """What an address asks for, without what nobody knows."""
    return {name: asked[name] for name, (_, known) in CHOICES.items() if asked.get(name) in known}


def at_targets(target: str) -> Q:
    """What belongs to target accounts (`yes`), or to all others; of whatever has an account."""
    listed = Q(account__in=TargetAccount.objects.filter(removed_at=None).values("account"))
    return listed if target == "yes" else ~listed


def condition(chosen: Mapping[str, str], at: datetime) -> Q:
    """The leads that are meant; scores are those of the moment `at` (one query for the rules)."""
    meant = Q()
    if score := chosen.get("score"):
        meant &= Q(pk__in=reading.at_least(int(score), at))
    if fit := chosen.get("fit"):
        grades = [fit] if fit == "D" else [grade for grade in "ABC" if grade <= fit]
        meant &= Q(score__grade__in=grades)
    if target := chosen.get("target"):
        meant &= at_targets(target)
    if tier := chosen.get("tier"):
        profiled = AccountProfile.objects.all() if tier == "-" else AccountProfile.objects.filter(tier=int(tier))
        met = Q(account__in=profiled.values("account"))
        meant &= ~met if tier == "-" else met
    return meant
