"""Letting a draft count: for everybody or for one team first, and what becomes of leads that stand above already."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from alignment.ops import jobs, versions
from alignment.ops.job_kinds import About, Link, Progress, register
from alignment.ops.models import Job
from alignment.ops.versions import VersionState
from alignment.people.models import Company, Team, User
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Lead, ScoringVersion, ThresholdCrossing
from leads.models.score import CrossedBy, Release
from leads.scoring import applying, compiling, rules
from leads.scoring.applying import Candidate
from leads.scoring.compiling import of, values

KIND = "leads.rescore"
SLICE = 20_000


@transaction.atomic
def publish(
    *,
    draft: ScoringVersion,
    by: User,
    note: str = "",
    release: str = Release.BY_TOUCH,
    per_day: int | None = None,
    team: Team | None = None,
    territories: Iterable[int] = (),
) -> Job:
    """Let the draft count, and enqueue the scoring of all leads anew. With a team it is a pilot for its leads alone.

    Raises ValidationError where the rules cannot count, and StaleDraftError where the draft moved on.
    """
    if release == Release.DAILY and not per_day:
        raise ValidationError("Say how many leads a day.")
    published = versions.publish(
        draft,
        by=by,
        note=note,
        check=rules.checked,
        audience=f"team:{team.pk}" if team else "",
        choices={
            "team": team,
            "territories": sorted(territories) if team else [],
            "release": release,
            "per_day": per_day if release == Release.DAILY else None,
        },
    )
    return rescore(version=published, by=by)


@transaction.atomic
def end_pilot(*, pilot: ScoringVersion, by: User) -> Job | None:
    """Let the version of the rest count for the pilot's leads again; None if it counted no more."""
    if not versions.retire(pilot, by=by):
        return None
    rest = ScoringVersion.published()
    return rescore(version=rest, by=by, releases=False) if rest else None


def rescore(*, version: ScoringVersion, by: User | None, releases: bool = True) -> Job:
    """Enqueue the scoring of all leads of a version; with `releases` those above go to sales if it says at once."""
    params = {"version": version.pk, "number": version.number, "releases": releases}
    return jobs.enqueue(KIND, params=params, actor=by)


def _title(job: Job) -> str:
    return f"Scoring all leads by version {job.params.get('number')}"


def _figures(job: Job) -> list[tuple[str, int]]:
    names = {"scored": "Scored", "above": "Above the threshold and no MQLs", "released": "Handed to sales"}
    return [(name, job.result[key]) for key, name in names.items() if key in job.result]


def _links(job: Job) -> list[Link]:
    return [Link("The rules", reverse("setup_scoring")), Link("Review with sales", reverse("setup_scoring_review"))]


@register(KIND, about=About(title=_title, noun="leads", figures=_figures, links=_links))
def run(job: Job) -> Progress:
    """One slice of leads, by one statement; who is to be handed over at once, is."""
    so_far = job.cursor or {"after": 0, "total": Lead.objects.count(), "at": lifecycle.database_now().isoformat()}
    result = job.result or {"scored": 0, "above": 0, "released": 0}
    high = _upper(so_far["after"])
    standard = next((one for one in applying.standards() if one.version.pk == job.params["version"]), None)
    if high is None or standard is None:
        return Progress(so_far, job.done, so_far["total"], result, finished=True)
    at = parse_datetime(so_far["at"])
    assert at is not None
    leads = values("lead.id > %s AND lead.id <= %s", so_far["after"], high)
    above = applying.store(standard, leads, at, lock=False)
    released = _release(above, job) if standard.version.release == Release.AT_ONCE else 0
    count = Lead.objects.filter(pk__gt=so_far["after"], pk__lte=high).count()
    result = {
        "scored": result["scored"] + count,
        "above": result["above"] + len(above),
        "released": result["released"] + released,
    }
    return Progress({**so_far, "after": high}, job.done + count, so_far["total"], result)


def _release(above: list[Candidate], job: Job) -> int:
    if not job.params["releases"]:
        return 0
    return len(applying.hand_over(above, cause=Cause(CauseSource.RULE), by=CrossedBy.RELEASE))


def _upper(after: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id) FROM (SELECT id FROM leads_lead WHERE id > %s ORDER BY id LIMIT %s) slice", [after, SLICE]
        )
        found: int | None = cursor.fetchone()[0]
        return found


# A number a day ----------------------------------------------------------------------------------------------------


@transaction.atomic
def release_daily(*, at: datetime | None = None) -> int:
    """Hand over the day's leads of versions that release a number a day, best first; returns how many.

    The day is the company's. A task calls it often; what was handed over today already counts.
    """
    released = 0
    for standard in applying.standards():
        if standard.version.release == Release.DAILY:
            released += _release_today(standard, at or standard.read_at)
    return released


def _release_today(standard: applying.Standard, at: datetime) -> int:
    version = ScoringVersion.objects.select_for_update(no_key=True).get(pk=standard.version.pk)
    zone = ZoneInfo(Company.get().time_zone)
    midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    today = ThresholdCrossing.objects.filter(
        version=version, by=CrossedBy.RELEASE, at__gte=midnight, at__lt=midnight + timedelta(days=1)
    )
    left = (version.per_day or 0) - today.count()
    if version.state != VersionState.PUBLISHED or left <= 0:
        return 0
    best = _best(standard, at, left)
    return len(applying.hand_over(best, cause=Cause(CauseSource.RULE, at=at), by=CrossedBy.RELEASE))


def _best(standard: applying.Standard, at: datetime, most: int) -> list[Candidate]:
    """The leads that stand above the threshold by their score as of now; only those are looked at whose last did."""
    chosen = of(
        "{} AND lead.id IN (SELECT lead_id FROM leads_score WHERE points >= {})",
        standard.leads,
        values("%s", standard.rules.threshold),
    )
    statement = of(
        "{} SELECT lead_id, points, fit_points, grade, crosses_by FROM scored WHERE {}"
        " ORDER BY points DESC, lead_id LIMIT {}",
        compiling.scoring(standard.rules, chosen, at),
        compiling.crossing(standard.rules),
        values("%s", most),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [Candidate(row[0], standard.version.pk, *row[1:]) for row in cursor.fetchall()]
