"""What an import would do: the real one runs over the first rows, and all of it is taken back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction

from alignment.integrations.importers.bringing import Brought, bring, said_by
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.outcomes import places
from alignment.integrations.importers.reading import Line, lines
from alignment.integrations.models import How, Import, ImportProblem, ProblemKind
from leads.hygiene import duplicates, scanning
from leads.hygiene.marking import undecided
from leads.models import Lead

MOST_ROWS = 1_000
"""So many rows are tried."""

MOST_READ = 20_000
"""So many further rows are read, without looking leads up: what makes no sense by itself is found there too."""

SHOWN_ROWS = 12
SHOWN_SUSPECTS = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """One row as it would come in: the lead, what becomes of it, and what it would bring."""

    line: int
    lead: Lead
    how: How
    changed: Sequence[str]

    @property
    def title(self) -> str:
        """What the page calls it; it has no number yet that anybody could look for."""
        return self._facts[0] if self._facts else f"Row {self.line:,}"

    @property
    def beside(self) -> str:
        """What else tells who it is."""
        return ", ".join(self._facts[1:])

    @property
    def _facts(self) -> list[str]:
        lead = self.lead
        return [fact for fact in (lead.name, lead.email, lead.company_name or lead.phone) if fact]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A new lead that may be known already: its row, who it may be, and the evidence as a sentence."""

    line: int
    name: str
    other: str
    other_id: int | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What the first `rows` rows would do. `problems` are the rows that would be rejected, then what is remarkable.
    `suspects` are the first of `suspected` new leads that may be known already.

    `read` further rows were only read; `unreadable` are those of them that would be rejected.
    """

    rows: int
    is_whole: bool
    counts: dict[str, int]
    problems: list[ImportProblem]
    samples: list[Sample]
    read: int
    unreadable: list[ImportProblem]
    suspects: Sequence[Suspect] = ()
    suspected: int = 0

    @property
    def changes_nothing(self) -> bool:
        """Whether all of it is known already."""
        return not any(self.counts.get(name) for name in ("created", "updated", "moves", "planned", "rejected"))


def preview(batch: Import, *, actor_id: int | None) -> Preview:
    """Run the first rows of an explained import and take everything back. Raises MappingError and NotATableError."""
    mapping = Mapping.parse(batch.mapping)
    rows = lines(batch.path)
    tried = list(islice(rows, MOST_ROWS))
    further = list(islice(rows, MOST_READ)) if mapping.kind == "leads" else []
    with transaction.atomic():
        brought = bring(tried, mapping, actor_id=actor_id)
        samples = list(_samples(brought))
        suspects = _suspects(brought)
        transaction.set_rollback(True)
    problems = sorted(brought.problems, key=lambda each: (each.kind != ProblemKind.REJECTED, each.line))
    is_whole = batch.rows is not None and len(tried) == batch.rows
    return Preview(
        len(tried), is_whole, brought.counts, problems, samples, len(further), _unreadable(further, mapping),
        suspects[:SHOWN_SUSPECTS], len({each.line for each in suspects}),
    )  # fmt: skip


def _unreadable(further: Sequence[Line], mapping: Mapping) -> list[ImportProblem]:
    said = said_by(further, mapping, places())
    return said.problems if said else []


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


def _suspects(brought: Brought) -> list[Suspect]:
    """The new leads that may be known already, by row; another new one of the file has no key to open."""
    received = brought.received
    if received is None or not received.created or not brought.arrivals:
        return []
    scanning.look_at(sorted(received.created))
    lines = {pk: arrival.line.number for arrival, pk in zip(brought.arrivals, received.lead_ids, strict=True)}
    found = []
    for pair in undecided(received.created).select_related("first", "second").order_by("id"):
        new, other = (pair.second, pair.first) if pair.second_id in received.created else (pair.first, pair.second)
        known = None if other.pk in received.created else other.pk
        name = other.display_name if known else f"{other.display_name} of row {lines[other.pk]:,}"
        found.append(Suspect(lines[new.pk], new.display_name, name, known, duplicates.evidence_of(pair).sentence))
    return sorted(found, key=lambda each: each.line)


_LABELS = {
    "name": "name", "email": "e-mail", "phone": "phone", "title": "job title", "seniority": "seniority",
    "company_name": "company", "product_interest": "product interest", "source_id": "source",
    "campaign_id": "campaign", "segment_id": "segment", "territory_id": "territory", "consent": "consent",
    "attributes": "kept columns",
}  # fmt: skip
