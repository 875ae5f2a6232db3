"""The import as a job: a slice of rows is read and received, and what was done with each of them is stored."""

from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from alignment.integrations.importers import recording
from alignment.integrations.importers.bringing import bring
from alignment.integrations.importers.mapping import Mapping, MappingError
from alignment.integrations.importers.reading import NotATableError, header, lines
from alignment.integrations.models import Import
from alignment.ops.jobs import JobError, Progress, register, run_here
from alignment.ops.models import Job
from alignment.people.models import User

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

    Raises MappingError or NotATableError, before anything is stored, where file and mapping do not fit.
    """
    columns = header(path)
    check(mapping, columns)
    batch = Import.objects.create(
        name=path.name[:255],
        size=path.stat().st_size,
        header=columns,
        header_key=recording.header_key(columns),
        mapping=mapping,
        created_by=actor,
    )
    return run_here(KIND, params=params(batch, path.resolve()), actor=actor, report=report)


def check(mapping: dict[str, Any], columns: list[str]) -> Mapping:
    """The mapping, for a file with these columns. Raises MappingError."""
    checked = Mapping.parse(mapping)
    missing = sorted(checked.columns - set(columns))
    if missing:
        raise MappingError(f"The mapping names columns that the file does not have: {', '.join(missing)}.")
    return checked


def params(batch: Import, path: Path) -> dict[str, Any]:
    """What the job of an import must know."""
    return {"path": str(path), "mapping": batch.mapping, "batch": batch.pk, "rows": batch.rows}


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
        brought = bring(read, mapping, actor_id=job.created_by_id)
        recording.store(job, brought)
        counts.update(brought.counts)
        place = {"number": read[-1].number, "start": read[-1].end}
    finished = len(read) < SLICE_ROWS
    if finished:
        recording.tell(job, counts)
    return Progress(
        cursor=place,
        done=job.done + len(read),
        total=job.params.get("rows"),
        result=dict(counts),
        finished=finished,
    )
