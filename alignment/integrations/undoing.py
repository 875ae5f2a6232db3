"""Taking a whole import back, as a job: what it created and nobody has worked on since goes, and what it changed in
leads that stood already goes back, as do the touches that it recorded with them. What somebody has changed since is
kept, and says why.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from alignment.integrations.importers.job import page_of
from alignment.integrations.imports import RefusedError
from alignment.integrations.models import UNDO_WITHIN, How, Import, ImportedDeal, ImportedLead, ImportedTouch
from alignment.lib import batch as rows
from alignment.ops import audit, jobs
from alignment.ops.jobs import About, Progress, register
from alignment.ops.models import OPEN_STATES, Job
from alignment.people.models import User
from leads import lifecycle, touches, withdrawing
from leads.causes import Cause, Promise
from leads.deals import deals
from leads.decisions import Step
from leads.milestones import CauseSource, Kind
from leads.models import Lead, LeadTransition, OpportunityChange

KIND = "import.undo"
SLICE_LEADS = 1_000
SLICE_TOUCHES = 5_000

MOVED = "It has moved on since."
WORKED_ON = "Somebody has changed it or worked on it since."
SOLD = "Its deal was changed since."
KEPT = "Another lead was merged into it since."
TAKEN_UP = "Another import has brought news of it since."


def why_not(batch: Import) -> str:
    """Why this import cannot be taken back; blank where it can."""
    if batch.job is None or batch.job.state in OPEN_STATES:
        return "It is not done yet: stop it first."
    if batch.undo_job:
        return "It is taken back already."
    if batch.kind == "people":
        return "People are not taken back with an import: deactivate them one by one."
    until = batch.undo_until
    if until is None or lifecycle.database_now() > until:
        return f"An import can be taken back for {UNDO_WITHIN // timedelta(hours=1)} hours after it began."
    return ""


@transaction.atomic
def undo(*, batch_id: int, actor: User) -> Import:
    """Let a worker take an import back. Raises RefusedError where it cannot be."""
    batch = Import.objects.select_for_update(of=("self",)).select_related("job", "undo_job").get(pk=batch_id)
    if refusal := why_not(batch):
        raise RefusedError(refusal)
    batch.undo_job = jobs.enqueue(KIND, params={"batch": batch.pk, "name": batch.name}, actor=actor)
    batch.save(update_fields=["undo_job"])
    audit.record(action="import_undone", actor=actor, subject_kind="import", subject_ids=[batch.pk])
    return batch


def _figures(job: Job) -> list[tuple[str, int]]:
    labels = {"withdrawn": "Leads taken back", "put_back": "Put back", "deals": "Deals taken back"}
    labels |= {"touches": "Activities taken back", "kept": "Kept"}
    return [(label, job.result.get(name, 0)) for name, label in labels.items()]


ABOUT = About(
    title=lambda job: f"Undo of the import of {job.params.get('name', 'a file')}",
    noun="leads",
    figures=_figures,
    own_page=page_of,
)


@register(KIND, about=ABOUT)
def run_slice(job: Job) -> Progress:
    """Take back what the import did with the next leads; after the last of them, the next touches."""
    return _touches(job, job.cursor["touch"]) if isinstance(job.cursor, dict) else _leads(job)


def _leads(job: Job) -> Progress:
    batch_id = job.params["batch"]
    found = ImportedLead.objects.filter(batch=batch_id, lead__gt=job.cursor or 0).exclude(how=How.UNCHANGED)
    told = list(found.order_by("lead")[:SLICE_LEADS])
    cause = Cause(CauseSource.PAGE, actor_id=job.created_by_id, promise=Promise.NONE)
    created = [each for each in told if each.how == How.CREATED]
    updated = [each for each in told if each.how == How.UPDATED]
    kept = {**_withdraw(created, cause, job), **_put_back(updated, cause)}
    now = lifecycle.database_now()
    rows.update(ImportedLead, [{"id": each.pk, "undone_at": now, "kept": kept.get(each.lead_id, "")} for each in told])
    counts = Counter(job.result)
    counts.update(
        withdrawn=sum(each.lead_id not in kept for each in created),
        put_back=sum(each.lead_id not in kept for each in updated),
        kept=len(kept),
    )
    are_done = len(told) < SLICE_LEADS
    if are_done:
        counts["deals"] = deals.withdraw(opportunity_ids=_untouched_deals(job), cause=cause)
    recorded = ImportedTouch.objects.filter(batch=batch_id)
    touches_follow = are_done and recorded.exists()
    return Progress(
        cursor={"touch": 0} if touches_follow else told[-1].lead_id if told else job.cursor,
        done=job.done + len(told),
        total=job.total if job.total is not None else found.count() + recorded.count(),
        result=dict(counts),
        finished=are_done and not touches_follow,
    )


def _touches(job: Job, after: int) -> Progress:
    """One that says who brought a deal stays."""
    recorded = ImportedTouch.objects.filter(batch=job.params["batch"], touch_id__gt=after)
    told = list(recorded.order_by("touch_id").values_list("touch_id", flat=True)[:SLICE_TOUCHES])
    cause = Cause(CauseSource.PAGE, actor_id=job.created_by_id, promise=Promise.NONE)
    gone = touches.withdraw(touch_ids=told, cause=cause)
    counts = Counter(job.result)
    counts.update(touches=gone.stored, touches_kept=len(told) - gone.stored)
    return Progress(
        cursor={"touch": told[-1]} if told else job.cursor,
        done=job.done + len(told),
        total=job.total,
        result=dict(counts),
        finished=len(told) < SLICE_TOUCHES,
    )


# What it created ----------------------------------------------------------------------------------------------


# Why a lead that the import created has to stay; null where nothing speaks for it.
_CLAIMED = """
    SELECT told.lead_id, CASE
        WHEN EXISTS (SELECT FROM leads_lead gone WHERE gone.merged_into_id = lead.id) THEN %(kept)s
        WHEN lead.last_seq <> told.last_seq THEN %(moved)s
        WHEN EXISTS (
            SELECT FROM integrations_importedlead later
            WHERE later.lead_id = told.lead_id AND later.batch_id > told.batch_id AND later.undone_at IS NULL
        ) THEN %(taken_up)s
        WHEN EXISTS (
            SELECT FROM leads_journey journey
            JOIN leads_opportunitychange change ON change.opportunity_id = journey.opportunity_id
            WHERE journey.lead_id = told.lead_id AND change.recorded_at > told.recorded_at
                AND change.recorded_at > %(ended_at)s AND change.recorded_at < %(undone_at)s
        ) THEN %(sold)s
    END
    FROM integrations_importedlead told JOIN leads_lead lead ON lead.id = told.lead_id
    WHERE told.id = ANY(%(ids)s)
"""


def _withdraw(created: Sequence[ImportedLead], cause: Cause, job: Job) -> dict[int, str]:
    """Take back, under lock, the leads that nobody has worked on; returns the others, with the reason."""
    if not created:
        return {}
    leads = Lead.objects.filter(pk__any_of=[each.lead_id for each in created]).order_by("pk")
    list(leads.select_for_update(no_key=True).values_list("pk"))
    kept = {pk: why for pk, why in _claimed(created, job).items() if why}
    fingerprints = withdrawing.fingerprints([each.lead_id for each in created])
    kept |= {
        each.lead_id: WORKED_ON
        for each in created
        if each.lead_id not in kept and fingerprints.get(each.lead_id) != each.fingerprint
    }
    free = [each.lead_id for each in created if each.lead_id not in kept]
    moved = withdrawing.withdraw(lead_ids=free, cause=cause, note="The import that brought it in was taken back.")
    return kept | {refusal.lead_id: refusal.message for refusal in moved.refused}


def _claimed(created: Sequence[ImportedLead], job: Job) -> dict[int, str | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIMED,
            {
                "ids": [each.pk for each in created], "kept": KEPT, "moved": MOVED, "taken_up": TAKEN_UP, "sold": SOLD,
                "ended_at": _ended_at(job), "undone_at": job.created_at,
            },
        )  # fmt: skip
        return dict(cursor.fetchall())


def _untouched_deals(job: Job) -> list[int]:
    """The deals that the import opened and nobody has changed since."""
    changed = OpportunityChange.objects.filter(recorded_at__gt=_ended_at(job), recorded_at__lt=job.created_at)
    opened = ImportedDeal.objects.filter(batch=job.params["batch"])
    return list(opened.exclude(opportunity__in=changed.values("opportunity")).values_list("opportunity", flat=True))


def _ended_at(job: Job) -> datetime:
    """When the import that this job takes back had ended."""
    ended_at = Import.objects.values_list("job__finished_at", flat=True).get(pk=job.params["batch"])
    assert ended_at  # only an import that has ended is taken back
    return ended_at


# What it changed ----------------------------------------------------------------------------------------------


def _put_back(updated: Sequence[ImportedLead], cause: Cause) -> dict[int, str]:
    """Take the moves back that are still the newest, and put facts back that are still as they were left."""
    if not updated:
        return {}
    kept = _undo_moves([each for each in updated if each.moves], cause)
    changes = {each.lead_id: {name: tuple(pair) for name, pair in each.changes.items()} for each in updated}
    stays = withdrawing.restore(changes={pk: told for pk, told in changes.items() if told}, cause=cause)
    for pk, names in stays.items():
        kept.setdefault(pk, f"Changed since: {', '.join(_labels(names))}.")
    return kept


def _labels(names: Iterable[str]) -> list[str]:
    return sorted(
        {name.removesuffix("_id").removesuffix("_key").removesuffix("_domain").replace("_", " ") for name in names}
    )


def _undo_moves(told: Sequence[ImportedLead], cause: Cause) -> dict[int, str]:
    made = {(each.lead_id, seq) for each in told for seq in range(each.first_seq or 0, (each.last_seq or 0) + 1)}
    moves = LeadTransition.objects.filter(lead__any_of=[each.lead_id for each in told], reverted_by=None)
    newest: dict[int, int] = {}
    keys: dict[int, list[int]] = {}
    for pk, lead_id, seq in moves.order_by("lead", "-seq").values_list("pk", "lead", "seq"):
        newest.setdefault(lead_id, seq)
        if (lead_id, seq) in made:
            keys.setdefault(lead_id, []).append(pk)
    kept = {each.lead_id: MOVED for each in told if not _is_newest(each, newest.get(each.lead_id))}
    steps = [
        Step(lead_id, Kind.UNDO, transition_id=pk)
        for lead_id, moved in keys.items()
        if lead_id not in kept
        for pk in moved
    ]
    undone = lifecycle.move(steps=steps, cause=cause)
    return kept | {refusal.lead_id: refusal.message for refusal in undone.refused}


def _is_newest(told: ImportedLead, newest: int | None) -> bool:
    """Whether nothing came after, or between, the moves of the import."""
    span = (told.last_seq or 0) - (told.first_seq or 0) + 1
    return newest == told.last_seq and told.moves == span
