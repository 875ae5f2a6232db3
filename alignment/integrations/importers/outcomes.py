"""What the kinds of import share: rows sorted into good ones and problems, and what names mean in this install."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from alignment.integrations.importers.lead_rows import Arrival
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.rows import Places, RowError, is_skipped
from alignment.integrations.models import ImportProblem, ProblemKind
from alignment.people import directory
from alignment.people.models import Company
from leads.contradictions import contradictions
from leads.decisions import Code, Refusal
from leads.intake import Received
from leads.milestones import Milestone
from leads.models import Reason
from leads.stages.stages import Stages

Row = TypeVar("Row")
Owned = TypeVar("Owned", bound=Any)
"""A translated row with its `line`, the `owner` that it names, and a `draft` that takes the owner's key."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of some rows. `arrivals` and `received` are of leads alone, and tell of the rows in the same order;
    `touches` has the lead of each touch that was recorded.
    """

    counts: dict[str, int]
    problems: list[ImportProblem]
    arrivals: Sequence[Arrival] = ()
    received: Received | None = None
    touches: Map[int, int] = field(default_factory=dict)


def sorted_out(
    read: Iterable[Line], translated: Callable[..., Row | None], *beside: Iterable[Any]
) -> tuple[list[Row], list[ImportProblem]]:
    """What the rows say, and the rejection of those that say nothing; rows without anything to say are left out.
    `translated` gets a row and what stands `beside` it.
    """
    good: list[Row] = []
    problems = []
    for line, *more in zip(read, *beside, strict=True):
        try:
            said = translated(line, *more)
            if said is not None:
                good.append(said)
        except RowError as error:
            problems.append(rejected(line, str(error)))
    return good, problems


def places() -> Places:
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


def with_owners(arrivals: Sequence[Owned], mapping: Mapping) -> tuple[list[Owned], list[ImportProblem]]:
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
            problems.append(rejected(each.line, f"Nobody here is “{each.line.cells[mapping.owner]}”."))
        else:
            kept.append(replace(each, draft=replace(each.draft, owner_id=owner_id)))
    return kept, problems


def rejected(line: Line, message: str) -> ImportProblem:
    return ImportProblem(kind=ProblemKind.REJECTED, line=line.number, message=message, cells=line.cells)


def by_kind(problems: Iterable[ImportProblem]) -> Counter[str]:
    return Counter(str(each.kind) for each in problems)


def wanted(read: Sequence[Line], mapping: Mapping) -> tuple[Sequence[Line], int]:
    """The rows that the mapping does not leave out, and how many it does."""
    if not mapping.skip:
        return read, 0
    kept = [line for line in read if line.fault or not is_skipped(line, mapping)]
    return kept, len(read) - len(kept)


def refusals(refused: Iterable[Refusal], numbers: dict[int, int]) -> list[ImportProblem]:
    """Moves that could not be made, `numbers` being lead → row; one that stands already is no problem."""
    return [
        ImportProblem(
            kind=ProblemKind.REFUSED, line=numbers[refusal.lead_id], lead_id=refusal.lead_id, message=refusal.message
        )
        for refusal in refused
        if refusal.code != Code.ALREADY
    ]


def contradicting(lead_ids: Sequence[int], numbers: dict[int, int]) -> list[ImportProblem]:
    """Dates that cannot both be true, of leads that were moved."""
    return [
        ImportProblem(
            kind=ProblemKind.CONTRADICTION, line=numbers[each.lead_id], lead_id=each.lead_id, message=str(each)
        )
        for each in contradictions(lead_ids)
    ]
