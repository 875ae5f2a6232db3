"""What sales made of the leads, by score and by rule: the evidence of the monthly review.

Every lead that was handed over in the period is scored as of its hand-over by the rules that count today, however it
was qualified then; so rules are judged on all leads, and on those from before there were scores.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, sqrt
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Subquery

from leads.conditions import compiled
from leads.milestones import Milestone, Outcome
from leads.models import Journey, Reason, ScoringVersion, ThresholdCrossing
from leads.scoring import compiling
from leads.scoring.compiling import ENGAGED, Piece, join, of, values
from leads.scoring.previewing import Share
from leads.scoring.rules import RuleSet, read

BANDS = ((0, 40), (40, 60), (60, 80), (80, 100), (100, None))
MOST = 5_000
"""About so many leads are enough for any share, and scored in a moment; of more, one in so many is looked at."""
SURE = 1.96
"""How many standard errors two shares must lie apart before a rule is doubted (95 %)."""


@dataclass(slots=True)
class Tally:
    """What sales made of some leads: of `n` handed over, `answered` were accepted or given back."""

    n: int = 0
    answered: int = 0
    accepted: int = 0
    won: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def acceptance(self) -> Share:
        """The accepted of the answered."""
        return Share(self.accepted, self.answered)

    @property
    def winning(self) -> Share:
        """The won of the accepted."""
        return Share(self.won, self.accepted)

    @property
    def main_reason(self) -> tuple[str, int] | None:
        """For which reason most of them were rejected."""
        return self.reasons.most_common(1)[0] if self.reasons else None

    def add(self, row: "Row") -> None:
        """Count one more lead."""
        self.n += 1
        self.answered += row.accepted or row.refused
        self.accepted += row.accepted
        self.won += row.won
        if row.reason:
            self.reasons[row.reason] += 1


@dataclass(frozen=True, slots=True)
class Row:
    """One hand-over: its score then, the rules that gave points, and what came of it."""

    points: int
    accepted: bool
    refused: bool
    won: bool
    reason: str
    fit: Sequence[int]
    touches: Sequence[int]


@dataclass(frozen=True, slots=True)
class OfRule:
    """A rule with what came of the leads that it gave points to, and of the others."""

    part: str
    says: str
    points: int
    with_it: Tally
    without_it: Tally

    @property
    def suggestion(self) -> str:
        """A sentence with its evidence where leads with a rule that adds points do worse than those without it."""
        has, lacks = self.with_it.acceptance, self.without_it.acceptance
        if has.ratio is None or lacks.ratio is None or self.points <= 0 or not _is_worse(has, lacks):
            return ""
        reason = self.with_it.main_reason
        most = f" Most were given back as “{reason[0]}” ({reason[1]})." if reason else ""
        return (
            f"Lower its points or narrow it: sales accepted {has.part:,} of {has.whole:,} with it ({has.ratio:.0%}),"
            f" {lacks.part:,} of {lacks.whole:,} without it ({lacks.ratio:.0%}).{most}"
        )


@dataclass(frozen=True, slots=True)
class Review:
    """The figures of a period under one version: of each lead that was handed over, or of one in `one_in`."""

    version: ScoringVersion
    one_in: int
    bands: list[tuple[str, Tally]]
    rules: list[OfRule]
    total: Tally


def _is_worse(one: Share, other: Share) -> bool:
    """Whether the first share is lower by more than chance explains (two proportions, 95 %)."""
    pooled = (one.part + other.part) / (one.whole + other.whole)
    error = sqrt(pooled * (1 - pooled) * (1 / one.whole + 1 / other.whole))
    return error > 0 and (other.part / other.whole - one.part / one.whole) / error > SURE


def review(start: datetime, end: datetime, *, version: ScoringVersion | None = None, most: int = MOST) -> Review | None:
    """What came of the leads handed over from `start` up to `end`, of more than `most` of one in so many, spread over
    the whole period; None before any rules were published.

    Four queries, however many leads.
    """
    version = version or ScoringVersion.published()
    if version is None:
        return None
    rules = read(version.body)
    labels = dict(Reason.objects.values_list("pk", "label"))
    one_in = max(1, ceil(Journey.objects.filter(mql_at__gte=start, mql_at__lt=end).count() / most))
    rows = [_row(row, labels) for row in _read(rules, start, end, one_in)]
    bands = [(_band(low, high), Tally()) for low, high in BANDS]
    total = Tally()
    for row in rows:
        total.add(row)
        at = next(i for i, (low, high) in enumerate(BANDS) if row.points >= low and (high is None or row.points < high))
        bands[at][1].add(row)
    return Review(version, one_in, bands, _by_rule(version, rules, rows), total)


def _band(low: int, high: int | None) -> str:
    return f"{low} to {high - 1}" if high else f"{low} and more"


def _by_rule(version: ScoringVersion, rules: RuleSet, rows: Sequence[Row]) -> list[OfRule]:
    found = []
    points = {"fit": [rule.points for rule in rules.fit], "engagement": [rule.points for rule in rules.engagement]}
    for part, listed in points.items():
        says = version.body.get("says", {}).get(part, [])
        for index, added in enumerate(listed):
            has, lacks = Tally(), Tally()
            for row in rows:
                met = row.fit if part == "fit" else row.touches
                (has if index in met else lacks).add(row)
            told = says[index] if index < len(says) else f"Rule {index + 1}"
            found.append(OfRule(part, told, added, has, lacks))
    return found


def _row(row: Sequence[Any], labels: dict[int, str]) -> Row:
    points, accepted, refused, won, reason, fit, touches = row
    return Row(points, accepted, refused, won, labels.get(reason, "") if refused else "", fit or (), touches or ())


def _read(rules: RuleSet, start: datetime, end: datetime, one_in: int) -> list[tuple[Any, ...]]:
    tests = [compiled(rule.condition) for rule in rules.fit]
    met = join(
        [of("CASE WHEN {} THEN {} END", Piece(test.text, test.params), values("%s::int", index))
         for index, test in enumerate(tests)],
        ", ",
    )  # fmt: skip
    touched = join(
        [of("CASE WHEN bool_or({}) THEN {} END", _condition(rule.condition), values("%s::int", index))
         for index, rule in enumerate(rules.engagement)],
        ", ",
    )  # fmt: skip
    sums = []
    for group in rules.groups:
        rate = values("%s::float8", compiling.rate(group))
        sums.append(
            of(
                "coalesce(sum(({}) * exp(greatest({} * date_part('epoch', handed.mql_at - touch.at), -300))), 0)",
                compiling.touch_points(rules, group), rate,
            )
        )  # fmt: skip
    # Each lead and its touches are looked up by key: joined, the planner would read all of them.
    statement = of(
        "WITH handed AS MATERIALIZED (SELECT pass.id, pass.lead_id, pass.mql_at, pass.accepted_at, pass.reached,"
        " pass.outcome, pass.reason_id, CASE WHEN pass.pass_no > 1 THEN"
        " (SELECT max(coalesce(past.closed_at, past.ended_at)) FROM leads_journey past"
        " WHERE past.lead_id = pass.lead_id AND past.pass_no < pass.pass_no) END AS since FROM leads_journey pass"
        " WHERE pass.mql_at >= {} AND pass.mql_at < {} AND pass.lead_id %% {} = 0),"
        " facts AS (SELECT handed.id, {} AS fit_points, array_remove(ARRAY[{}]::int[], NULL) AS met"
        " FROM handed CROSS JOIN LATERAL (SELECT * FROM leads_lead WHERE id = handed.lead_id OFFSET 0) lead"
        " LEFT JOIN leads_account account ON account.id = lead.account_id"
        " WHERE lead.merged_into_id IS NULL AND lead.withdrawn_at IS NULL)"
        " SELECT {}, coalesce(handed.accepted_at IS NOT NULL OR handed.reached >= "
        f"{Milestone.SQL.value}, FALSE), handed.accepted_at IS NULL AND handed.reached < {Milestone.SQL.value}"
        f" AND handed.outcome IN ('{Outcome.REJECTED.value}', '{Outcome.RECYCLED.value}'),"
        f" handed.outcome = '{Outcome.WON.value}', handed.reason_id, facts.met, did.met"
        " FROM handed JOIN facts USING (id) CROSS JOIN LATERAL ("
        "SELECT {} AS engagement, array_remove(ARRAY[{}]::int[], NULL) AS met FROM leads_touchpoint touch"
        f" WHERE touch.lead_id = handed.lead_id AND {ENGAGED} AND touch.at <= handed.mql_at"
        " AND (handed.since IS NULL OR touch.at > handed.since)) did",
        values("%s", start), values("%s", end), values("%s", one_in), compiling.fit_points(rules), met,
        compiling.total("facts.fit_points", Piece("did.engagement")), compiling.capped(rules.groups, sums), touched,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return list(cursor.fetchall())


def _condition(group: Any) -> Piece:
    test = compiled(group)
    return Piece(test.text, test.params)


@dataclass(frozen=True, slots=True)
class Pilot:
    """A pilot's leads that were handed over since it began, beside those of the version of the rest."""

    version: ScoringVersion
    own: Tally
    rest: Tally


def pilots(start: datetime, end: datetime) -> list[Pilot]:
    """The pilots that go on, each since it was published (but not before `start`); one query for each, and one."""
    found = []
    running = ScoringVersion.objects.filter(scope="", state="published", team__isnull=False).select_related("team")
    for version in running:
        since = max(start, version.published_at or start)
        own, rest = Tally(), Tally()
        crossed = ThresholdCrossing.objects.filter(at__gte=since, at__lt=end).annotate(
            reached=Subquery(_pass("reached")), outcome=Subquery(_pass("outcome"))
        )
        for version_id, reached, outcome in crossed.values_list("version_id", "reached", "outcome"):
            accepted = (reached or 0) >= Milestone.SQL
            refused = not accepted and outcome in (Outcome.REJECTED, Outcome.RECYCLED)
            tally = own if version_id == version.pk else rest
            tally.add(Row(0, accepted, refused, outcome == Outcome.WON, "", (), ()))
        found.append(Pilot(version, own, rest))
    return found


def _pass(name: str) -> Any:
    return Journey.objects.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no")).values(name)
