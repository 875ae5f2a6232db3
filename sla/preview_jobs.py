"""The preview of a draft on all that was owed, as a job: where there was more than a page looks at by itself."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from alignment.ops import jobs
from alignment.ops.job_kinds import About, Progress, register
from alignment.ops.models import Job
from alignment.people.models import User
from leads.lifecycle import database_now
from sla import preview, recalculating
from sla.dues import Choice
from sla.models import Clock, PolicySet
from sla.preview import DAYS, Preview, RulePreview
from sla.querysets import Attainment
from sla.recalculating import Move
from sla.subjects import subject

KIND = "sla.preview"
SLICE = 2_000


def begin(*, draft: PolicySet, by: User) -> Job:
    """Enqueue the preview of a draft as it stands."""
    params = {
        "version": draft.pk, "scope": draft.scope, "number": draft.number, "revision": draft.revision,
        "body": draft.body, "at": database_now().isoformat(), "zone": str(by.zone),
    }  # fmt: skip
    return jobs.enqueue(KIND, params=params, actor=by)


def _title(job: Job) -> str:
    return f"Preview of {subject(job.params['scope']).label.lower()}, version {job.params['number']}"


def page_of(job: Job) -> str:
    """Where its progress and its figures are shown."""
    return reverse("setup_sla_preview_job", args=[job.pk])


@register(KIND, about=About(title=_title, noun="steps", figures=lambda job: (), own_page=page_of))
def run(job: Job) -> Progress:
    """One day of what was owed, the newest first; then the running clocks, in slices."""
    draft, at, found = draft_of(job), datetime.fromisoformat(job.params["at"]), read(job)
    policies = preview.policies_of(draft)
    cursor = job.cursor or {"day": 0, "clock": 0}
    if cursor["day"] < DAYS:
        preview.judge_day(cursor["day"], draft.scope, policies, found, at, ZoneInfo(job.params["zone"]))
        return _went_on(job, {**cursor, "day": cursor["day"] + 1}, found, at)
    clocks = recalculating.running_after(cursor["clock"], draft.scope, at, SLICE)
    if not clocks:
        found.was = preview.kept_then(draft.scope, at)
        return Progress(cursor, job.done, job.done, _as_json(found), finished=True)
    preview.add_moves(found, recalculating.moves_of(clocks, policies, draft.scope, at), at)
    return _went_on(job, {**cursor, "clock": clocks[-1].pk}, found, at)


def _went_on(job: Job, cursor: dict[str, int], found: Preview, at: datetime) -> Progress:
    total = job.total or DAYS + -(-recalculating.count_running(job.params["scope"], at) // SLICE)
    return Progress(cursor, job.done + 1, max(total, job.done + 1), _as_json(found))


def draft_of(job: Job) -> PolicySet:
    """The draft as it stood when the job was asked for; not stored."""
    params = job.params
    return PolicySet(pk=params["version"], scope=params["scope"], number=params["number"], body=params["body"])


def read(job: Job) -> Preview:
    """What a job has found. A clock that moved on meanwhile is shown as it is now."""
    found, result = preview.begun(draft_of(job)), job.result
    if not result:
        return found
    for rule, (n, met, breached) in zip(found.rules, result["rules"], strict=True):
        rule.n, rule.met, rule.breached = n, met, breached
    found.without, found.load, found.was = result["without"], result["load"], Attainment(*result["was"])
    found.n_moves, found.n_held = result["n_moves"], result["n_held"]
    keys = [row[0] for row in (*result["moves"], *result["held"])]
    clocks = Clock.objects.select_related("policy", "lead__owner", "lead__team").in_bulk(keys)
    found.moves = [_move(row, clocks, found.rules) for row in result["moves"] if row[0] in clocks]
    found.held = [_move(row, clocks, found.rules) for row in result["held"] if row[0] in clocks]
    return found


def _move(row: list[Any], clocks: dict[int, Clock], rules: list[RulePreview]) -> Move:
    pk, due_at, position, calendar_id, calendar_of = row
    policy = rules[position].policy
    return Move(clocks[pk], policy, Choice(calendar_id, calendar_of), datetime.fromisoformat(due_at))


def _as_json(found: Preview) -> dict[str, Any]:
    def rows(moves: Any) -> list[list[Any]]:
        return [[each.clock.pk, each.due_at.isoformat(), each.policy.position, *each.choice] for each in moves]

    return {
        "rules": [[each.n, each.met, each.breached] for each in found.rules], "without": found.without,
        "load": found.load, "was": [found.was.met, found.was.breached], "n_moves": found.n_moves,
        "n_held": found.n_held, "moves": rows(found.moves), "held": rows(found.held),
    }  # fmt: skip
