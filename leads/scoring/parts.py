"""What a score is made of, as of a moment: rule by rule, with the caps of the groups. Two queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from math import floor
from typing import NamedTuple

from django.db import connection

from leads.conditions import compiled
from leads.models import Score, ScoringVersion
from leads.models.score import Suppression
from leads.scoring import compiling
from leads.scoring.compiling import ROUNDING, Piece, join, of, values
from leads.scoring.rules import PointGroup, RuleSet, read


@dataclass(frozen=True, slots=True)
class Part:
    """One rule's points as they count today; of `touches` of the lead (None: a rule about the lead itself)."""

    says: str
    points: float
    touches: int | None = None


@dataclass(frozen=True, slots=True)
class GroupParts:
    """The parts of one group; `points` is what is left of `gathered` under the cap."""

    group: PointGroup
    gathered: float
    parts: tuple[Part, ...]

    @property
    def points(self) -> float:
        """At most the cap."""
        return min(self.gathered, self.group.cap)

    @property
    def is_capped(self) -> bool:
        """Whether the cap took something off."""
        return self.gathered > self.group.cap

    @property
    def over(self) -> float:
        """What the cap took off, as a negative number."""
        return self.points - self.gathered


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """A lead's score at a moment, and all that went into it. `suppressed` says why it is not for sales all the same."""

    version: ScoringVersion
    rules: RuleSet
    grade: str
    fit_points: int
    fit: tuple[Part, ...]
    groups: tuple[GroupParts, ...]
    suppressed: str
    counted_from: datetime | None

    @property
    def points(self) -> int:
        """Fit and engagement together, in whole points."""
        return floor(max(0.0, self.fit_points + self.engagement) + ROUNDING)

    @property
    def engagement(self) -> float:
        """The points of all groups."""
        return sum(group.points for group in self.groups)

    @property
    def threshold(self) -> int:
        """From how many points on a lead is handed over."""
        return self.rules.threshold

    @property
    def is_ready(self) -> bool:
        """Whether points and grade are enough, and nothing speaks against it."""
        return self.points >= self.threshold and self.fits and not self.suppressed

    @property
    def fits(self) -> bool:
        """Whether the grade is good enough."""
        return self.grade in self.rules.accepted_grades

    @property
    def bar(self) -> "Bar":
        """The points as a bar: fit, then the groups, each as much of it as it brought."""
        scale = max(SCALE, self.points, self.threshold)
        brought = [each for each in (self.fit_points, *(group.points for group in self.groups)) if each > 0]
        # What some rules take off is missing from all that the others brought.
        width = self.points / sum(brought) / scale if brought else 0.0
        ends = list(accumulate((each * width for each in brought), initial=0.0))
        return Bar(tuple(Segment(start, end - start) for start, end in pairwise(ends)), self.threshold / scale)


SCALE = 100
"""A bar shows so many points; more where a score or the threshold has more."""


class Segment(NamedTuple):
    """A part of a bar: where it begins and how wide it is, as shares of the whole (0 to 1)."""

    start: float
    width: float


class Bar(NamedTuple):
    """A score beside its threshold, which stands at that share of the whole (0 to 1)."""

    segments: tuple[Segment, ...]
    threshold: float


def card(lead_id: int, at: datetime) -> ScoreCard | None:
    """The score of a lead at that moment, by the version that scored it last; None where none did."""
    score = Score.objects.filter(pk=lead_id).select_related("version").first()
    return card_of(score, at) if score else None


def card_of(score: Score, at: datetime) -> ScoreCard:
    """The same from a stored score, whose version is read along; one query."""
    lead_id, version = score.lead_id, score.version
    rules = read(version.body)
    says = version.body.get("says", {})
    met, sums, counts = _matches(lead_id, rules, at)
    fit = tuple(Part(_said(says, "fit", index), rule.points) for index, rule in enumerate(rules.fit) if index in met)
    fit_points = sum(rules.fit[index].points for index in met)
    grade = next((name for name, least in rules.grades.items() if fit_points >= least), "D")
    groups = tuple(_group(rules, group, says, sums, counts) for group in rules.groups)
    suppressed = Suppression(score.suppressed_as).label if score.suppressed_as else ""
    return ScoreCard(version, rules, grade, fit_points, fit, groups, suppressed, score.counted_from_at)


def _group(
    rules: RuleSet, group: PointGroup, says: dict[str, list[str]], sums: Sequence[float], counts: Sequence[int]
) -> GroupParts:
    parts = [
        Part(_said(says, "engagement", index), sums[index], counts[index])
        for index, rule in enumerate(rules.engagement)
        if rule.group == group.key and counts[index]
    ]
    parts.sort(key=lambda part: -abs(part.points))
    return GroupParts(group, sum(part.points for part in parts), tuple(parts))


def _said(says: dict[str, list[str]], part: str, index: int) -> str:
    """The rule's condition in words, without its points."""
    told = says.get(part, [])
    sentence = told[index] if index < len(told) else f"Rule {index + 1}"
    condition = sentence.removeprefix("If ").rpartition(", ")[0] or sentence
    return condition[:1].upper() + condition[1:]


def _matches(lead_id: int, rules: RuleSet, at: datetime) -> tuple[list[int], list[float], list[int]]:
    """Which fit rules the lead meets; of each touch rule its points after decay, and how many touches met it."""
    tests = [compiled(rule.condition) for rule in rules.fit]
    met = join(
        [of("CASE WHEN {} THEN {} END", Piece(test.text, test.params), values("%s::int", index))
         for index, test in enumerate(tests)],
        ", ",
    )  # fmt: skip
    groups = {group.key: group for group in rules.groups}
    columns, sums, counts = [], [], []
    for index, rule in enumerate(rules.engagement):
        test = compiled(rule.condition)
        columns.append(
            of(
                f"CASE WHEN {{}} THEN {{}} * {{}} END AS r{index}",
                Piece(test.text, test.params), values("%s::float8", rule.points),
                compiling.decay(groups[rule.group], at),
            )
        )  # fmt: skip
        sums.append(Piece(f"coalesce(sum(r{index}), 0)"))
        counts.append(Piece(f"count(r{index})"))
    statement = of(
        "WITH facts AS MATERIALIZED ({}) SELECT (SELECT array_remove(ARRAY[{}]::int[], NULL) FROM leads_lead lead"
        " LEFT JOIN leads_account account ON account.id = lead.account_id WHERE lead.id = {}),"
        " ARRAY[{}]::float8[], ARRAY[{}]::bigint[] FROM ({}) touch",
        compiling.facts(rules, values("lead.id = %s", lead_id), lock=False),
        met, values("%s", lead_id), join(sums, ", "), join(counts, ", "),
        compiling.touches(join([*columns, Piece("touch.at")], ", "), at),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        found, points, touched = cursor.fetchone()
    return found or [], points, touched
