"""A set of rows, translated and received: what was done with each, and what there is to say about it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from alignment.integrations.importers import bringing_deals, bringing_touches, rows
from alignment.integrations.importers.facts import Table
from alignment.integrations.importers.lead_rows import Arrival, Translation
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.outcomes import (
    Brought,
    by_kind,
    contradicting,
    places,
    refusals,
    rejected,
    sorted_out,
    wanted,
    with_owners,
)
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.rows import Places
from alignment.integrations.models import ImportProblem, ProblemKind
from alignment.lib.emails import email_key_or_blank
from alignment.people import directory
from leads import matching
from leads.causes import Cause
from leads.drafts import Draft
from leads.intake import Received, receive
from leads.merging import lock as merge_lock
from leads.milestones import CauseSource

__all__ = ["Brought", "Said", "bring", "said_by"]


@dataclass(frozen=True)
class Said:
    """What rows of leads say, and the rejection of those that say nothing, as names stand for things `here`."""

    here: Places
    arrivals: list[Arrival]
    problems: list[ImportProblem]

    @property
    def drafts(self) -> list[Draft]:
        """The leads as they arrive, in order."""
        return [each.draft for each in self.arrivals]

    @cached_property
    def names(self) -> set[tuple[str, ...]]:
        """All by which they, and their deals, can be found."""
        return matching.names(self.drafts)


def said_by(read: Sequence[Line], mapping: Mapping, here: Places) -> Said | None:
    """What these rows say, without asking the database; None where they are not leads."""
    if mapping.kind != "leads":
        return None
    kept, _ = wanted(read, mapping)
    table, translation = Table(kept, mapping), Translation(mapping, here)
    return Said(here, *sorted_out(kept, translation.arrival, table.facts(), table.remarks()))


def bring(read: Sequence[Line], mapping: Mapping, *, actor_id: int | None, said: Said | None = None) -> Brought:
    """Receive these rows, in the caller's transaction; the same statements for any number. `said` is what they say,
    if that is known already.
    """
    merge_lock.while_matching()
    kept, left_out = wanted(read, mapping)
    if mapping.kind == "leads" and (known := said or said_by(read, mapping, places())):
        brought = _leads(known, mapping, actor_id)
    else:
        brought = _KINDS[mapping.kind](kept, mapping, actor_id)
    if not left_out:
        return brought
    return replace(brought, counts={**brought.counts, "skipped": brought.counts.get("skipped", 0) + left_out})


def _people(read: Sequence[Line], mapping: Mapping, actor_id: int | None) -> Brought:
    people, problems = sorted_out(read, lambda line: rows.person(line, mapping))
    known = directory.find(people)
    directory.find_or_add(people=people)
    added = len({one.external_id for one in people} - known.keys())
    return Brought({"created": added, "unchanged": len(people) - added, **by_kind(problems)}, problems)


def _leads(said: Said, mapping: Mapping, actor_id: int | None) -> Brought:
    problems = list(said.problems)
    arrivals, unknown = _only_known(said.arrivals) if mapping.unknown_lead == "reject" else (said.arrivals, [])
    arrivals, ownerless = with_owners(arrivals, mapping)
    problems += unknown + ownerless
    cause = Cause(CauseSource.IMPORT, actor_id=actor_id, promise=mapping.promise, route=mapping.route)
    received = receive(drafts=[each.draft for each in arrivals], cause=cause, overwrite=mapping.overwrite)
    numbers = dict(zip(received.lead_ids, (each.line.number for each in arrivals), strict=True))
    problems += _remarks(arrivals) + refusals(received.moved.refused, numbers)
    problems += contradicting(received.moved.lead_ids, numbers)
    return Brought({**_counts(arrivals, received), **by_kind(problems)}, problems, arrivals, received, received.touches)


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
            problems.append(rejected(each.line, "No lead has this key, and the mapping adds none."))
    return known, problems


def _remarks(arrivals: Iterable[Arrival]) -> list[ImportProblem]:
    return [
        ImportProblem(kind=ProblemKind.REMARK, line=each.line.number, message=remark)
        for each in arrivals
        for remark in each.remarks
    ]


def _counts(arrivals: Sequence[Arrival], received: Received) -> dict[str, int]:
    leads = set(received.lead_ids)
    moved = set(received.moved.lead_ids)
    return {
        "created": len(received.created),
        "updated": len((received.updated | moved) - received.created),
        "unchanged": len(leads - received.created - received.updated - moved),
        "moves": len(received.moved.taken),
        "deals_opened": len(received.opened_deals),
        "deals_joined": sum(each.draft.deal is not None for each in arrivals) - len(received.opened_deals),
    }


_KINDS: dict[str, Callable[[Sequence[Line], Mapping, int | None], Brought]] = {
    "people": _people,
    "deals": bringing_deals.bring,
    "touches": bringing_touches.bring,
}
