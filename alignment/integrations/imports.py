"""Imports as people do them: a file is taken in, its columns are explained, it is run, undone or thrown away."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.db.models.functions import Now

from alignment.integrations import uploads
from alignment.integrations.importers import job as importing
from alignment.integrations.importers.mapping import MappingError
from alignment.integrations.models import Import, SavedMapping
from alignment.ops import audit, jobs
from alignment.people.models import User


class RefusedError(Exception):
    """What was asked cannot be done with this import; the message says why."""


def take_in(*, upload: TemporaryUploadedFile, actor: User) -> Import:
    """Read an upload through once and keep it as a table. Raises NotATableError, which says what it is instead."""
    with uploads.staged(Path(upload.temporary_file_path())) as (stored_as, table):
        return uploads.record(stored_as, table, name=upload.name or "file", size=upload.size or 0, actor=actor)


def same_file(batch: Import) -> Import | None:
    """The newest import of a file with the same content that was run before this one."""
    others = Import.objects.filter(digest=batch.digest, job__isnull=False, pk__lt=batch.pk).exclude(digest="")
    return others.select_related("job", "undo_job", "created_by").order_by("-pk").first()


@transaction.atomic
def explain(*, batch_id: int, mapping: dict[str, Any]) -> Import:
    """Say what the columns of a file mean. Raises MappingError, and RefusedError once it was run."""
    batch = _waiting(batch_id)
    importing.check(mapping, batch.header)
    batch.mapping = mapping
    batch.save(update_fields=["mapping"])
    return batch


@transaction.atomic
def run(*, batch_id: int, actor: User) -> Import:
    """Let a worker import the file, and offer its mapping again for files with the same columns.

    Raises RefusedError where it was run already, thrown away, or not explained.
    """
    batch = _waiting(batch_id)
    if batch.mapping is None:
        raise RefusedError("Say first what the columns mean.")
    if not batch.has_file or not batch.path.exists():
        raise RefusedError("The file is not kept any more: upload it again.")
    batch.job = jobs.enqueue(importing.KIND, params=importing.params(batch), actor=actor)
    batch.save(update_fields=["job"])
    _remember(batch, actor)
    audit.record(
        action="import_started", actor=actor, subject_kind="import", subject_ids=[batch.pk], detail={"rows": batch.rows}
    )
    return batch


def _remember(batch: Import, actor: User) -> None:
    assert batch.mapping is not None
    SavedMapping.objects.update_or_create(
        header_key=batch.header_key,
        name=str(batch.mapping.get("name") or batch.name)[:120],
        defaults={"mapping": batch.mapping, "used_at": Now()},
        create_defaults={"mapping": batch.mapping, "created_by": actor},
    )


def saved_mappings(batch: Import) -> Sequence[SavedMapping]:
    """The mappings of earlier files with these columns, the one used last first."""
    saved = SavedMapping.objects.filter(header_key=batch.header_key).select_related("created_by")
    # Of the same names in another spelling none can be read.
    return [each for each in saved.order_by("-used_at", "-pk")[:20] if _fits(each.mapping, batch.header)]


def _fits(mapping: dict[str, Any], header: list[str]) -> bool:
    try:
        importing.check(mapping, header)
    except MappingError:
        return False
    return True


@transaction.atomic
def discard(*, batch_id: int) -> Import:
    """Throw an upload away that was not run. Raises RefusedError where it was."""
    batch = _waiting(batch_id)
    batch.discarded_at = Now()
    batch.save(update_fields=["discarded_at"])
    _forget_files([batch])
    return batch


@transaction.atomic
def cancel(*, batch_id: int, by: User | None = None) -> bool:
    """Stop an import, or its undo, where it is; what was done stays and can be undone. False if it had ended."""
    batch = Import.objects.select_related("job", "undo_job").get(pk=batch_id)
    job = batch.undo_job or batch.job
    return bool(job and jobs.cancel(job.pk, by=by))


@transaction.atomic
def resume(*, batch_id: int, by: User | None = None) -> bool:
    """Let an import, or its undo, that failed or was stopped go on. False if there is nothing to go on with."""
    batch = Import.objects.select_related("job", "undo_job").get(pk=batch_id)
    job = batch.undo_job or batch.job
    return bool(job and jobs.resume(job.pk, by=by))


def remove_old_files() -> int:
    """Remove the files of imports that came in longer ago than uploads are kept; the rows stay. Returns how many.

    What a process left behind that was killed goes as well.
    """
    old = Import.objects.filter(
        created_at__lt=Now() - settings.UPLOADS_KEPT, file_removed_at=None, discarded_at=None
    ).exclude(stored_as="")
    removed = _forget_files([each for each in old.select_related("job", "undo_job") if not each.is_under_way])
    kept = Import.objects.filter(file_removed_at=None, discarded_at=None).exclude(stored_as="")
    uploads.remove_orphans(kept=set(kept.values_list("stored_as", flat=True)))
    return removed


def _forget_files(batches: Sequence[Import]) -> int:
    Import.objects.filter(pk__in=[each.pk for each in batches]).update(file_removed_at=Now())
    for each in batches:
        if each.stored_as:
            transaction.on_commit(partial(uploads.remove, each.stored_as))
    return len(batches)


def _waiting(batch_id: int) -> Import:
    """The import, locked, if it was neither run nor thrown away."""
    batch = Import.objects.select_for_update().get(pk=batch_id)
    if batch.job_id:
        raise RefusedError("This file was run already.")
    if batch.discarded_at:
        raise RefusedError("This file was thrown away: upload it again.")
    return batch
