"""A set of profiles: what the body of a version holds, read, checked and said in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from leads.conditions import ABOUT_ACCOUNT, ABOUT_PROFILED_ACCOUNT, ConditionError, Group, Names, parse, sentence
from leads.conditions.fields import Field

MOST_PROFILES = 20
TIERS = (1, 2, 3)
TEXTS = {"pains": "Pain points", "triggers": "Buying triggers", "personas": "Personas"}
LONGEST_TEXT = 4000
EMPTY: dict[str, Any] = {"profiles": [], "targets": None}


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile: which accounts it means, how good they are (tier 1 is best), and what both teams know of them."""

    key: str
    name: str
    tier: int
    condition: Group
    pains: str
    triggers: str
    personas: str


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles, best tier first; and the rule by which accounts become target accounts, if there is one."""

    profiles: tuple[Profile, ...]
    targets: Group | None


class ProfileError(ValidationError):
    """What is wrong with a set of profiles; `index` says with which, None: with the rule for target accounts."""

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


def read(body: Mapping[str, Any]) -> Profiles:
    """The profiles that a body holds. Raises ProfileError."""
    if (
        not isinstance(body, Mapping)
        or body.keys() - {"says"} != EMPTY.keys()
        or not isinstance(body["profiles"], list)
    ):
        raise ProfileError("These are no profiles.")
    if len(body["profiles"]) > MOST_PROFILES:
        raise ProfileError(f"There can be {MOST_PROFILES} profiles at most.")
    found = [_profile(one, index) for index, one in enumerate(body["profiles"])]
    if len({one.key for one in found}) < len(found):
        raise ProfileError("Two profiles have the same name.")
    targets = _condition(body["targets"], ABOUT_PROFILED_ACCOUNT, None) if body["targets"] else None
    return Profiles(tuple(sorted(found, key=lambda one: one.tier)), targets)


def checked(body: Any) -> dict[str, Any]:
    """The body of a version as it is published, with what each profile says in words. Raises ProfileError."""
    read(body)
    return {**body, "says": says(body)}


def says(body: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions of a body in words, in the order of its profiles."""
    names = Names()
    conditions = [parse(one["if"], ABOUT_ACCOUNT) for one in body["profiles"]]
    targets = parse(body["targets"], ABOUT_PROFILED_ACCOUNT) if body["targets"] else None
    return {
        "profiles": [_sentence(condition, names) for condition in conditions],
        "targets": _sentence(targets, names) if targets else "",
    }


def _sentence(condition: Group, names: Names) -> str:
    said = sentence(condition, names)
    return f"{said[:1].upper()}{said[1:]}."


def _profile(one: Any, index: int) -> Profile:
    if not isinstance(one, Mapping) or one.keys() != {"key", "name", "tier", "if", *TEXTS}:
        raise ProfileError("A profile has a name, a tier and a condition.", index)
    name = " ".join(str(one["name"]).split())
    if not name or len(name) > 80 or not re.fullmatch(r"[a-z0-9_]{1,40}", str(one["key"])):
        raise ProfileError("Give the profile a name of 80 characters at most.", index)
    if one["tier"] not in TIERS or isinstance(one["tier"], bool):
        raise ProfileError("Choose a tier from 1 to 3.", index)
    texts = {name: str(one[name]) for name in TEXTS}
    if any(len(text) > LONGEST_TEXT for text in texts.values()):
        raise ProfileError(f"A text can have {LONGEST_TEXT:,} characters at most.", index)
    return Profile(one["key"], name, one["tier"], _condition(one["if"], ABOUT_ACCOUNT, index), **texts)


def _condition(data: Any, about: tuple[Field, ...], index: int | None) -> Group:
    try:
        return parse(data, about)
    except ConditionError as refusal:
        raise ProfileError(str(refusal.message), index) from refusal
