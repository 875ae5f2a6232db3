"""The preview of a draft on history, as a job: the draft and what counts today, on the same leads and the same days."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from alignment.ops import jobs
from alignment.ops.job_kinds import About, Progress, register
from alignment.ops.models import Job
from alignment.people.models import Company, User
from leads import lifecycle
from leads.models import Lead, ScoringVersion
from leads.scoring import applying
from leads.scoring.compiling import Piece, join, of, values
from leads.scoring.replaying import Caught, Crossed, Span, replay, standing_above
from leads.scoring.rules import RuleSet, read

KIND = "leads.scoring_preview"
SLICE = 25_000
LISTED = 50
LEAST = 20
"""Of fewer leads than so many no share is told: it would be chance."""
USUAL_DAYS = 90
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; `ratio` is None where they are too few to say."""

    part: int
    whole: int

    @property
    def ratio(self) -> float | None:
        """From 0 to 1."""
        return self.part / self.whole if self.whole >= LEAST else None


def begin(
    *, draft: ScoringVersion, days: int, by: User, team_id: int | None = None, territories: Iterable[int] = ()
) -> Job:
    """Enqueue the preview of the draft as it stands, on so many days up to now. Raises RuleError for unreadable rules.

    With a team only the leads that its pilot would have are looked at.
    """
    read(draft.body)
    params = {
        "version": draft.pk, "number": draft.number, "revision": draft.revision, "body": draft.body, "days": days,
        "end": lifecycle.database_now().isoformat(), "team": team_id, "territories": list(territories),
    }  # fmt: skip
    return jobs.enqueue(KIND, params=params, actor=by)


def _title(job: Job) -> str:
    return f"Preview of version {job.params.get('number')} of the scoring rules"


def page_of(job: Job) -> str:
    """Where its progress and its figures are shown."""
    return reverse("setup_scoring_preview", args=[job.pk])


@register(KIND, about=About(title=_title, noun="leads", own_page=page_of))
def run(job: Job) -> Progress:
    """One slice of leads, under the draft and under the rules that count today."""
    so_far = job.cursor or _begin(job)
    low, high = so_far["after"], _upper(so_far["after"])
    if high is None:
        return Progress(so_far, job.done, so_far["total"], so_far["figures"], finished=True)
    draft, now = read(job.params["body"]), _standard(job.params)
    span = _span(job.params)
    leads = join([values("lead.id > %s AND lead.id <= %s", low, high), _audience(job.params)], " AND ")
    figures = _added(so_far["figures"], leads, draft, now, span)
    done = job.done + _count(low, high)
    return Progress({**so_far, "after": high, "figures": figures}, done, so_far["total"], figures)


def _begin(job: Job) -> dict[str, Any]:
    sides = {
        "weeks": {},
        "crossed": 0,
        "accepted": 0,
        "refused": 0,
        "won": 0,
        "caught": asdict(Caught()),
        "standing": 0,
    }
    lists: dict[str, list[Any]] = {"gained": [], "lost": [], "standing": []}
    figures = {"draft": sides, "now": sides, "gained": 0, "lost": 0, "lists": lists}
    return {"after": 0, "total": Lead.objects.count(), "figures": figures}


def _upper(after: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id) FROM (SELECT id FROM leads_lead WHERE id > %s ORDER BY id LIMIT %s) slice", [after, SLICE]
        )
        found: int | None = cursor.fetchone()[0]
        return found


def _count(low: int, high: int) -> int:
    return Lead.objects.filter(pk__gt=low, pk__lte=high).count()


def _standard(params: Mapping[str, Any]) -> RuleSet | None:
    """The rules that count today for the audience."""
    version = None
    if params["team"]:
        version = ScoringVersion.published(audience=f"team:{params['team']}")
    version = version or ScoringVersion.published()
    return read(version.body) if version else None


def _audience(params: Mapping[str, Any]) -> Piece:
    """Whose leads the draft would score: the pilot's, else all but those of pilots that go on."""
    if params["team"]:
        return applying.pilot_leads(ScoringVersion(team_id=params["team"], territories=params["territories"]))
    pilots = [one for one in applying.standards() if one.version.team_id]
    return join([of("NOT ({})", one.leads) for one in pilots] or [Piece("TRUE")], " AND ")


def _span(params: Mapping[str, Any]) -> Span:
    end = parse_datetime(params["end"])
    assert end is not None
    return Span(end - timedelta(days=params["days"]), end)


def _added(figures: dict[str, Any], leads: Piece, draft: RuleSet, now: RuleSet | None, span: Span) -> dict[str, Any]:
    zone = ZoneInfo(Company.get().time_zone)
    crossed, caught = replay(draft, leads, span)
    before, caught_before = replay(now, leads, span) if now else ([], Caught())
    standing = standing_above(draft, leads, span.end)
    standing_before = standing_above(now, leads, span.end) if now else []
    keys, keys_before = ({(one.lead_id, one.pass_no) for one in each} for each in (crossed, before))
    gained = [one for one in crossed if (one.lead_id, one.pass_no) not in keys_before]
    lost = [one for one in before if (one.lead_id, one.pass_no) not in keys]
    lists = figures["lists"]
    return {
        "draft": _side(figures["draft"], crossed, caught, len(standing), zone),
        "now": _side(figures["now"], before, caught_before, len(standing_before), zone),
        "gained": figures["gained"] + len(gained),
        "lost": figures["lost"] + len(lost),
        "lists": {
            "gained": [*lists["gained"], *_listed(gained)][:LISTED],
            "lost": [*lists["lost"], *_listed(lost)][:LISTED],
            "standing": sorted([*lists["standing"], *map(list, standing)], key=lambda one: -one[1])[:LISTED],
        },
    }


def _side(
    side: dict[str, Any], crossed: list[Crossed], caught: Caught, standing: int, zone: ZoneInfo
) -> dict[str, Any]:
    weeks = dict(side["weeks"])
    for one in crossed:
        monday = _monday(one.at, zone).isoformat()
        weeks[monday] = weeks.get(monday, 0) + 1
    return {
        "weeks": weeks,
        "crossed": side["crossed"] + len(crossed),
        "accepted": side["accepted"] + sum(one.accepted for one in crossed),
        "refused": side["refused"] + sum(one.refused for one in crossed),
        "won": side["won"] + sum(one.won for one in crossed),
        "caught": asdict(Caught(**side["caught"]) + caught),
        "standing": side["standing"] + standing,
    }


def _monday(at: datetime, zone: ZoneInfo) -> date:
    day = at.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def _listed(crossed: Iterable[Crossed]) -> list[list[Any]]:
    return [[one.lead_id, one.points, one.at.isoformat(), one.accepted, one.refused, one.won] for one in crossed]
