"""What an import did, stored with the slice that did it: problems by row, leads, deals and touches by batch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alignment.integrations.importers.bringing import Brought
from alignment.integrations.models import How, Import, ImportedDeal, ImportedLead, ImportedTouch, ImportProblem
from alignment.lib import batch
from alignment.ops.models import Job
from leads import lifecycle, withdrawing
from leads.intake import Received


def store(job: Job, brought: Brought) -> None:
    """Keep what one slice of this job brought; the same statements for any number of rows."""
    _problems(job, brought.problems)
    batch_id = job.params.get("batch")
    if batch_id is None:
        return
    if job.cursor is None:  # the first alone, for which no slice beside it needs to wait
        Import.objects.filter(pk=batch_id, job=None).update(job=job)
    if brought.received:
        _leads(batch_id, brought.received)
        _deals(batch_id, brought.received)
    if brought.touches:
        _touches(batch_id, brought)


def _problems(job: Job, problems: Iterable[ImportProblem]) -> None:
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


def _leads(batch_id: int, received: Received) -> None:
    """One row for each lead. A lead that several rows of the file name keeps what the first of them changed."""
    lead_ids = sorted(set(received.lead_ids))
    if not lead_ids:
        return
    known = {each.lead_id: each for each in ImportedLead.objects.filter(batch=batch_id, lead_id__any_of=lead_ids)}
    seqs = defaultdict(list)
    for taken in received.moved.taken:
        seqs[taken.lead_id].append(taken.seq)
    created = {pk for pk in lead_ids if pk in received.created or (pk in known and known[pk].how == How.CREATED)}
    fingerprints, now = withdrawing.fingerprints(created), lifecycle.database_now()
    rows = []
    for pk in lead_ids:
        before = known.get(pk)
        row = _row(pk, before, seqs[pk], received, is_created=pk in created)
        rows.append({"batch_id": batch_id, **row, "fingerprint": fingerprints.get(pk, ""), "recorded_at": now})
    columns = [name for name in rows[0] if name not in ("batch_id", "lead_id")]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    batch.insert(ImportedLead, rows, conflict=f"ON CONFLICT (batch_id, lead_id) DO UPDATE SET {changes}")


def _row(
    pk: int, before: ImportedLead | None, seqs: Sequence[int], received: Received, *, is_created: bool
) -> dict[str, Any]:
    changes = {} if is_created else _changes(before, received.changes.get(pk, {}))
    if not is_created and pk in received.handed_over:
        changes |= _changes(before, {"owner_id": received.handed_over[pk]})
    first = before.first_seq if before and before.first_seq else min(seqs, default=None)
    last = max(seqs, default=before.last_seq if before else None)
    return {
        "lead_id": pk,
        "how": How.CREATED if is_created else How.UPDATED if changes or last else How.UNCHANGED,
        "first_seq": first,
        "last_seq": last,
        "moves": len(seqs) + (before.moves if before else 0),
        "changes": changes,
        "kept": "",
    }


def _changes(before: ImportedLead | None, fresh: Mapping[str, tuple[Any, Any]]) -> dict[str, list[Any]]:
    """Column → [before the import, after it]."""
    known = before.changes if before else {}
    return {**known, **{name: [known.get(name, pair)[0], pair[1]] for name, pair in fresh.items()}}


def _deals(batch_id: int, received: Received) -> None:
    now = lifecycle.database_now()
    batch.insert(
        ImportedDeal,
        [{"batch_id": batch_id, "opportunity_id": pk, "recorded_at": now} for pk in sorted(received.opened_deals)],
    )


def _touches(batch_id: int, brought: Brought) -> None:
    """Those of leads that stood already. What it recorded with a lead of its own goes with that lead, which stays as
    the import left it.
    """
    ours = ImportedLead.objects.filter(batch=batch_id, how=How.CREATED, lead__any_of=set(brought.touches.values()))
    created = set(ours.values_list("lead", flat=True))
    told = set(brought.received.lead_ids) if brought.received else set()
    fresh = withdrawing.fingerprints(created - told)
    batch.update(
        ImportedLead,
        [{"batch_id": batch_id, "lead_id": pk, "fingerprint": each} for pk, each in fresh.items()],
        key=("batch_id", "lead_id"),
    )
    stood = [pk for pk, lead_id in brought.touches.items() if lead_id not in created]
    batch.insert(ImportedTouch, [{"batch_id": batch_id, "touch_id": pk} for pk in stood])
