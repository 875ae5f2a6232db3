"""A set of scoring rules: what the body of a version holds, read, checked and said in words. Pure but for names."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from leads.conditions import ABOUT_LEAD, ABOUT_TOUCH, ConditionError, Group, Names, parse, sentence
from leads.conditions.fields import Field
from leads.models.score import Grade

MOST_RULES = 60
MOST_GROUPS = 8
MOST_POINTS = 1000
LONGEST_HALF_LIFE = 3650
GRADES = tuple(Grade.values)


@dataclass(frozen=True, slots=True)
class FitRule:
    """So many points (negative ones too) for a lead that meets the condition."""

    condition: Group
    points: int


@dataclass(frozen=True, slots=True)
class TouchRule:
    """So many points for each engaged touch that meets the condition, in a group."""

    condition: Group
    points: int
    group: str


@dataclass(frozen=True, slots=True)
class PointGroup:
    """Touches that are counted together: at most `cap` points, which halve every `half_life_days`."""

    key: str
    name: str
    cap: int
    half_life_days: float


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one version. `grades` has the least fit points of A, B and C; whoever has fewer is a D."""

    threshold: int
    minimum_fit: str
    grades: Mapping[str, int]
    groups: tuple[PointGroup, ...]
    fit: tuple[FitRule, ...]
    engagement: tuple[TouchRule, ...]
    suppress_customers: bool
    competitors: tuple[str, ...]
    staff: tuple[str, ...]

    @property
    def accepted_grades(self) -> tuple[str, ...]:
        """The grades that are good enough for sales."""
        return GRADES[: GRADES.index(self.minimum_fit) + 1]


DEFAULT: dict[str, Any] = {
    "threshold": 80,
    "minimum_fit": "C",
    "grades": {"A": 40, "B": 25, "C": 10},
    "groups": [
        {"key": "visits", "name": "Visits and clicks", "cap": 30, "half_life_days": 14},
        {"key": "content", "name": "Content and events", "cap": 40, "half_life_days": 30},
        {"key": "forms", "name": "Forms", "cap": 50, "half_life_days": 60},
    ],
    "fit": [
        (("title", "has_word", "head", "director", "chief", "managing", "vp", "owner"), 25),
        (("title", "has_word", "manager", "lead"), 15),
        (("title", "has_word", "student", "intern", "trainee"), -30),
        (("employees", "between", 50, 5000), 20),
        (("free_email", "no"), 10),
        (("free_email", "yes"), -10),
        (("segment", "known"), 5),
        (("target_account", "yes"), 25),
    ],
    "engagement": [
        (("touch_title", "contains", "pricing", "compared the plans"), 15, "visits"),
        (("touch_kind", "is", "visit"), 6, "visits"),
        (("touch_kind", "is", "e-mail"), 5, "visits"),
        (("touch_kind", "is", "download"), 15, "content"),
        (("touch_kind", "is", "webinar", "event"), 20, "content"),
        (("touch_kind", "is", "form"), 20, "forms"),
        (("hand_raise", "yes"), 40, "forms"),
    ],
    "suppress_customers": True,
    "competitors": [],
    "staff": [],
}
"""What every install starts with, in short form; `default_body` is how it is stored."""


def default_body() -> dict[str, Any]:
    """The default rules as a version stores them."""

    def condition(test: tuple[Any, ...]) -> dict[str, Any]:
        field, operator, *values = test
        return {"match": "all", "of": [{"field": field, "operator": operator, "values": values}]}

    return DEFAULT | {
        "fit": [{"if": condition(test), "points": points} for test, points in DEFAULT["fit"]],
        "engagement": [
            {"if": condition(test), "points": points, "group": group} for test, points, group in DEFAULT["engagement"]
        ],
    }


class RuleError(ValidationError):
    """What is wrong with a set of rules. `part` says where: a key of the body, and the index of a rule or group."""

    def __init__(self, message: str, part: str, index: int | None = None) -> None:
        super().__init__(message)
        self.part, self.index = part, index


def read(body: Mapping[str, Any]) -> RuleSet:
    """The rules that a body holds. Raises RuleError."""
    if not isinstance(body, Mapping) or body.keys() - {"says"} != DEFAULT.keys():
        raise RuleError("These are no scoring rules.", "")
    groups = _groups(body["groups"])
    return RuleSet(
        threshold=_whole(body["threshold"], 1, MOST_POINTS, "threshold", "The threshold"),
        minimum_fit=_grade(body["minimum_fit"]),
        grades=_bounds(body["grades"]),
        groups=groups,
        fit=tuple(_fit(rule, index) for index, rule in _listed(body["fit"], "fit", MOST_RULES)),
        engagement=tuple(
            _touch(rule, index, {group.key for group in groups})
            for index, rule in _listed(body["engagement"], "engagement", MOST_RULES)
        ),
        suppress_customers=body["suppress_customers"] is True,
        competitors=_domains(body["competitors"], "competitors"),
        staff=_domains(body["staff"], "staff"),
    )


def checked(body: Any) -> dict[str, Any]:
    """The body of a version as it is published, with what each rule says in words. Raises RuleError."""
    rules = read(body)
    if not rules.fit and not rules.engagement:
        raise RuleError("Add at least one rule.", "fit")
    names = Names()
    return {
        **body,
        "says": {
            "fit": [says_fit(rule, names) for rule in rules.fit],
            "engagement": [says_touch(rule, names) for rule in rules.engagement],
        },
    }


def says_fit(rule: FitRule, names: Names) -> str:
    """“If the title contains director, add 18”."""
    return f"If {sentence(rule.condition, names)}, {_adds(rule.points)}"


def says_touch(rule: TouchRule, names: Names) -> str:
    """“For each touch: if the kind of touch is webinar, add 20”."""
    return f"If {sentence(rule.condition, names)}, {_adds(rule.points)}"


def _adds(points: int) -> str:
    return f"take off {-points}" if points < 0 else f"add {points}"


def _listed(value: Any, part: str, most: int) -> Iterable[tuple[int, Any]]:
    if not isinstance(value, list):
        raise RuleError("These are no rules.", part)
    if len(value) > most:
        raise RuleError(f"There can be {most} of them at most.", part)
    return enumerate(value)


def _fit(rule: Any, index: int) -> FitRule:
    if not isinstance(rule, Mapping) or rule.keys() != {"if", "points"}:
        raise RuleError("A rule has a condition and points.", "fit", index)
    return FitRule(_condition(rule["if"], ABOUT_LEAD, "fit", index), points_of(rule["points"], "fit", index))


def _touch(rule: Any, index: int, groups: set[str]) -> TouchRule:
    if not isinstance(rule, Mapping) or rule.keys() != {"if", "points", "group"}:
        raise RuleError("A rule has a condition, points and a group.", "engagement", index)
    if rule["group"] not in groups:
        raise RuleError("Choose the group that these points belong to.", "engagement", index)
    condition = _condition(rule["if"], ABOUT_TOUCH, "engagement", index)
    return TouchRule(condition, points_of(rule["points"], "engagement", index), rule["group"])


def _condition(data: Any, about: tuple[Field, ...], part: str, index: int) -> Group:
    try:
        return parse(data, about)
    except ConditionError as refusal:
        raise RuleError(str(refusal.message), part, index) from refusal


def points_of(value: Any, part: str, index: int) -> int:
    """What a rule adds or takes off. Raises RuleError."""
    points = _whole(value, -MOST_POINTS, MOST_POINTS, part, "The points", index)
    if not points:
        raise RuleError("A rule adds points or takes some off.", part, index)
    return points


def _groups(value: Any) -> tuple[PointGroup, ...]:
    groups = tuple(_group(group, index) for index, group in _listed(value, "groups", MOST_GROUPS))
    if len({group.key for group in groups}) < len(groups):
        raise RuleError("Two groups have the same name.", "groups")
    return groups


def _group(group: Any, index: int) -> PointGroup:
    if not isinstance(group, Mapping) or group.keys() != {"key", "name", "cap", "half_life_days"}:
        raise RuleError("A group has a name, a cap and a half-life.", "groups", index)
    name = " ".join(str(group["name"]).split())
    if not name or len(name) > 60 or not re.fullmatch(r"[a-z0-9_]{1,40}", str(group["key"])):
        raise RuleError("Give the group a name of 60 characters at most.", "groups", index)
    cap = _whole(group["cap"], 1, MOST_POINTS, "groups", "The cap", index)
    days = _whole(group["half_life_days"], 1, LONGEST_HALF_LIFE, "groups", "The half-life", index)
    return PointGroup(group["key"], name, cap, float(days))


def _grade(value: Any) -> str:
    if value not in GRADES:
        raise RuleError("Choose a grade from A to D.", "minimum_fit")
    return str(value)


def _bounds(value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or value.keys() != set(GRADES[:-1]):
        raise RuleError("Say how many points each grade needs.", "grades")
    bounds = {
        grade: _whole(value[grade], -MOST_POINTS, MOST_POINTS, "grades", f"Grade {grade}") for grade in GRADES[:-1]
    }
    if not bounds["A"] > bounds["B"] > bounds["C"]:
        raise RuleError("A better grade needs more points.", "grades")
    return bounds


def _domains(value: Any, part: str) -> tuple[str, ...]:
    domains = tuple(str(domain).lower() for domain in value) if isinstance(value, list) else ("?",)
    for domain in domains:
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", domain) or len(domain) > 253:
            raise RuleError(f"“{domain}” is no domain. Write it as company.com.", part)
    return domains


def _whole(value: Any, low: int, high: int, part: str, what: str, index: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RuleError(f"{what}: give a whole number from {low:,} to {high:,}.", part, index)
    return value
