"""The import as a job: a slice of rows is read and received, and what was done with each of them is stored."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.urls import reverse

from alignment.integrations import uploads
from alignment.integrations.importers import recording, slices
from alignment.integrations.importers.apart import are_apart
from alignment.integrations.importers.bringing import bring
from alignment.integrations.importers.deciding import decide
from alignment.integrations.importers.mapping import Mapping, MappingError
from alignment.integrations.importers.outcomes import places
from alignment.integrations.importers.rows import Places
from alignment.integrations.importers.tables import NotATableError
from alignment.integrations.models import Import
from alignment.ops.jobs import About, JobError, Progress, in_turn, register, run_here
from alignment.ops.models import Job
from alignment.people.models import User
from leads import matching

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

    What the job reads is a staged copy of the file, which is kept like an upload. Raises MappingError or
    NotATableError, before anything is stored, where file and mapping do not fit.
    """
    Mapping.parse(mapping)
    with uploads.staged(path) as (stored_as, table):
        check(mapping, table.columns)
        whole = completed(mapping, uploads.folder() / stored_as)
        batch = uploads.record(stored_as, table, name=path.name, size=path.stat().st_size, actor=actor, mapping=whole)
    return run_here(KIND, params=params(batch), actor=actor, report=report)


def completed(mapping: dict[str, Any], staged: Path) -> dict[str, Any]:
    """The mapping with the notations that the file decides, unless it says how dates are written.

    Raises MappingError for a column that can be read in two ways.
    """
    if "date_formats" in mapping:
        return mapping
    decided = decide(staged, mapping)
    for column, said in decided.open.items():
        choices = " or ".join(f'"{each}"' for each in said.choices)
        raise MappingError(
            f'Nothing in {column} decides what “{said.example}” means: say {{"notations": {{"{column}": {choices}}}}}.'
        )
    return {**mapping, "notations": decided.notations}


def check(mapping: dict[str, Any], columns: Sequence[str]) -> Mapping:
    """The mapping, for a file with these columns. Raises MappingError."""
    checked = Mapping.parse(mapping)
    missing = sorted(checked.columns - set(columns))
    if missing:
        raise MappingError(f"The mapping names columns that the file does not have: {', '.join(missing)}.")
    return checked


def params(batch: Import) -> dict[str, Any]:
    """What the job of an import must know."""
    return {
        "path": str(batch.path),
        "mapping": batch.mapping,
        "batch": batch.pk,
        "name": batch.name,
        "rows": batch.rows,
    }


def page_of(job: Job) -> str:
    """The page of the import that a job runs or takes back."""
    return reverse("import", args=[job.params["batch"]])


def _figures(job: Job) -> list[tuple[str, int]]:
    return [(name.capitalize(), job.result.get(name, 0)) for name in ("created", "updated", "unchanged", "rejected")]


ABOUT = About(title=lambda job: f"Import of {job.params.get('name', 'a file')}", figures=_figures, own_page=page_of)


def _beside(job: Job) -> slices.Place | None:
    """Where the next slice begins, if its rows have nothing to do with those of this one."""
    mapping, path, here = Mapping.parse(job.params["mapping"]), Path(job.params["path"]), places()
    if not _may_be_abreast(mapping):
        return None
    this = _taken(job, mapping, here)
    place = slices.after(this)
    if place is None or len(this.lines) < SLICE_ROWS:
        slices.forget(path)  # this is the last one, and may have done so already
        return None
    following = slices.take(path, place, mapping=mapping, here=here, most=SLICE_ROWS)
    are_two = this.said and following.said and are_apart(this.said, following.said, routes=mapping.route)
    return place if are_two else None


def _may_be_abreast(mapping: Mapping) -> bool:
    """Only where no row is rejected later: one that is makes no company."""
    rejects = mapping.unknown_lead == "reject" or (mapping.owner and mapping.unknown_owner == "reject")
    return mapping.kind == "leads" and not rejects


def _make_companies(job: Job) -> None:
    """Rows of one company stand all over a file: the next slice does not wait for those that this one makes. The last
    one may make its own.
    """
    mapping = Mapping.parse(job.params["mapping"])
    if _may_be_abreast(mapping):
        found = _read(job, mapping)
        if found.said and len(found.lines) == SLICE_ROWS:
            matching.make_accounts(found.said.drafts)


def _read(job: Job, mapping: Mapping) -> slices.Slice:
    """The rows of this slice. Raises JobError."""
    try:
        return _taken(job, mapping, places())
    except NotATableError as error:
        raise JobError(str(error)) from error


def _taken(job: Job, mapping: Mapping, here: Places) -> slices.Slice:
    place = job.cursor or {"number": 1, "start": 0}
    return slices.take(Path(job.params["path"]), place, mapping=mapping, here=here, most=SLICE_ROWS)


@register(KIND, about=ABOUT, beside=_beside, ahead=_make_companies)
def run_slice(job: Job) -> Progress:
    """Import the next rows of the file, from the byte that the cursor names."""
    mapping = Mapping.parse(job.params["mapping"])
    found = _read(job, mapping)
    brought = None
    if found.lines:
        brought = bring(found.lines, mapping, actor_id=job.created_by_id, said=found.said)
        recording.store(job, brought)
    finished = len(found.lines) < SLICE_ROWS
    if finished:
        slices.forget(Path(job.params["path"]))
    in_turn(job)
    counts = Counter(job.result)
    counts.update(brought.counts if brought else {})
    return Progress(
        cursor=slices.after(found) or job.cursor,
        done=job.done + len(found.lines),
        total=job.params.get("rows"),
        result=dict(counts),
        finished=finished,
    )
