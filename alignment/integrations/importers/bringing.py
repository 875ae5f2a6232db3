"""A set of rows, translated and received: what was done with each, and what there is to say about it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from zoneinfo import ZoneInfo

from alignment.integrations.importers import rows
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.rows import Arrival, Places, RowError, translate
from alignment.integrations.models import ImportProblem, ProblemKind
from alignment.lib.emails import email_key_or_blank
from alignment.people import directory
from alignment.people.models import Company
from leads import matching
from leads.causes import Cause
from leads.contradictions import contradictions
from leads.decisions import Code
from leads.intake import Received, receive
from leads.milestones import CauseSource, Milestone
from leads.models import Reason
from leads.stages import Stages

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of some rows. `arrivals` and `received` are of leads alone, and tell of the rows in the same order."""

    counts: dict[str, int]
    problems: list[ImportProblem]
    arrivals: Sequence[Arrival] = ()
    received: Received | None = None


def bring(read: Sequence[Line], mapping: Mapping, *, actor_id: int | None) -> Brought:
    """Receive these rows, in the caller's transaction."""
    if mapping.kind == "people":
        return _people(read, mapping)
    return _leads(read, mapping, actor_id)


def _people(read: Sequence[Line], mapping: Mapping) -> Brought:
    people, problems = _sorted_out(read, lambda line: rows.person(line, mapping))
    known = directory.find(people)
    directory.find_or_add(people=people)
    added = len({one.external_id for one in people} - known.keys())
    return Brought({"created": added, "unchanged": len(people) - added, **_by_kind(problems)}, problems)


def _leads(read: Sequence[Line], mapping: Mapping, actor_id: int | None) -> Brought:
    places = _places()
    arrivals, problems = _sorted_out(read, lambda line: translate(line, mapping, places))
    arrivals, unknown = _only_known(arrivals) if mapping.unknown_lead == "reject" else (arrivals, [])
    arrivals, ownerless = _with_owners(arrivals, mapping)
    problems += unknown + ownerless
    cause = Cause(CauseSource.IMPORT, actor_id=actor_id, promise=mapping.promise)
    received = receive(drafts=[each.draft for each in arrivals], cause=cause, overwrite=mapping.overwrite)
    problems += _remarks(arrivals) + _refusals(arrivals, received) + _contradictions(arrivals, received)
    return Brought({**_counts(arrivals, received), **_by_kind(problems)}, problems, arrivals, received)


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


def _by_kind(problems: Iterable[ImportProblem]) -> Counter[str]:
    return Counter(str(each.kind) for each in problems)


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
