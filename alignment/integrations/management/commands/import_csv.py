"""`manage.py import_csv FILE --mapping MAPPING.json`: bring leads in from a file, as the mapping says."""

import csv
import json
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from alignment.integrations.importers import job as importing
from alignment.integrations.importers.mapping import MappingError
from alignment.integrations.importers.proposals import propose
from alignment.integrations.importers.reading import header, sample
from alignment.integrations.importers.staging import stage
from alignment.integrations.importers.tables import NotATableError
from alignment.integrations.models import ImportProblem, ProblemKind
from alignment.ops.jobs import Progress
from alignment.ops.models import Job, JobState

SHOWN = 20


class Command(BaseCommand):
    help = "Import leads, deals, touches or people from a table (CSV or Excel). Running a file twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--mapping", type=Path, help="JSON: what the columns mean (docs/import.md); without it one is proposed"
        )
        parser.add_argument("--rejected", type=Path, help="where rejected rows go (default: FILE.rejected.csv here)")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, file: Path, mapping: Path | None, rejected: Path | None, **options: Any) -> None:
        if mapping is None:
            self._propose(file)
            return
        try:
            said = json.loads(mapping.read_text(encoding="utf-8"))
            job = importing.start(path=file, mapping=said, report=None if options["json"] else self._progress)
        except (OSError, ValueError) as error:
            raise CommandError(f"The mapping {mapping} cannot be read: {error}") from error
        except (MappingError, NotATableError) as error:
            raise CommandError(str(error)) from error
        if job.state != JobState.DONE:
            raise CommandError(job.error or f"The import was {job.get_state_display().lower()}.")
        written = self._write_rejected(job, rejected or Path(f"{file.name}.rejected.csv"))
        if options["json"]:
            self.stdout.write(json.dumps({**job.result, "rows": job.done, "rejected_file": written}))
        else:
            self._tell(job, written)

    def _propose(self, file: Path) -> None:
        """Print a mapping for the file, to be saved and changed; nothing is imported."""
        with TemporaryDirectory() as folder:
            staged = Path(folder) / "staged.csv"
            try:
                table = stage(file, staged)
            except NotATableError as error:
                raise CommandError(str(error)) from error
            rows = [line.cells for line in sample(staged)]
        proposal = propose(table.columns, rows, name=file.stem)
        for note in (proposal.preset, *table.notes):
            if note:
                self.stderr.write(note)
        self.stdout.write(json.dumps(proposal.mapping, indent=2, ensure_ascii=False))

    def _progress(self, progress: Progress) -> None:
        self.stdout.write(f"{progress.done:,} rows read")

    def _write_rejected(self, job: Job, path: Path) -> str | None:
        """The rejected rows as they came, each with its row number and the reason; None without any."""
        problems = ImportProblem.objects.filter(job=job, kind=ProblemKind.REJECTED).order_by("line", "id")
        if not problems.exists():
            return None
        columns = header(Path(job.params["path"]))
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["row", "reason", *columns])
            for problem in problems.iterator():
                writer.writerow([problem.line, problem.message, *(problem.cells.get(name, "") for name in columns)])
        return str(path)

    def _tell(self, job: Job, written: str | None) -> None:
        result = job.result
        self.stdout.write(
            f"{result.get('created', 0):,} created, {result.get('updated', 0):,} updated, "
            f"{result.get('unchanged', 0):,} unchanged, {result.get('moves', 0):,} moves."
        )
        for kind in ProblemKind:
            problems = ImportProblem.objects.filter(job=job, kind=kind).order_by("line", "id")
            if count := result.get(kind.value, 0):
                self.stdout.write(f"{kind.label}: {count:,}")
                for problem in problems[:SHOWN]:
                    self.stdout.write(f"  row {problem.line}: {problem.message}")
        if written:
            self.stdout.write(f"The rejected rows, with the reasons, are in {written}.")
