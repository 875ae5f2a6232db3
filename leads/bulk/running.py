"""Doing it: up to a thousand leads in the request, more as a job in slices; and taking it back in the same way.

Which leads are meant is stored first, so that what a list shows later changes nothing, and each has its result.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count

from alignment.lib import batch, table_sizes
from alignment.ops import audit, jobs
from alignment.ops.job_kinds import About, Progress, register
from alignment.ops.models import OPEN_STATES, Job
from alignment.people.models import User
from alignment.people.permissions import can, why_not
from leads import lifecycle
from leads.bulk.actions import ACTIONS, Action, Params
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Lead
from leads.models.bulk import BulkChange, BulkRow, BulkState
from leads.querysets import LeadQuerySet

KIND, UNDO_KIND = "bulk", "bulk.undo"
AT_ONCE = 1_000
UNDO_WITHIN = timedelta(hours=24)
GONE = "This lead was merged or taken back."


class BulkRefusedError(Exception):
    """What was asked cannot be done; the message says why."""


@transaction.atomic
def start(
    *,
    action: Action,
    params: Params,
    leads: LeadQuerySet,
    actor: User,
    said: str = "",
    query: str = "",
    source: CauseSource = CauseSource.PAGE,
) -> BulkChange:
    """Change these leads: now, or by a worker where there are more than `AT_ONCE`. Raises BulkRefusedError for none."""
    change = BulkChange.objects.create(
        kind=action.kind, params=dict(params), said=said, query=query[:2000], source=source, created_by=actor
    )
    change.total = _choose(change, leads)
    if not change.total:
        raise BulkRefusedError("None of these leads is there any more.")
    if change.total > AT_ONCE:
        change.job = jobs.enqueue(KIND, params=_named(change, action.label), actor=actor)
    else:
        _take(change, _waiting(change))
    change.save(update_fields=["total", "job"])
    detail = {"kind": change.kind, "leads": change.total}
    audit.record(action="bulk_changed", actor=actor, subject_kind="bulk", subject_ids=[change.pk], detail=detail)
    return change


def _choose(change: BulkChange, leads: LeadQuerySet) -> int:
    """Store which leads are meant; one statement. Returns how many they are."""
    statement, params = leads.order_by("pk").values("id").query.sql_with_params()
    table = BulkRow._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (change_id, lead_id, state, message, before, kept) "
            f"SELECT %s, chosen.id, %s, '', '{{}}', '' FROM ({statement}) chosen",
            [change.pk, BulkState.WAITING, *params],
        )
        stored: int = cursor.rowcount
    table_sizes.grew(table, by=stored)
    return stored


def _named(change: BulkChange, label: str) -> dict[str, Any]:
    return {"change": change.pk, "label": label, "leads": change.total}


# A slice of it ------------------------------------------------------------------------------------------------


def _waiting(change: BulkChange, after: int = 0) -> list[int]:
    found = BulkRow.objects.filter(change=change, state=BulkState.WAITING, lead__gt=after).order_by("lead")
    return list(found.values_list("lead", flat=True)[:AT_ONCE])


def _take(change: BulkChange, lead_ids: Sequence[int]) -> Counter[str]:
    """Change these leads and store what became of each; the same statements for any number. Returns how many came to
    what, by state.
    """
    action, actor = ACTIONS[change.kind], change.created_by
    allowed, refused = permitted(action, lead_ids, actor)
    done = action.take(allowed, change.params, _cause(change, actor), actor)
    refused |= done.refused
    results = {pk: _result(pk, done.before, refused) for pk in lead_ids}
    # In the order of the keys that the conflict rests on.
    batch.update(
        BulkRow,
        [{"change_id": change.pk, "lead_id": pk, **result} for pk, result in results.items()],
        key=("change_id", "lead_id"),
    )
    return Counter(str(result["state"]) for result in results.values())


def permitted(action: Action, lead_ids: Sequence[int], actor: User) -> tuple[list[int], dict[int, str]]:
    """Those that stand and that `actor` may change, under lock, and the others with the reason."""
    standing = Lead.objects.standing().filter(pk__any_of=list(lead_ids)).order_by("pk")
    found = {lead.pk: lead for lead in standing.select_for_update(of=("self",), no_key=True).select_related("owner")}
    refused = {pk: GONE for pk in lead_ids if pk not in found}
    for pk, lead in found.items():
        if not can(actor, action.policy, lead):
            refused[pk] = why_not(actor, action.policy, lead)
    return [pk for pk in found if pk not in refused], refused


def _result(pk: int, before: Mapping[int, batch.Row], refused: Mapping[int, str]) -> batch.Row:
    state = BulkState.DONE if pk in before else BulkState.REFUSED if pk in refused else BulkState.UNCHANGED
    return {"state": state, "message": refused.get(pk, "")[:300], "before": before.get(pk, {})}


def _cause(change: BulkChange, actor: User) -> Cause:
    return Cause(CauseSource(change.source), actor_id=actor.pk)


def _title(job: Job) -> str:
    return f"{job.params['label']}: {job.params['leads']:,} leads"


def _page(job: Job) -> str:
    return BulkChange(pk=job.params["change"]).get_absolute_url()


@register(KIND, about=About(title=_title, noun="leads", own_page=_page))
def run_slice(job: Job) -> Progress:
    """Change the next leads."""
    change = BulkChange.objects.select_related("created_by").get(pk=job.params["change"])
    lead_ids = _waiting(change, after=job.cursor or 0)
    # Added up: counting all rows after each slice costs the square of their number.
    so_far = Counter({state.value: 0 for state in BulkState if state != BulkState.WAITING} | job.result)
    if lead_ids:
        so_far.update(_take(change, lead_ids))
    return _progress(job, change, lead_ids, so_far)


def _progress(job: Job, change: BulkChange, lead_ids: Sequence[int], result: Mapping[str, int]) -> Progress:
    return Progress(
        cursor=lead_ids[-1] if lead_ids else job.cursor,
        done=job.done + len(lead_ids),
        total=job.params["leads"],
        result=dict(result),
        finished=len(lead_ids) < AT_ONCE,
    )


def counts(change: BulkChange) -> dict[str, int]:
    """How many leads came to what, by state; one query."""
    counted = BulkRow.objects.filter(change=change).values_list("state").annotate(n=Count("pk"))
    return {state.value: dict(counted).get(state.value, 0) for state in BulkState}


# Taking it back -----------------------------------------------------------------------------------------------


def why_not_undone(change: BulkChange) -> str:
    """Why this cannot be taken back; blank where it can."""
    if change.job and change.job.state in OPEN_STATES:
        return "It is not done yet: stop it first."
    if change.undone_at:
        return "It was taken back already."
    if lifecycle.database_now() > change.created_at + UNDO_WITHIN:
        return f"It can be taken back for {UNDO_WITHIN // timedelta(hours=1)} hours."
    return ""


@transaction.atomic
def undo(*, change_id: int, actor: User) -> BulkChange:
    """Take back what was done, where nobody has changed it since. Raises BulkRefusedError where it cannot be."""
    locked = BulkChange.objects.select_for_update(of=("self",)).select_related("job", "created_by")
    change = locked.get(pk=change_id)
    if refusal := why_not_undone(change):
        raise BulkRefusedError(refusal)
    change.undone_at = lifecycle.database_now()
    done = BulkRow.objects.filter(change=change, state=BulkState.DONE)
    if done.count() > AT_ONCE:
        change.undo_job = jobs.enqueue(UNDO_KIND, params=_named(change, "Undo"), actor=actor)
    else:
        _take_back(change, list(done.order_by("lead")), actor)
    change.save(update_fields=["undone_at", "undo_job"])
    audit.record(action="bulk_undone", actor=actor, subject_kind="bulk", subject_ids=[change.pk])
    return change


def _take_back(change: BulkChange, rows: Sequence[BulkRow], actor: User) -> int:
    """Returns how many had to stay."""
    lead_ids = [row.lead_id for row in rows]
    kept = _gone(lead_ids)
    kept |= ACTIONS[change.kind].undo(
        [row for row in rows if row.lead_id not in kept], change.params, _cause(change, actor)
    )
    now = lifecycle.database_now()
    batch.update(
        BulkRow,
        [{"id": row.pk, "undone_at": now, "kept": kept.get(row.lead_id, "")[:300]} for row in rows],
    )
    return len(kept)


def _gone(lead_ids: Iterable[int]) -> dict[int, str]:
    standing = Lead.objects.standing().filter(pk__any_of=list(lead_ids)).order_by("pk")
    found = set(standing.select_for_update(no_key=True).values_list("pk", flat=True))
    return {pk: GONE for pk in lead_ids if pk not in found}


@register(UNDO_KIND, about=About(title=_title, noun="leads", own_page=_page))
def undo_slice(job: Job) -> Progress:
    """Take the next leads back."""
    assert job.created_by
    change = BulkChange.objects.get(pk=job.params["change"])
    found = BulkRow.objects.filter(change=change, state=BulkState.DONE, lead__gt=job.cursor or 0)
    rows = list(found.order_by("lead")[:AT_ONCE])
    kept = _take_back(change, rows, job.created_by) if rows else 0
    result = {
        "taken_back": job.result.get("taken_back", 0) + len(rows) - kept,
        "kept": job.result.get("kept", 0) + kept,
    }
    return _progress(job, change, [row.lead_id for row in rows], result)
