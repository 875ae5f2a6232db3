"""The import as a job: a slice of rows is read, translated, received, and what there is to say about it is stored."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings

from alignment.integrations.importers import rows
from alignment.integrations.importers.mapping import Mapping, MappingError
from alignment.integrations.importers.reading import Line, lines
from alignment.integrations.importers.rows import Arrival, Places, RowError, translate
from alignment.integrations.importers.staging import stage
from alignment.integrations.importers.tables import NotATableError
from alignment.integrations.models import ImportProblem, ProblemKind
from alignment.lib import batch
from alignment.lib.emails import email_key_or_blank
from alignment.ops.jobs import JobError, Progress, register, run_here
from alignment.ops.models import Job
from alignment.people import directory
from alignment.people.models import Company, User
from leads import matching
from leads.causes import Cause
from leads.contradictions import contradictions
from leads.decisions import Code
from leads.intake import Received, receive
from leads.milestones import CauseSource, Milestone
from leads.models import Reason
from leads.stages import Stages

Row = TypeVar("Row")

KIND = "import"
SLICE_ROWS = 5_000


def start(
    *,
    path: Path,
    mapping: dict[str, Any],
    actor: User | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Job:
    """Import a file, in this process; a worker goes on should it be killed. Returns the job as it ended.

    What the job reads is a staged copy of the file, in the folder of uploads. Raises MappingError or NotATableError,
    before anything is stored, where file and mapping do not fit.
    """
    checked = Mapping.parse(mapping)
    folder = settings.MEDIA_ROOT / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f"{uuid4()}.csv"
    table = stage(path, staged)
    missing = sorted(checked.columns - set(table.columns))
    if missing:
        staged.unlink()
        raise MappingError(f"The mapping names columns that {path.name} does not have: {', '.join(missing)}.")
    return run_here(KIND, params={"path": str(staged), "mapping": mapping}, actor=actor, report=report)


@register(KIND)
def run_slice(job: Job) -> Progress:
    """Import the next rows of the file, from the byte that the cursor names."""
    mapping, path = Mapping.parse(job.params["mapping"]), Path(job.params["path"])
    place = job.cursor or {"number": 1, "start": 0}
    try:
        read = list(islice(lines(path, **place), SLICE_ROWS))
    except NotATableError as error:
        raise JobError(str(error)) from error
    counts = Counter(job.result)
    if read:
        run = _people if mapping.kind == "people" else _leads
        counts.update(run(job, read, mapping))
        place = {"number": read[-1].number, "start": read[-1].end}
    return Progress(
        cursor=place,
        done=job.done + len(read),
        result=dict(counts),
        finished=len(read) < SLICE_ROWS,
    )


def _people(job: Job, read: Sequence[Line], mapping: Mapping) -> dict[str, int]:
    people, problems = _sorted_out(read, lambda line: rows.person(line, mapping))
    known = directory.find(people)
    directory.find_or_add(people=people)
    _store(job, problems)
    added = len({one.external_id for one in people} - known.keys())
    return {"created": added, "unchanged": len(people) - added, **_by_kind(problems)}


def _leads(job: Job, read: Sequence[Line], mapping: Mapping) -> dict[str, int]:
    places = _places()
    arrivals, problems = _sorted_out(read, lambda line: translate(line, mapping, places))
    arrivals, unknown = _only_known(arrivals) if mapping.unknown_lead == "reject" else (arrivals, [])
    arrivals, ownerless = _with_owners(arrivals, mapping)
    problems += unknown + ownerless
    cause = Cause(CauseSource.IMPORT, actor_id=job.created_by_id, promise=mapping.promise)
    received = receive(drafts=[each.draft for each in arrivals], cause=cause, overwrite=mapping.overwrite)
    problems += _remarks(arrivals) + _refusals(arrivals, received) + _contradictions(arrivals, received)
    _store(job, problems)
    return {**_counts(received), **_by_kind(problems)}


def _sorted_out(read: Iterable[Line], translated: Callable[[Line], Row]) -> tuple[list[Row], list[ImportProblem]]:
    good, problems = [], []
    for line in read:
        try:
            good.append(translated(line))
        except RowError as error:
            problems.append(_rejected(line, str(error)))
    return good, problems


def _places() -> Places:
    """What the mapping's names stand for here; three queries."""
    company, stages = Company.get(), Stages.load()
    named = {stage.key: pk for pk, stage in stages.by_id.items() if stage.retired_at is None}
    entries = {milestone.name: stages.first(milestone).pk for milestone in Milestone}
    return Places(
        stages={**named, **entries},
        reasons={(reason.kind, reason.key): reason.pk for reason in Reason.objects.all()},
        zone=ZoneInfo(company.time_zone),
        currency=company.currency,
        mql_stages=frozenset(pk for pk, stage in stages.by_id.items() if stage.milestone == Milestone.MQL),
        deal_stages=frozenset(pk for pk, stage in stages.by_id.items() if stage.milestone >= Milestone.SQO),
    )


def _only_known(arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[ImportProblem]]:
    """Rows of leads that stand already, and the rejection of the others."""
    drafts = [each.draft for each in arrivals]
    keys = [email_key_or_blank(draft.email) for draft in drafts]
    references, emails = matching.known_references(drafts), matching.known_emails([key for key in keys if key])
    known, problems = [], []
    for each, key in zip(arrivals, keys, strict=True):
        if matching.match(each.draft, key, references, emails):
            known.append(each)
        else:
            problems.append(_rejected(each.line, "No lead has this key, and the mapping adds none."))
    return known, problems


def _with_owners(arrivals: Sequence[Arrival], mapping: Mapping) -> tuple[list[Arrival], list[ImportProblem]]:
    """The rows with the owner that they name; what becomes of an unknown one is the mapping's choice."""
    named = {each.owner.external_id: each.owner for each in arrivals if each.owner}
    if not named:
        return list(arrivals), []
    adding = mapping.unknown_owner == "add"
    owners = directory.find_or_add(people=list(named.values())) if adding else directory.find(named.values())
    kept, problems = [], []
    for each in arrivals:
        owner_id = owners.get(each.owner.external_id) if each.owner else None
        if each.owner and owner_id is None and mapping.unknown_owner == "reject":
            problems.append(_rejected(each.line, f"Nobody here is “{each.line.cells[mapping.owner]}”."))
        else:
            kept.append(replace(each, draft=replace(each.draft, owner_id=owner_id)))
    return kept, problems


def _rejected(line: Line, message: str) -> ImportProblem:
    return ImportProblem(kind=ProblemKind.REJECTED, line=line.number, message=message, cells=line.cells)


def _remarks(arrivals: Iterable[Arrival]) -> list[ImportProblem]:
    return [
        ImportProblem(kind=ProblemKind.REMARK, line=each.line.number, message=remark)
        for each in arrivals
        for remark in each.remarks
    ]


def _refusals(arrivals: Sequence[Arrival], received: Received) -> list[ImportProblem]:
    """Moves that could not be made; one that stands already is no problem."""
    numbers = dict(zip(received.lead_ids, (each.line.number for each in arrivals), strict=True))
    return [
        ImportProblem(
            kind=ProblemKind.REFUSED, line=numbers[refusal.lead_id], lead_id=refusal.lead_id, message=refusal.message
        )
        for refusal in received.moved.refused
        if refusal.code != Code.ALREADY
    ]


def _contradictions(arrivals: Sequence[Arrival], received: Received) -> list[ImportProblem]:
    """Dates that cannot both be true, of leads that this slice moved."""
    numbers = dict(zip(received.lead_ids, (each.line.number for each in arrivals), strict=True))
    return [
        ImportProblem(
            kind=ProblemKind.CONTRADICTION, line=numbers[each.lead_id], lead_id=each.lead_id, message=str(each)
        )
        for each in contradictions(received.moved.lead_ids)
    ]


def _store(job: Job, problems: Iterable[ImportProblem]) -> None:
    batch.insert(
        ImportProblem,
        [
            {
                "job_id": job.pk,
                "kind": each.kind,
                "line": each.line,
                "lead_id": each.lead_id,
                "message": each.message[:500],
                "cells": each.cells,
            }
            for each in problems
        ],
    )


def _by_kind(problems: Iterable[ImportProblem]) -> Counter[str]:
    return Counter(str(each.kind) for each in problems)


def _counts(received: Received) -> dict[str, int]:
    leads = set(received.lead_ids)
    moved = set(received.moved.lead_ids)
    return {
        "created": len(received.created),
        "updated": len((received.updated | moved) - received.created),
        "unchanged": len(leads - received.created - received.updated - moved),
        "moves": len(received.moved.taken),
    }
