"""What an import would do: the real one runs over the first rows, and all of it is taken back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction

from alignment.integrations.importers.bringing import Brought, bring
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import lines
from alignment.integrations.models import How, Import, ImportProblem, ProblemKind
from leads.models import Lead

MOST_ROWS = 1_000
"""So many rows are tried."""

SHOWN_ROWS = 12


@dataclass(frozen=True, slots=True)
class Sample:
    """One row as it would come in: the lead, what becomes of it, and what it would bring."""

    line: int
    lead: Lead
    how: How
    changed: Sequence[str]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the first `rows` rows would do. `problems` are the rows that would be rejected, then what is remarkable."""

    rows: int
    is_whole: bool
    counts: dict[str, int]
    problems: list[ImportProblem]
    samples: list[Sample]

    @property
    def changes_nothing(self) -> bool:
        """Whether all of it is known already."""
        return not any(self.counts.get(name) for name in ("created", "updated", "moves", "rejected"))


def preview(batch: Import, *, actor_id: int | None) -> Preview:
    """Run the first rows of an explained import and take everything back. Raises MappingError and NotATableError."""
    mapping = Mapping.parse(batch.mapping)
    read = list(islice(lines(batch.path), MOST_ROWS + 1))
    is_whole = len(read) <= MOST_ROWS
    with transaction.atomic():
        brought = bring(read[:MOST_ROWS], mapping, actor_id=actor_id)
        samples = list(_samples(brought))
        transaction.set_rollback(True)
    problems = sorted(brought.problems, key=lambda each: (each.kind != ProblemKind.REJECTED, each.line))
    return Preview(min(len(read), MOST_ROWS), is_whole, brought.counts, problems, samples)


def _samples(brought: Brought) -> Iterator[Sample]:
    received = brought.received
    if received is None or not brought.arrivals:
        return
    shown = list(zip(brought.arrivals, received.lead_ids, strict=True))[:SHOWN_ROWS]
    found = Lead.objects.select_related("stage", "owner", "source").in_bulk([pk for _, pk in shown])
    moved = set(received.moved.lead_ids)
    for arrival, pk in shown:
        changes: dict[str, Any] = received.changes.get(pk, {})
        how = How.CREATED if pk in received.created else How.UPDATED if changes or pk in moved else How.UNCHANGED
        yield Sample(arrival.line.number, found[pk], how, [_LABELS[name] for name in changes if name in _LABELS])


_LABELS = {
    "name": "name", "email": "e-mail", "phone": "phone", "title": "job title", "seniority": "seniority",
    "company_name": "company", "product_interest": "product interest", "source_id": "source",
    "campaign_id": "campaign", "segment_id": "segment", "territory_id": "territory", "consent": "consent",
    "attributes": "kept columns",
}  # fmt: skip
