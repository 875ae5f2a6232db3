"""Scoring leads, and handing over those that cross: the only writer of scores and crossings."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import DateTimeField, Func

from alignment.lib import arrays, batch, table_sizes
from alignment.ops.versions import VersionState
from leads import lifecycle
from leads.causes import Cause, Promise
from leads.decisions import Step
from leads.milestones import CauseSource, Kind, Milestone, QualifiedBy
from leads.models import ScoringVersion, ThresholdCrossing
from leads.models.score import CrossedBy, Release
from leads.scoring import compiling
from leads.scoring.compiling import Piece, join, of, values
from leads.scoring.rules import RuleSet, read
from leads.stages.stages import Stages


@dataclass(frozen=True, slots=True)
class Standard:
    """A version that counts, its rules, and a condition over `lead` and `account`: whose leads it scores. `read_at` is
    the database's time when it was read.
    """

    version: ScoringVersion
    rules: RuleSet
    leads: Piece
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead that stands above the threshold and is no MQL yet. `stood`: it did so before it was scored now; None where
    other rules scored it before, so that nobody can tell.
    """

    lead_id: int
    version_id: int
    points: int
    fit_points: int
    grade: str
    crosses_by: str
    stood: bool | None = False


def standards() -> list[Standard]:
    """The versions that count today: the pilots first, and last the one of all other leads; one query."""
    versions = ScoringVersion.objects.filter(scope="", state=VersionState.PUBLISHED).order_by("-audience", "id")
    now = Func(function="clock_timestamp", output_field=DateTimeField())
    found: list[Standard] = []
    for version, read_at in ((row, row.read_at) for row in versions.annotate(read_at=now)):
        taken = [of("NOT ({})", one.leads) for one in found]
        own = pilot_leads(version) if version.team_id else Piece("TRUE")
        found.append(Standard(version, read(version.body), join([own, *taken], " AND "), read_at))
    return found


def pilot_leads(version: ScoringVersion) -> Piece:
    """The leads of a pilot: those of its team, and those of its territories that nobody holds."""
    return values(
        "coalesce(lead.team_id = %s OR lead.owner_id IS NULL AND (lead.territory_id = ANY(%s::int[]) OR EXISTS ("
        "SELECT 1 FROM people_user keeper WHERE keeper.id = account.owner_id AND keeper.team_id = %s)), FALSE)",
        version.team_id, version.territories, version.team_id,
    )  # fmt: skip


@transaction.atomic
def score(
    *, lead_ids: Collection[int], cause: Cause, by: CrossedBy | None, if_by_other_rules: bool = False
) -> list[int]:
    """Score these leads; the same statements for any number. Returns those that became MQLs by it. `if_by_other_rules`
    leaves those alone that the same version scored last.

    Who crosses is handed over where `by` says what brought it there and the cause is live work; by new rules, only
    where the version of the scoring rules hands over at once. Other facts bring over only who was not there before:
    who waits above the threshold goes on waiting for what the version says, and so does whom new rules score for the
    first time. Leads that have not entered the lifecycle yet are left alone.
    """
    if not lead_ids:
        return []
    chosen = values(
        "lead.id = ANY(%s::bigint[]) AND EXISTS (SELECT 1 FROM leads_journey entered WHERE entered.lead_id = lead.id)",
        arrays.literal(sorted(lead_ids)),
    )
    candidates: list[Candidate] = []
    for standard in standards():
        these = of("{} AND NOT ({})", chosen, compiling.scored_by(standard.version.pk)) if if_by_other_rules else chosen
        above = store(standard, these, cause.at or standard.read_at, lock=True)
        table_sizes.grew("leads_score", by=len(lead_ids))
        candidates += [one for one in above if _goes(one, by, standard.version)]
    acts = by is not None and cause.promise == Promise.START
    return hand_over(candidates, cause=cause, by=by) if acts and by else []


def _goes(one: Candidate, by: CrossedBy | None, version: ScoringVersion) -> bool:
    """Whether what brought it over the threshold hands it over, or it waits for what the version says."""
    if by == CrossedBy.RELEASE or (by == CrossedBy.FACTS and one.stood is None):
        return version.release == Release.AT_ONCE
    return by != CrossedBy.FACTS or not one.stood


def store(standard: Standard, leads: Piece, at: datetime, *, lock: bool) -> list[Candidate]:
    """Write the scores of those of these leads that the version is for; one statement. Returns who would cross."""
    rules, version = standard.rules, standard.version
    chosen = of("{} AND {}", leads, standard.leads)
    statement = of(
        "{}, stored AS (INSERT INTO leads_score (lead_id, version_id, points, fit_points, grade, sums, suppressed_as,"
        " counted_from_at, scored_at) SELECT lead_id, {}, points, fit_points, grade, sums, suppressed_as, counted_from,"
        " {} FROM scored ORDER BY lead_id ON CONFLICT (lead_id) DO UPDATE SET version_id = excluded.version_id,"
        " points = excluded.points, fit_points = excluded.fit_points, grade = excluded.grade, sums = excluded.sums,"
        " suppressed_as = excluded.suppressed_as, counted_from_at = excluded.counted_from_at,"
        " scored_at = excluded.scored_at)"
        " SELECT lead_id, points, fit_points, grade, crosses_by, {} FROM scored WHERE {} ORDER BY lead_id",
        compiling.scoring(rules, chosen, at, lock=lock),
        values("%s::int", version.pk),
        values("%s::timestamptz", at),
        compiling.stood(rules, version.pk, at),
        compiling.crossing(rules),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [Candidate(row[0], version.pk, *row[1:]) for row in cursor.fetchall()]


@transaction.atomic
def hand_over(candidates: Sequence[Candidate], *, cause: Cause, by: CrossedBy) -> list[int]:
    """Make them MQLs, and note the score that did it. Leads whose move is refused stay where they are."""
    if not candidates:
        return []
    stage = Stages.load().first(Milestone.MQL)
    kinds = {"advance": Kind.ADVANCE, "requalify": Kind.REQUALIFY}
    steps = [
        Step(one.lead_id, kinds[one.crosses_by], stage_id=stage.pk, qualified_by=QualifiedBy.SCORE)
        for one in candidates
    ]
    moved = lifecycle.move(steps=steps, cause=Cause(CauseSource.RULE, at=cause.at, promise=cause.promise))
    passes = {taken.lead_id: taken.pass_no for taken in moved.taken}
    batch.insert(ThresholdCrossing, list(_crossings(candidates, passes, cause.at or moved.recorded_at, by)))
    return sorted(passes)


def _crossings(
    candidates: Iterable[Candidate], passes: dict[int, int], at: datetime, by: CrossedBy
) -> Iterable[batch.Row]:
    for one in candidates:
        if one.lead_id in passes:
            yield {
                "lead_id": one.lead_id, "pass_no": passes[one.lead_id], "version_id": one.version_id, "by": by,
                "points": one.points, "fit_points": one.fit_points, "grade": one.grade, "at": at,
            }  # fmt: skip
